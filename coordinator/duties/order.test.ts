import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Band, placeOf } from '../../protocol/claim-order.ts'
import type { Clock } from '../../protocol/clock.ts'
import { ANN, BOB, chunk, plan, submission, theVideo, token } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { FORECASTS_NOTE, readForecasts } from '../../protocol/forecast.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import type { Submission } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { TermContext } from '../duty.ts'
import { createOpenVideos } from '../open-videos.ts'
import { createOrder } from './order.ts'

const MIN = 60_000
const START = 1_800_000_000_000

/** A leader without slots, and one worker of two slots. A chunk of the films here is 10 s of 480p: 2.9 s on one slot at the assumed speed. */
function stage() {
  const at = { now: START }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const running: RunningAttempt[] = []
  const can = { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: [] }
  const beat = { name: 'nas', roles: ['worker'], slots: 2, state: 'idle', ...can, running } as unknown as Heartbeat
  const clock = { mono: () => at.now, now: () => at.now } as Clock
  const emit = createEmitter({ ledger, log: silentLog })
  const openVideos = createOpenVideos({ ledger, clock, hints: createHints() })
  const all = (): HeardPeer[] => [{ peer: BOB, beat, heard_mono: at.now }]
  const context = { self: ANN, name: 'ann', slots: 0, capability: null, running: () => [], term: 1, ledger, clock, emit, openVideos, peers: { get: () => undefined, all } } as unknown as TermContext // biome-ignore format: what the duty uses of it
  let duty = createOrder(context)
  const round = async (ms = 2_000) => {
    at.now += ms
    await duty.round(new AbortController().signal)
  }
  const film = async (change: Partial<Submission> = {}, chunks = 60): Promise<VideoId> => {
    const { video } = await ledger.submit(submission(change))
    const made = plan(video._id, { chunks })
    const renditions = made.renditions.map((one) => ({ ...one, class: 'h264>x264/480p' }))
    await ledger.commitPlan({ ...made, renditions }, video.created_at + chunks * 10_000)
    await ledger.insertTasks([chunk(await theVideo(ledger, video._id), 0, { class: 'h264>x264/480p' })])
    return video._id
  }
  const bandOf = async (id: VideoId): Promise<Band> => {
    const { due, created_at } = await theVideo(ledger, id)
    return placeOf(due, created_at).band
  }
  const forecastOf = async (id: VideoId) =>
    readForecasts((await ledger.notes('coordinator')).get(FORECASTS_NOTE)).videos.get(id)
  const events = async () => (await ledger.events(20)).map(({ what }) => what)
  const lead = () => {
    duty = createOrder({ ...context, term: 2 })
  }
  return { at, ledger, running, round, film, bandOf, forecastOf, events, lead }
}

const claim = async ({ ledger }: ReturnType<typeof stage>, word: string) => {
  const ask = { worker: BOB, token: token(word), classes: ['h264>x264/480p'], from: 'pending' } as const
  const claimed = await ledger.claimNext(ask)
  return claimed.outcome === 'claimed' ? claimed.task.video_id : null
}

test('videos with a deadline are claimed before those without, the one with the least slack first', async () => {
  const given = stage()
  const none = await given.film()
  const far = await given.film({ deadline: START + 60 * MIN })
  const near = await given.film({ deadline: START + 20 * MIN })
  await given.round()
  assert.deepEqual([await claim(given, 'a'), await claim(given, 'b'), await claim(given, 'c')], [near, far, none])
})

test('without deadlines and with one submitter nothing is written', async () => {
  const { ledger, film, round } = stage()
  const id = await film()
  const before = await theVideo(ledger, id)
  await round()
  assert.deepEqual(await theVideo(ledger, id), before)
})

test('a video of another submitter is promoted before many', async () => {
  const { film, round, bandOf, running } = stage()
  const many = []
  for (let n = 0; n < 20; n++) many.push(await film({}, 1))
  running.push({ task: taskId(many[0]!, '480p', 0), attempt: 1, done: 0.5, speed: 1 })
  const other = await film({ delivery: { peer: BOB, dir: '/b', name: 'b' } }, 1)
  await round()
  assert.deepEqual([await bandOf(other), await bandOf(many[1]!)], ['promoted', 'rest'])
})

test('what a person is answered is in the note of the leader: when it is done, or how many workers would hold it', async () => {
  const { film, round, forecastOf, ledger } = stage()
  const fine = await film({ deadline: START + 60 * MIN })
  const impossible = await film({ deadline: START + MIN }, 600)
  await round()
  const forecast = await forecastOf(fine)
  assert.ok(forecast?.more === 0 && forecast.done_at! > START && forecast.done_at! < START + 60 * MIN)
  assert.ok((await forecastOf(impossible))!.more! > 1)
  await ledger.cancel(fine)
  await ledger.cancel(impossible)
  await round()
  assert.equal((await ledger.notes('coordinator')).size, 0)
})

test('a deadline in danger, missed, and safe again after it was changed are events, each once, also by a new leader', async () => {
  const { film, round, events, ledger, lead, bandOf } = stage()
  const id = await film({ deadline: START + MIN }, 600)
  await round()
  await round()
  assert.deepEqual(await events(), ['deadline_danger'])
  assert.equal(await bandOf(id), 'late')
  await round(2 * MIN)
  lead()
  await round()
  assert.deepEqual(await events(), ['deadline_danger', 'deadline_missed'])
  await ledger.setDeadline(id, START + 600 * MIN)
  await round()
  assert.deepEqual(await events(), ['deadline_danger', 'deadline_missed', 'deadline_safe'])
  assert.equal(await bandOf(id), 'held')
  await ledger.setDeadline(id, null)
  await round()
  assert.equal(await bandOf(id), 'rest')
})
