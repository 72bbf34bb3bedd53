import assert from 'node:assert/strict'
import { test } from 'node:test'
import { part } from '../protocol/conformance/ledger/parts.ts'
import { chunk, plan } from '../protocol/conformance/ledger/world.ts'
import type { VideoId } from '../protocol/ids.ts'
import { type Log, silentLog } from '../protocol/log.ts'
import { initialTask } from '../protocol/task.ts'
import type { Video } from '../protocol/video.ts'
import { CheckedDocuments } from './check-documents.ts'
import { planSha256 } from './documents.ts'

const VIDEO = '00000000000000aa' as VideoId

function checked() {
  const lines: unknown[] = []
  const log: Log = { ...silentLog, warn: (_, fields) => void lines.push(fields) }
  return { documents: new CheckedDocuments(log), lines }
}

test('a plan counts only under the hash of its text', () => {
  const { documents, lines } = checked()
  const [own, other] = [plan(VIDEO), plan(VIDEO, { note: 'other' })]
  const name = planSha256(own)
  assert.deepEqual(documents.plan(JSON.stringify(own), VIDEO, name), own)
  assert.equal(documents.plan(JSON.stringify(other), VIDEO, name), null)
  assert.equal(lines.length, 1)
  assert.partialDeepStrictEqual(documents.takeUnfit(), [{ id: VIDEO, why: 'its sha256 is another than its name' }])
})

test('a plan may be of a film that is read straight, and may stop between two ticks', () => {
  const { documents } = checked()
  const some = plan(VIDEO)
  const sound = {
    stream: 1, codec: 'aac', channels: 1, layout: 'mono', source_channels: 1, extra: 'none', relabelled: false, sample_rate: 48_000,
    language: '', title: '', flags: [],
  } as const // biome-ignore format: a record
  const straight = { ...some, cut_format: 'none', audio: [sound] } as const
  const cut = { seek_pts: null, stop_dts: -11.5 }
  for (const own of [straight, { ...some, chunks: some.chunks.map((chunk) => ({ ...chunk, cut })) }])
    assert.deepEqual(documents.plan(JSON.stringify(own), VIDEO, planSha256(own)), own)
})

test('a plan of another video, and text that is no plan, do not count', () => {
  const { documents } = checked()
  const other = plan('00000000000000bb' as VideoId)
  assert.equal(documents.plan(JSON.stringify(other), VIDEO, planSha256(other)), null)
  const none = { anything: 1 } as never
  assert.equal(documents.plan(JSON.stringify(none), VIDEO, planSha256(none)), null)
})

test('what does not fit is said once in the log, without its content, however often it is read', () => {
  const { documents, lines } = checked()
  for (let n = 0; n < 5; n++) assert.equal(documents.task({ _id: `${VIDEO}/480p/00000`, kind: 'secret\nfilm' }), null)
  assert.deepEqual(lines, [{ document: `task ${VIDEO}/480p/00000`, why: 'kind is no name of a rendition or kind' }])
})

test('parts of sound fit whole or not at all: their numbers become ranges of a file', () => {
  const { documents } = checked()
  const made = chunk({ _id: VIDEO, priority: 0, due: 0 } as Video, 0)
  const withSound = (change: object) => {
    const sound = { ...part(1, 'a').sound!, ...change }
    return documents.task({ ...initialTask(made, 0, 0), outputs: [{ ...part(1, 'a'), sound }] })
  }
  assert.equal(withSound({})?.outputs.length, 1)
  for (const change of [{ part: 0 }, { track: 1.5 }, { init: -1 }, { codecs: '"\n#EXT' }, { segments: [[1, 2, 3]] }, { segments: [[-1, 2]] }, { segments: {} }]) // biome-ignore format: short
    assert.equal(withSound(change), null, JSON.stringify(change))
})

test('anything at all is answered with null', () => {
  const { documents } = checked()
  for (const value of [null, undefined, 7, 'text', [], [[]], {}, { _id: 7 }, { _id: {} }, { _id: '../a' }, new Map()])
    for (const check of ['video', 'task', 'outcome', 'claim', 'peer', 'engine', 'event', 'lease', 'webhook'] as const)
      assert.equal(documents[check](value), null)
})
