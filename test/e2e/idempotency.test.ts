/** A submit that is sent again with its key after the node that took it was killed, to another node, with a real MongoDB. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { startNode } from './nodes.ts'

test('a submit is answered alike by another node, which does not see the file, after the death of the one that took it', async (t) => {
  const dir = await folder(t)
  const film = join(dir, 'film.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', film])
  const mongod = await startMongod()
  t.after(() => mongod.stop())
  const ledger = ['--ledger', mongod.freshUri()]
  const flags = [...ledger, '--http', '127.0.0.1:0', '--http-folders', dir, '--slots', '0']
  const a = await startNode(t, dir, { name: 'a', flags })
  const b = await startNode(t, dir, { name: 'b', flags: [...flags, '--join', a.address] })
  const submit = async ({ http }: { http: string }, body: unknown) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' }
    const response = await fetch(`${http}/v1/videos`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, text: await response.text() }
  }
  const body = { path: film, recipe: { renditions: ['360p'] } }
  const first = await submit(a, body)
  assert.equal(first.status, 201, first.text)
  await a.stop()
  await writeFile(film, 'another file by now')
  assert.deepEqual(await submit(b, body), first)
  assert.equal((await submit(b, { ...body, priority: 1 })).status, 422)
})
