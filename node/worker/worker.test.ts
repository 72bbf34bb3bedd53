/** The worker on a virtual clock: what it claims, how it settles, and what becomes of claims it loses. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createEmitter } from '../../protocol/emitter.ts'
import { AttemptFailed, LedgerUnavailable } from '../../protocol/errors.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints, type HintChannel } from '../../protocol/hints.ts'
import { asPeerId, asSha256, asToken, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, EXPIRED_GRACE_MS, IDLE_POLL_MS, RENEW_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Assignment, Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import { type Actor, createStage, type Stage } from '../../testing/simulation/stage.ts'
import type { Attempts } from './attempts.ts'
import type { CircuitBreakers } from './circuit-breaker.ts'
import { FILM, newTask, submitFilm } from './film.fixture.ts'
import { createTestWorker } from './worker.fixture.ts'
import type { Worker } from './worker.ts'

const me = asPeerId('me')
const sha256 = asSha256('a'.repeat(64))
const idOf = (chunk: number) => taskId(FILM, '480p', chunk)

let stage: Stage
let actor: Actor
let worker: Worker
let attempts: Attempts
let breakers: CircuitBreakers
let hints: HintChannel
/** Every run in order: what it was given, and how its signal ended. */
let runs: Assignment[]
let run: (assignment: Assignment) => Promise<void>
let refusal: Heartbeat['state'] | null
/** Why this machine's ffmpeg does not work; its trial runs, and what was emitted of them. */
let broken: string | null
let trials: number
let emitted: (string | null)[]
/** The answer to the next claim that succeeds. */
let isAnswerLost: boolean
/** Happens while the next claim is on its way. */
let meanwhile: () => void
/** Until it is there the ledger does not answer which classes wait. */
let held: Promise<void> | null
/** What the ledger answers to renewals, where it does not renew. */
let renewals: Error | null
let others: HeardPeer[]
/** Chunks whose input was fetched, in order. */
let fetched: number[]

const taking =
  (ms: number) =>
  ({ signal }: Assignment): Promise<void> =>
    actor.clock.sleep(ms, signal)
const claimNext: Ledger['claimNext'] = async (ask) => {
  const got = await actor.ledger.claimNext(ask)
  meanwhile()
  if (!isAnswerLost || got.outcome === 'none') return got
  isAnswerLost = false
  throw new LedgerUnavailable('the answer was lost')
}
const pendingClasses: Ledger['pendingClasses'] = async () => {
  const found = await actor.ledger.pendingClasses()
  await held
  return found
}
const renew: Ledger['renew'] = async (...asked) => {
  if (renewals) throw renewals
  return actor.ledger.renew(...asked)
}
const succeed: Runner = async (assignment) => {
  runs.push(assignment)
  await run(assignment)
  const output = { sha256, bytes: 1, holders: [me] }
  return assignment.held.map(({ task }) => ({ task: task._id, ok: true, output }))
}
const prefetch = async ({ chunk_id }: Task): Promise<void> => void fetched.push(chunk_id)
const task = async (chunk = 0): Promise<Task> => (await stage.ledger.task(idOf(chunk)))!

beforeEach(async () => {
  stage = await createStage()
  await submitFilm(stage.ledger)
  await stage.ledger.insertTasks([newTask(0)])
  runs = []
  fetched = []
  others = []
  refusal = null
  broken = null
  trials = 0
  emitted = []
  isAnswerLost = false
  meanwhile = () => {}
  renewals = null
  held = null
  actor = stage.actor('worker')
  run = taking(3_000)
  hints = createHints()
  const record = createEmitter({ ledger: actor.ledger, log: silentLog })
  ;({ worker, attempts, breakers } = createTestWorker({
    self: me,
    actor,
    ledger: { ...actor.ledger, claimNext, pendingClasses, renew },
    capability: { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: ['480p'], kinds: ['audio'] },
    slots: 1,
    runners: { video: Object.assign(succeed, { prefetch }) },
    hints,
    others: () => others,
    mayClaim: async () => refusal,
    async selfTest() {
      trials++
      if (broken) throw new AttemptFailed('build_cannot', broken)
    },
    async emit(event) {
      if (event.code === 'self_test_failed') emitted.push(event.reason)
      if (event.code === 'self_test_passed') emitted.push(null)
      await record(event)
    },
  }))
})
afterEach(async () => {
  actor.line.isDown = false
  await stage.until(worker.stop(0))
  assert.equal(actor.life.timers(), 0, 'a stopped worker leaves no timer')
  await stage.close()
})

