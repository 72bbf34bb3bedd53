/** Traces of a film, as a collector gets them over HTTP from two nodes of which one is killed: one trace, whose spans say who did what, and what was done again. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeClip } from '../../testing/sources/clip.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { afterFirst, ledgerOf, oddFfmpeg, startNode, submit, until } from './nodes.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: { stringValue?: string; intValue?: number } }[]
}
interface Sent {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[]
}

/** A collector that keeps what it gets. */
async function collector(t: TestContext): Promise<{ endpoint: string; spans: Span[] }> {
  const spans: Span[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    assert.equal(`${request.method} ${request.url}`, 'POST /v1/traces')
    for (const { scopeSpans } of (JSON.parse(body.toString()) as Sent).resourceSpans)
      spans.push(...scopeSpans.flatMap((each) => each.spans))
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  atEnd(t, () => server.close())
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

const attribute = ({ attributes }: Span, key: string) =>
  attributes.find((each) => each.key === `reelmesh.${key}`)?.value.stringValue

test('a film is one trace of spans by several peers, with the attempts of a peer that was killed by others again', {
  timeout: 240_000,
}, async (t) => {
  const dir = await folder(t)
  const { endpoint, spans } = await collector(t)
  const traced = ['--otlp-endpoint', endpoint]
  // Nas is at its first chunk until box has had one and is at the next, where it is killed.
  const stays = afterFirst(dir, `{ touch '${dir}/next'; exec sleep 1000; }`)
  const waits = `until [ -e '${dir}/next' ]; do sleep 0.1; done`
  const odd = await oddFfmpeg(dir, {
    stays: `case "$*" in */nas/*) case "$*" in *libx264*) ${waits} ;; esac ;; *) ${stays} ;; esac`,
  })
  await odd.set('stays')
  const nas = await startNode(t, dir, { name: 'nas', flags: ['--slots', '1', ...odd.flags, ...traced] })
  const box = await startNode(t, dir, {
    name: 'box',
    flags: ['--roles', 'worker', '--slots', '1', '--join', nas.address, ...odd.flags, ...traced],
  })
  const film = join(dir, 'film.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: film, seconds: 32, width: 160, height: 90, fps: 25, ffmpeg })
  const video = (await submit(nas, dir, film, ['--renditions', '90p', '--preset', 'ultrafast'])) as never
  const ledger = await ledgerOf(t, dir)
  await until('box has encoded a chunk, and is at the next one', async () => {
    const tasks = await ledger.tasks({ video, kinds: ['video'] })
    const hasEncoded = tasks.some(({ status, worker_id }) => status === 'COMPLETED' && worker_id === box.peer)
    return hasEncoded && tasks.some(({ claims }) => claims.some(({ worker_id }) => worker_id === box.peer))
  })
  await until('the spans of all that box has done have arrived', async () => {
    const done = (await ledger.tasks({ video, statuses: ['COMPLETED'] })).filter((task) => task.worker_id === box.peer)
    const own = spans.filter((span) => attribute(span, 'peer') === box.peer)
    return done.length > 0 && done.every(({ _id }) => own.some((span) => attribute(span, 'task') === _id))
  })
  await box.stop()
  await until('the film is delivered', async () =>
    (await ledger.video(video))?.deliveries.every(({ done_at }) => done_at),
  )
  await until('the end of the film has arrived', async () => spans.some(({ name }) => name === 'deliver'))

  const [whole] = spans.filter(({ name }) => name === 'video')
  assert.ok(whole && whole.parentSpanId === undefined)
  const others = spans.filter((span) => span !== whole)
  assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [whole.traceId])
  assert.deepEqual([...new Set(others.map(({ parentSpanId }) => parentSpanId))], [whole.spanId])
  assert.deepEqual([...new Set(spans.map(({ name }) => name))].sort(), [
    'deliver',
    'encode',
    'encode sound',
    'merge',
    'read source',
    'video',
  ])
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length)
  const completed = others.filter((span) => span.name === 'encode' && attribute(span, 'end') === 'completed')
  const tasks = await ledger.tasks({ video, kinds: ['video'] })
  const ofTasks = completed.map((span) => attribute(span, 'task'))
  assert.equal(new Set(ofTasks).size, completed.length, 'each task was completed once')
  // What a killed peer has done in its last seconds is not sent.
  const unsent = tasks.filter(({ _id }) => !ofTasks.includes(_id))
  assert.deepEqual(
    unsent.filter(({ worker_id }) => worker_id !== box.peer),
    [],
  )
  assert.ok(
    tasks.some(({ attempt }) => attempt > 1),
    'what the killed one had was encoded again',
  )
  for (const { startTimeUnixNano, endTimeUnixNano } of spans)
    assert.ok(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano))
})
