/** Two workers at one chunk, on a virtual clock: a backup takes the whole slot, the loser stops, both results are compared. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createHints, type HintChannel } from '../../protocol/hints.ts'
import { asPeerId, asSha256, type PeerId } from '../../protocol/ids.ts'
import { DEFAULT_NAMES } from '../../protocol/recipe.ts'
import type { Assignment, Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'
import type { Attempts } from './attempts.ts'
import { FILM, newTask, submitFilm } from './film.fixture.ts'
import { createTestWorker } from './worker.fixture.ts'
import type { Worker } from './worker.ts'

const sha256 = (digit: string) => asSha256(digit.repeat(64))

interface Machine {
  readonly id: PeerId
  readonly worker: Worker
  readonly attempts: Attempts
  readonly hints: HintChannel
  /** What it ran; when and how each run ended. */
  readonly runs: Assignment[]
  readonly ends: { at: number; how: 'done' | 'aborted' }[]
}

let stage: Stage
let machines: Machine[]

/** A worker whose encodes take this time and make this stream. A completed task is published to all. */
function machine(name: string, { takes, es }: { takes: number | (() => Promise<void>); es: string }): Machine {
  const actor = stage.actor(name)
  const id = asPeerId(name)
  const runs: Assignment[] = []
  const ends: Machine['ends'] = []
  const run: Runner = async (assignment) => {
    runs.push(assignment)
    try {
      await (typeof takes === 'number' ? actor.clock.sleep(takes, assignment.signal) : takes())
      ends.push({ at: actor.clock.now(), how: 'done' })
    } catch (error) {
      ends.push({ at: actor.clock.now(), how: 'aborted' })
      throw error
    }
    const output = { sha256: sha256(es), es_sha256: sha256(es), bytes: 1, holders: [id] }
    return assignment.held.map(({ task }) => ({ task: task._id, ok: true, output }))
  }
  const hints = createHints((hint) => {
    if (hint.what === 'decided') for (const each of machines) if (each.hints !== hints) each.hints.receive(hint)
  })
  const { worker, attempts } = createTestWorker({
    self: id,
    actor,
    capability: { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: ['audio'] },
    slots: 1,
    runners: { video: run },
    hints,
  })
  const made = { id, worker, attempts, hints, runs, ends }
  machines.push(made)
  return made
}

const tasks = async (): Promise<Task[]> => stage.ledger.tasks({ video: FILM, kinds: ['video'] })
async function wantBackups(): Promise<void> {
  for (const { _id, attempt } of await tasks())
    assert.equal(await stage.ledger.wantBackup(_id, { attempt, term: 1 }), 'changed')
}

beforeEach(async () => {
  stage = await createStage()
  machines = []
  await submitFilm(stage.ledger)
  await stage.ledger.insertTasks(DEFAULT_NAMES.map((id) => newTask(0, id)))
})
afterEach(async () => {
  for (const { worker } of machines) await stage.until(worker.stop(0))
  await stage.close()
})

/** What is emitted of backups that were worth it. */
const wins = async () =>
  (await stage.ledger.events(50))
    .filter(({ what }) => what === 'backup_won')
    .map(({ text }) => text.replace(/^task \S+ /, ''))

describe('of two workers at one chunk', () => {
  it('the backup takes all renditions at once, wins, and the loser stops within a second and its result is dropped', async () => {
    const slow = machine('slow', { takes: 600_000, es: 'a' })
    slow.worker.start()
    await stage.pass(2_000)
    assert.deepEqual(
      slow.runs.map(({ held }) => held.length),
      [3],
    )
    await wantBackups()
    const fast = machine('fast', { takes: 5_000, es: 'a' })
    fast.worker.start()
    await stage.pass(2_500)
    assert.deepEqual(
      fast.runs.map(({ held }) => held.length),
      [3],
      'one ffmpeg for the slot',
    )
    await stage.pass(5_000)
    const [won, stopped] = [fast.ends[0], slow.ends[0]]
    assert.equal(stopped?.how, 'aborted')
    assert.ok(stopped.at - won!.at <= 1_000, `${stopped.at - won!.at} ms`)
    assert.equal(slow.attempts.busySlots(), 0)
    for (const task of await tasks()) {
      assert.partialDeepStrictEqual(task, { status: 'COMPLETED', worker_id: 'fast', speculative: true, attempt: 2 })
      assert.deepEqual(task.output?.holders, ['fast'])
    }
    assert.deepEqual(await wins(), Array(3).fill('was completed by the backup attempt of fast before slow'))
  })

  it('the first attempt may still win, and is not recorded as speculative', async () => {
    const first = machine('first', { takes: 6_000, es: 'a' })
    first.worker.start()
    await stage.pass(2_000)
    await wantBackups()
    const backup = machine('backup', { takes: 60_000, es: 'a' })
    backup.worker.start()
    await stage.pass(6_500)
    assert.equal(backup.ends[0]?.how, 'aborted')
    for (const task of await tasks())
      assert.partialDeepStrictEqual(task, { worker_id: 'first', speculative: false, completed_attempt: 1, attempt: 2 })
    assert.deepEqual(await wins(), [])
  })

  for (const other of ['a', 'b']) {
    it(`both may finish: ${other === 'a' ? 'equal streams say nothing' : 'different streams are an event that names both, and the dropped one is an audit of the other'}`, async () => {
      const gate = Promise.withResolvers<void>()
      const one = machine('one', { takes: () => gate.promise, es: 'a' })
      one.worker.start()
      await stage.pass(2_000)
      await wantBackups()
      const two = machine('two', { takes: () => gate.promise, es: other })
      two.worker.start()
      await stage.pass(2_500)
      assert.deepEqual([one.ends.length, two.runs.length], [0, 1])
      gate.resolve()
      await stage.pass(1_000)
      assert.deepEqual([one.ends[0]?.how, two.ends[0]?.how], ['done', 'done'])
      const emitted = (await stage.ledger.events(50)).filter(({ what }) => what === 'results_differ')
      assert.equal(emitted.length, other === 'a' ? 0 : DEFAULT_NAMES.length)
      for (const { text } of emitted) assert.match(text, /one.*two|two.*one/)
      for (const task of await tasks()) {
        assert.equal(task.status, 'COMPLETED')
        assert.deepEqual(task.output?.holders, [task.worker_id], 'what is kept is whole: one attempt of one peer')
        const audits = await stage.ledger.tasks({ video: FILM, kinds: ['audit'] })
        const own = audits.filter(({ resolution }) => resolution === task.resolution)
        const shown = own.map(({ status, worker_id, not_by, output }) => [status, worker_id, not_by, output?.es_sha256])
        const [made, dropped] = [task.worker_id!, task.worker_id === 'one' ? 'two' : 'one']
        const stream = sha256(dropped === 'one' ? 'a' : other)
        assert.deepEqual(shown, other === 'a' ? [] : [['COMPLETED', dropped, [made], stream]])
      }
    })
  }
})
