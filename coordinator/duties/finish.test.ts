/** What a round over many open videos asks for, and what it makes of strikes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import {
  ANN,
  artifact,
  BOB,
  CAT,
  chunk,
  claim,
  output,
  peer,
  TERM,
  theTask,
  theVideo,
  videoIn,
} from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { createHints } from '../../protocol/hints.ts'
import { auditId, type PeerId, type TaskId, taskId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import type { TermContext } from '../duty.ts'
import { createOpenVideos } from '../open-videos.ts'
import { createFinish } from './finish.ts'

function stage(change: Partial<TermContext> = {}) {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const asked = { calls: 0, tasks: 0 }
  const watched: Ledger = {
    ...ledger,
    tasks: async (query) => {
      const found = await ledger.tasks(query)
      asked.calls++
      asked.tasks += found.length
      return found
    },
  }
  const context = {
    self: ANN, ledger: watched, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(), connected: () => [], capability: null,
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: () => undefined, all: () => [] },
    ...change,
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createFinish({ ...context, openVideos: createOpenVideos(context) })
  return { at, ledger, asked, round: () => duty.round(new AbortController().signal) }
}

async function failedBy(ledger: Ledger, task: Task['_id'], who: string): Promise<void> {
  const { attempt } = await claim(ledger, await theTask(ledger, task), peer(who))
  const failure = { code: 'encode_failed', message: `${who} cannot`, log: null, strike: true, backoff_ms: 0 } as const
  await ledger.fail({ task, attempt, worker: peer(who), ...failure })
}

test('a round reads no task that only waits, however many videos are open, and asks once for those that failed', async () => {
  const { ledger, asked, round } = stage()
  for (let n = 0; n < 20; n++) {
    const video = await videoIn(ledger, 'RUNNING')
    await ledger.insertTasks(Array.from({ length: 5 }, (_, n) => chunk(video, n)))
    if (n === 0) await failedBy(ledger, chunk(video, 0)._id, 'Bob')
  }
  await round()
  assert.deepEqual(asked, { calls: 1, tasks: 1 })
})

test('strikes of enough peers, or a task that is FAILED already, end the video with the sentence', async () => {
  const { ledger, round } = stage()
  const [struck, torn] = [await videoIn(ledger, 'RUNNING'), await videoIn(ledger, 'RUNNING')]
  await ledger.insertTasks([chunk(struck, 0), chunk(torn, 0)])
  for (const who of [ANN, BOB]) await failedBy(ledger, chunk(struck, 0)._id, who)
  // A leader died between the two writes.
  await failedBy(ledger, chunk(torn, 0)._id, CAT)
  await ledger.failTask(chunk(torn, 0)._id, { strikes: 1, term: TERM })
  await round()
  assert.equal((await theVideo(ledger, struck._id)).status, 'RUNNING')
  assert.equal((await theVideo(ledger, torn._id)).status, 'FAILED')
  await failedBy(ledger, chunk(struck, 0)._id, CAT)
  await round()
  const { status, failure } = await theVideo(ledger, struck._id)
  assert.equal(status, 'FAILED')
  assert.match(failure ?? '', /^film: chunk 0 at 480p failed permanently: .* cannot$/)
})

test('a result that is made again while its video is merged is audited before the video is COMPLETED', async () => {
  const capability = { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: [] } as const
  const beat = {
    ...capability,
    name: 'cat',
    roles: ['worker'],
    host: 'cat-00000001',
    state: 'idle',
    slots: 1,
    busy: 0,
    running: [],
  }
  const { at, ledger, round } = stage({
    ...{ audit: 1, host: 'ann-000000ff', settles: null, isOnlyCoordinator: true },
    rng: { token: () => '0'.repeat(33) } as never,
    peers: { get: () => undefined, all: () => [{ peer: CAT, beat, heard_mono: at.now }] } as never,
  })
  at.now += 60_000
  const video = await videoIn(ledger, 'RUNNING')
  const chunks = Array.from({ length: video.plan!.tasks }, (_, n) => chunk(video, n, { class: 'h264>x264/480p' }))
  const only = chunks[0]!
  await ledger.insertTasks(chunks)
  const holders = [ANN, CAT]
  const run = async (id: TaskId, worker: PeerId) => {
    const { attempt } = await claim(ledger, await theTask(ledger, id), worker)
    await ledger.complete({ task: id, attempt, worker, output: { ...output('chunk'), holders } })
  }
  await run(taskId(video._id, 'ingest'), ANN)
  for (const { _id } of chunks) await run(_id, BOB)
  const done = chunks.map(({ _id }) => ({ task: _id, attempt: 1 }))
  await ledger.markAudits(done, { from: 'undecided', to: 'none', term: TERM })
  await ledger.startMerging(video._id, TERM)
  await ledger.sweep(TERM)
  await ledger.loseOutput(only._id, { completed_attempt: 1, term: TERM })
  await run(only._id, BOB)
  const merge = await claim(ledger, await theTask(ledger, taskId(video._id, 'merge')), ANN)
  const outputs = [{ ...artifact('result'), holders }]
  await ledger.complete({ task: merge._id, attempt: merge.attempt, worker: ANN, output: null, outputs })
  await round()
  assert.equal((await theVideo(ledger, video._id)).status, 'MERGING')
  assert.equal((await theTask(ledger, only._id)).audit, 'chosen')
  await run(auditId(only._id, 1), CAT)
  await round()
  assert.equal((await theTask(ledger, only._id)).audit, 'agreed')
  assert.equal((await theVideo(ledger, video._id)).status, 'COMPLETED')
})