describe('a worker', () => {
  it('fetches the input of its next task while it encodes, and takes that one next', async () => {
    // Of two workers it has the even chunks.
    const beat = { slots: 1, state: 'idle', running: [] as unknown } as HeardPeer['beat']
    others = [{ peer: asPeerId('zoe'), beat, heard_mono: 0 }]
    await stage.ledger.insertTasks([newTask(1), newTask(2)])
    worker.start()
    await stage.pass(1_000)
    assert.deepEqual(fetched, [0, 2])
    await stage.pass(3_000)
    assert.deepEqual(
      runs.map(({ held }) => held[0].task.chunk_id),
      [0, 2],
    )
    assert.deepEqual(fetched, [0, 2, 2, 1])
  })

  it('claims what it can do, runs it, and commits it', async () => {
    worker.start()
    await stage.pass(1_000)
    assert.deepEqual(
      attempts.running().map((each) => [each.task, each.attempt]),
      [[idOf(0), 1]],
    )
    await stage.pass(3_000)
    const done = await task()
    assert.deepEqual(
      [done.status, done.completed_attempt, done.worker_id, done.output?.sha256],
      ['COMPLETED', 1, me, sha256],
    )
    assert.equal(attempts.busySlots(), 0)
  })

  it('sees at once what was added while it read which classes wait', async () => {
    worker.start()
    await stage.pass(4_000)
    const answer = Promise.withResolvers<void>()
    held = answer.promise
    hints.publish({ what: 'tasks', video: null })
    await stage.pass(IDLE_POLL_MS)
    await stage.ledger.insertTasks([newTask(1)])
    hints.publish({ what: 'tasks', video: null })
    await stage.pass(500)
    assert.equal(runs.length, 1)
    answer.resolve()
    await stage.pass(500)
    assert.equal(runs.length, 2)
  })

  it('claims nothing while there is a reason not to', async () => {
    refusal = 'paused'
    worker.start()
    await stage.pass(20_000)
    assert.equal((await task()).status, 'PENDING')
    refusal = null
    broken = null
    trials = 0
    emitted = []
    await stage.pass(2 * IDLE_POLL_MS)
    assert.equal((await task()).status, 'PROCESSING')
  })

  it('releases what it claimed during a pause', async () => {
    meanwhile = () => {
      refusal = 'paused'
    }
    worker.start()
    await stage.pass(20_000)
    assert.deepEqual([(await task()).status, (await task()).attempt, runs.length], ['PENDING', 1, 0])
  })

  it('continues, and keeps its result, when a renewal fails with another error', async () => {
    renewals = new Error('not authorized')
    run = taking(3 * RENEW_MS)
    worker.start()
    await stage.pass(4 * RENEW_MS)
    assert.deepEqual([(await task()).status, runs.length], ['COMPLETED', 1])
  })

  it('does not claim tasks that expired during an outage of the ledger: their owner renews first', async () => {
    const zoe = { worker: asPeerId('zoe'), token: asToken('zoe'), task: idOf(0), from: 'pending' } as const
    await stage.ledger.claimTask(zoe)
    worker.start()
    refusal = 'ledger_away'
    await stage.pass(2 * CLAIM_MS)
    refusal = null
    await stage.pass(EXPIRED_GRACE_MS - 2 * IDLE_POLL_MS)
    assert.equal((await task()).attempt, 1)
    await stage.pass(4 * IDLE_POLL_MS)
    assert.deepEqual([(await task()).attempt, (await task()).worker_id], [2, me])
  })

  it('renews what it runs for longer than a claim lasts', async () => {
    run = taking(3 * CLAIM_MS)
    worker.start()
    await stage.pass(3 * CLAIM_MS + 1_000)
    const done = await task()
    assert.deepEqual([done.status, done.attempt], ['COMPLETED', 1])
  })

  it('stops a run whose claims are lost, and drops its result', async () => {
    run = taking(10 * CLAIM_MS)
    worker.start()
    await stage.pass(1_000)
    const taken = await stage.ledger.claimsOf(me)
    await stage.ledger.releaseClaims(taken)
    const other = await stage.ledger.claimTask({
      worker: asPeerId('other'),
      token: 't' as never,
      task: idOf(0),
      from: 'pending',
    })
    assert.equal(other.outcome, 'claimed')
    await stage.pass(RENEW_MS + 100)
    assert.equal(runs[0]!.signal.aborted, true)
    const now = await task()
    assert.deepEqual(
      [now.status, now.claims.map((claim) => claim.worker_id), now.failures],
      ['PROCESSING', [asPeerId('other')], []],
    )
  })

  it('looks at once at the hint that its video was cancelled', async () => {
    run = taking(10 * CLAIM_MS)
    worker.start()
    await stage.pass(1_000)
    await stage.ledger.cancel(FILM)
    hints.publish({ what: 'video', video: FILM })
    await stage.pass(1_000)
    assert.equal(runs[0]!.signal.aborted, true)
  })

  it('releases its claims when it stops, without a strike', async () => {
    run = taking(CLAIM_MS)
    worker.start()
    await stage.pass(1_000)
    await stage.until(worker.stop(0))
    const now = await task()
    assert.deepEqual([now.status, now.claims, now.strikes, now.failures], ['PENDING', [], [], []])
  })

  it('releases at once a claim that was on its way when it stopped', async () => {
    actor.line.latencyMs = { least: 500, most: 500 }
    worker.start()
    while ((await task()).status === 'PENDING') await stage.pass(10)
    const before = actor.clock.mono()
    await stage.until(worker.stop(0))
    assert.deepEqual([(await task()).status, runs.length], ['PENDING', 0])
    assert.ok(actor.clock.mono() - before < 4_000)
  })

  it('claims the next task while the last one is settled', async () => {
    await stage.ledger.insertTasks([newTask(1)])
    const ends: number[] = []
    run = async (assignment) => {
      await taking(3_000)(assignment)
      ends.push(actor.clock.mono())
    }
    worker.start()
    while (runs.length === 0) await stage.pass(10)
    actor.line.latencyMs = { least: 500, most: 500 }
    while (runs.length === 1) await stage.pass(10)
    // Four answers of the ledger, of two rounds each; the settlement before it would be one more.
    assert.ok(actor.clock.mono() - ends[0]! < 4_500, `${actor.clock.mono() - ends[0]!} ms`)
  })

  it('finishes what runs where a drain gives it the time', async () => {
    worker.start()
    await stage.pass(1_000)
    await stage.until(worker.stop(10_000))
    assert.equal((await task()).status, 'COMPLETED')
  })

  it('stops soon although the ledger is unavailable', async () => {
    run = taking(CLAIM_MS)
    worker.start()
    await stage.pass(1_000)
    actor.line.isDown = true
    const before = actor.clock.mono()
    await stage.until(worker.stop(0))
    assert.ok(actor.clock.mono() - before < 15_000)
  })

  it('keeps its result while the ledger is unavailable, and commits it then', async () => {
    worker.start()
    await stage.pass(1_000)
    actor.line.isDown = true
    await stage.pass(60_000)
    assert.equal((await task()).status, 'PROCESSING')
    actor.line.isDown = false
    await stage.pass(15_000)
    const done = await task()
    assert.deepEqual([done.status, done.completed_attempt, runs.length], ['COMPLETED', 1, 1])
  })

  it('finds a claim whose answer was lost, and runs it', async () => {
    isAnswerLost = true
    worker.start()
    await stage.pass(1_000)
    assert.equal((await task()).status, 'PROCESSING')
    await stage.pass(10_000)
    const done = await task()
    assert.deepEqual([done.status, done.attempt], ['COMPLETED', 1])
  })

  it('records why it failed, with a strike, and waits before it tries again', async () => {
    run = async () => {
      throw new AttemptFailed('encode_failed', 'ffmpeg: bad chunk', { log: 'words' })
    }
    worker.start()
    await stage.pass(700)
    const failed = await task()
    assert.deepEqual(failed.strikes, [{ code: 'encode_failed', worker_id: me }])
    assert.equal(failed.failures[0]?.message, 'ffmpeg: bad chunk')
    await stage.pass(60_000)
    assert.ok(runs.length > 2 && runs.length < 15, `${runs.length} runs in a minute`)
  })

  it('makes a trial run after a failure of its own, and none after a success', async () => {
    await stage.ledger.insertTasks([newTask(1), newTask(2)])
    let fails = 1
    run = async () => {
      if (fails-- > 0) throw new AttemptFailed('encode_failed', 'ffmpeg: bad chunk')
    }
    worker.start()
    await stage.pass(20_000)
    assert.deepEqual([trials, emitted, runs.length], [1, [], 4])
  })

  it('counts a trial run for two more failures within seconds', async () => {
    const others = [1, 2, 3].map((at) => `${at}`.repeat(16) as VideoId)
    for (const _id of others) await submitFilm(stage.ledger, { _id })
    await stage.ledger.insertTasks(others.map((film) => newTask(0, '480p', film)))
    run = async () => {
      if (runs.length <= 4) throw new AttemptFailed('encode_failed', `ffmpeg: bad chunk ${runs.length}`)
    }
    worker.start()
    await stage.pass(900)
    assert.deepEqual([runs.length >= 4, trials], [true, 2], `${runs.length} runs`)
  })

  it('counts an encode as much as a trial run', async () => {
    await stage.ledger.insertTasks([newTask(1), newTask(2), newTask(3)])
    run = async () => {
      if (runs.length > 1) throw new AttemptFailed('encode_failed', `ffmpeg: bad chunk ${runs.length}`)
    }
    worker.start()
    await stage.pass(400)
    assert.deepEqual([runs.length, trials], [2, 0], 'after the failure')
  })

  it('claims nothing while its ffmpeg fails the self-test, says so once, and comes back by itself', async () => {
    await stage.ledger.insertTasks([newTask(1), newTask(2)])
    broken = 'ffmpeg was ended by SIGILL'
    run = async () => {
      if (broken) throw new AttemptFailed('build_cannot', broken)
    }
    worker.start()
    await stage.pass(120_000)
    assert.deepEqual([runs.length, breakers.hasFailedSelfTest(), emitted], [1, true, [broken]])
    assert.ok(trials >= 4 && trials <= 12, `${trials} trials in two minutes`)
    broken = null
    await stage.pass(120_000)
    assert.deepEqual([breakers.hasFailedSelfTest(), emitted], [false, ['ffmpeg was ended by SIGILL', null]])
    for (const chunk of [0, 1, 2]) assert.equal((await task(chunk)).status, 'COMPLETED')
  })

  it('leaves a task at which it failed to others while there is something else to do', async () => {
    await stage.ledger.insertTasks([newTask(1), newTask(2), newTask(3)])
    run = async ({ held: [{ task }] }) => {
      if (task.chunk_id === 0) throw new AttemptFailed('encode_failed', 'ffmpeg: bad chunk')
      await actor.clock.sleep(1_000)
    }
    worker.start()
    await stage.pass(8_000)
    const order = runs.map(({ held }) => held[0].task.chunk_id)
    assert.deepEqual(order.slice(0, 5), [0, 1, 2, 3, 0])
  })

  it('goes on with other films while it pauses one that it failed at', async () => {
    const other = 'f'.repeat(16) as VideoId
    await submitFilm(stage.ledger, { _id: other })
    const chunks = Array.from({ length: 20 }, (_, n) => newTask(n, '480p', other))
    await stage.ledger.insertTasks(chunks)
    run = async ({ held: [{ task }] }) => {
      if (task.video_id === FILM) throw new AttemptFailed('encode_failed', 'ffmpeg: bad film')
      await actor.clock.sleep(1_000)
    }
    worker.start()
    await stage.pass(22_000)
    const done = await Promise.all(chunks.map(async ({ _id }) => (await stage.ledger.task(_id))?.status))
    assert.ok(
      done.every((status) => status === 'COMPLETED'),
      `${done.filter((status) => status === 'COMPLETED').length} of 20 in 22 s`,
    )
    assert.ok((await task()).strikes.length >= 2)
  })

  it('waits longer each time it fails in a row, whatever its slots', async () => {
    await stage.ledger.insertTasks(Array.from({ length: 200 }, (_, n) => newTask(n + 1)))
    run = async () => {
      throw new AttemptFailed('encode_failed', 'ffmpeg: bad machine')
    }
    worker.start()
    await stage.pass(30_000)
    const early = runs.length
    await stage.pass(300_000)
    assert.ok(early >= 4 && early <= 8, `${early} runs in half a minute`)
    assert.ok(runs.length - early <= 12, `${runs.length - early} more in five minutes`)
  })

  it('has no strike to give for what is not the task’s fault', async () => {
    run = async () => {
      throw Object.assign(new Error('write'), { code: 'ENOSPC' })
    }
    worker.start()
    await stage.pass(700)
    const failed = await task()
    assert.deepEqual([failed.strikes, failed.failures[0]?.code], [[], 'disk_full'])
  })

  it('starts and stops as often as it is called for', async () => {
    worker.start()
    worker.start()
    await stage.pass(1_000)
    assert.equal(runs.length, 1)
    await stage.until(Promise.all([worker.stop(0), worker.stop(0)]))
  })
})
