/** What a node took is not lost with it, with a real MongoDB: a submit that is sent again with its key, and a webhook that was on its way. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { ReelmeshClient } from '../../client/client.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { webhookReceiver } from '../../testing/tools/webhook-receiver.ts'
import { startNode, until } from './nodes.ts'

test('a submit is answered alike by another node, which does not see the file, after the death of the one that took it', async (t) => {
  const dir = await folder(t)
  const film = join(dir, 'film.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', film])
  const mongod = await startMongod()
  t.after(() => mongod.stop())
  const ledger = ['--ledger', mongod.freshUri()]
  const hook = await webhookReceiver(t, dir, { refused: 2 })
  const flags = [...ledger, '--http', '127.0.0.1:0', '--http-folders', dir, '--slots', '0', ...hook.flags]
  const a = await startNode(t, dir, { name: 'a', flags })
  const b = await startNode(t, dir, { name: 'b', flags: [...flags, '--join', a.address] })
  const submit = async ({ http }: { http: string }, body: unknown) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' }
    const response = await fetch(`${http}/v1/videos`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, text: await response.text() }
  }
  const body = { path: film, recipe: { renditions: ['360p'] }, webhooks: [`${hook.url}/?token=hush`] }
  const first = await submit(a, body)
  assert.equal(first.status, 201, first.text)
  const { id } = JSON.parse(first.text) as { id: string }
  const client = new ReelmeshClient({ nodes: b.http })
  await until('a leads, and hears of the submit', async () => (await client.status()).leader?.name === 'a')
  await client.cancel(id)
  await until('it was refused twice', async () => hook.got.length >= 2)
  await a.stop()
  await writeFile(film, 'another file by now')
  assert.deepEqual(await submit(b, body), first)
  assert.equal((await submit(b, { ...body, priority: 1 })).status, 422)

  const delivered = await until('the other node has led, and delivered it', async () => {
    for await (const each of client.webhooks({ state: 'delivered' })) return each
    return null
  })
  assert.partialDeepStrictEqual(delivered, {
    type: 'video.cancelled',
    video: id,
    endpoint: `${hook.url}/?…`,
    answer: 'HTTP 204',
  })
  const again = await runCli(['webhooks', 'resend', delivered.id], { cwd: dir, dataDir: b.dataDir })
  assert.equal(again.code, 0, again.stderr)
  await until('it came again', async () => hook.got.length >= 4)
  const listed = await runCli(['webhooks'], { cwd: dir, dataDir: b.dataDir })
  const failed = await runCli(['webhooks', '--state', 'failed', '--json'], { cwd: dir, dataDir: b.dataDir })
  assert.deepEqual(JSON.parse(failed.stdout), [])
  const private_ = await runCli(['submit', film, '--webhook', 'http://10.0.0.1/'], { cwd: dir, dataDir: b.dataDir })
  assert.equal(private_.code, 2)
  assert.match(private_.stderr, /^reelmesh: webhooks\.0: 10\.0\.0\.1 is no public address, and webhook_allow_private/)
  assert.match(listed.stdout, new RegExp(`^${delivered.id} +video\\.cancelled +(delivered|waiting)`))
  assert.deepEqual(new Set(hook.got.map((each) => each.id)), new Set([delivered.id]))
  assert.ok(hook.got.every(({ body }) => body === hook.got[0]!.body && JSON.parse(body).data.video.id === id))
  for (const text of [a.log(), b.log(), listed.stdout, JSON.stringify(await client.status())])
    assert.doesNotMatch(text, /hush|whsec_/)
  assert.match(
    await (await fetch(`${b.http}/metrics`)).text(),
    /^reelmesh_webhook_deliveries_total\{result="delivered"\} [12]$/m,
  )
})
