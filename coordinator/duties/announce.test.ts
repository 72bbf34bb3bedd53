/** What the leader announces: a beginning that can be played, ends that nobody emitted, and the loss of the leader before it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { part } from '../../protocol/conformance/ledger/parts.ts'
import {
  ANN,
  BOB,
  CAT,
  chunk,
  output,
  plan,
  submission,
  token,
  videoIn,
} from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import { taskId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { TermContext } from '../duty.ts'
import { createOpenVideos } from '../open-videos.ts'
import { createAnnounce } from './announce.ts'

function stage() {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const clock = { mono: () => at.now, now: () => at.now } as Clock
  const emit = createEmitter({ ledger, log: silentLog })
  const lost = { peer: BOB, beat: { state: 'idle', name: 'bob' } as Heartbeat, heard_mono: at.now }
  const left = {
    peer: CAT,
    beat: { state: 'leaving', name: 'cat', running: [] as never[] } as unknown as Heartbeat,
    heard_mono: at.now,
  }
  const heard: (typeof lost)[] = []
  const lead = () => {
    const openVideos = createOpenVideos({ ledger, clock, hints: createHints() })
    const duty = createAnnounce({
      self: ANN,
      ...{ ledger, clock, emit, openVideos },
      peers: { get: () => undefined, all: () => heard },
      suspicions: { sawLost: () => 'closed' },
    } as unknown as TermContext)
    return async (ms: number) => {
      at.now += ms
      await duty.round(new AbortController().signal)
    }
  }
  const events = async () => (await ledger.events(100)).map(({ what, text }) => `${what}: ${text}`)
  return { at, ledger, emit, lead, events, heard, lost, left }
}

test('a film with a package is playable once the first chunk of every rendition and its sound may be listed, and that is said once', async () => {
  const { ledger, lead, events } = stage()
  const recipe = { ...DEFAULT_RECIPE, package: { formats: ['hls' as const] } }
  const { video } = await ledger.submit(submission({ recipe }))
  const sound = { stream: 1, codec: 'aac', channels: 2, layout: 'stereo', source_channels: 2, extra: 'none', relabelled: false, sample_rate: 48_000, language: '', title: '', flags: [] } as const // biome-ignore format: a record
  await ledger.commitPlan({ ...plan(video._id), audio: [sound] }, video.due)
  const [first, second] = [chunk(video, 0), chunk(video, 1)]
  const audio = {
    ...first,
    _id: taskId(video._id, 'audio'),
    kind: 'audio',
    class: 'audio',
    resolution: 'audio',
  } as typeof first
  await ledger.insertTasks([first, second, audio])
  let round = lead()
  await round(1_000)
  const complete = async ({ _id: task }: typeof first) => {
    const claimed = await ledger.claimTask({ worker: BOB, token: token(task), task, from: 'pending' })
    assert.ok(claimed.outcome === 'claimed')
    return { task, attempt: claimed.attempt, worker: BOB }
  }
  await ledger.complete({ ...(await complete(second)), output: output('second') })
  await ledger.complete({ ...(await complete(first)), output: output('first') })
  await round(1_000)
  assert.deepEqual(await events(), [], 'its sound is not there')
  await ledger.listParts({ ...(await complete(audio)), parts: [part(1, 'a')], instead: false })
  await ledger.addMember(ANN, 1e9)
  await ledger.addMember(BOB, 1e9)
  await round(1_000)
  assert.deepEqual(await events(), [], 'only one peer holds its first chunk')
  await ledger.addTaskHolder(first._id, output('first').sha256, ANN)
  await round(1_000)
  await round(1_000)
  assert.deepEqual(await events(), ['playable: film can be played from its beginning'])
  round = lead()
  await round(1_000)
  await round(1_000)
  assert.equal((await events()).length, 1, 'by the next leader neither')
})

test('what ended without an event, as its peer died, is emitted by the next leader, once', async () => {
  const { ledger, emit, lead, events } = stage()
  const done = await videoIn(ledger, 'COMPLETED')
  await emit({ code: 'completed', peer: BOB, video: done._id, name: 'film' })
  await videoIn(ledger, 'COMPLETED')
  await videoIn(ledger, 'FAILED')
  await videoIn(ledger, 'CANCELLED')
  await videoIn(ledger, 'RUNNING')
  const round = lead()
  await round(1_000)
  assert.equal((await events()).length, 1, 'an earlier leader may be about to')
  await round(5_000)
  await round(5_000)
  await lead()(6_000)
  const said = ['completed: film is completed', 'completed: film is completed', 'cancelled: film was cancelled', 'failed: it cannot be encoded'] // biome-ignore format: a list
  assert.deepEqual((await events()).sort(), said.sort())
})

test('the loss of the leader before is emitted by its successor, and not that of who left or was emitted already', async () => {
  const { at, lead, events, heard, lost, left } = stage()
  heard.push(lost, left)
  const round = lead()
  await round(1_000)
  await round(5_000)
  await round(5_000)
  assert.deepEqual(await events(), ['peer_lost: bob is lost: its connection closed'])
  const next = lead()
  await next(1_000)
  await next(6_000)
  assert.equal((await events()).length, 1)
  at.now += 3_600_000
  const late = lead()
  await late(1_000)
  await late(6_000)
  assert.equal((await events()).length, 1, 'one that was lost long ago')
})
