/** Workers at films that one ffmpeg can make at once, on a virtual clock. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256, taskId } from '../../protocol/ids.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Plan } from '../../protocol/plan.ts'
import { DEFAULT_NAMES } from '../../protocol/recipe.ts'
import type { Assignment, Runner } from '../../protocol/runner.ts'
import { wholeVideoTask } from '../../protocol/task.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'
import { FILM, FILM_RENDITIONS, newTask, submitFilm } from './film.fixture.ts'
import { createAudioRunner } from './run-audio.ts'
import { createTestWorker } from './worker.fixture.ts'
import type { Worker } from './worker.ts'

const SELF = asPeerId('me')
const SOUND = { extra: 'none', channels: 2 }
const PLAN = { renditions: FILM_RENDITIONS, chunks: [{}], cut_format: 'none', audio: [SOUND] } as unknown as Plan

/** Sound comes first: it is due with the submit. */
const pictures = (id: string) => ({ ...newTask(0, id), due: Number.MAX_SAFE_INTEGER })

let stage: Stage
let worker: Worker
let runs: Assignment[]

beforeEach(async () => {
  stage = await createStage()
  runs = []
  const { video } = await submitFilm(stage.ledger)
  await stage.ledger.insertTasks([wholeVideoTask(video, 'audio'), ...DEFAULT_NAMES.map(pictures)])
})
afterEach(async () => {
  await stage.until(worker.stop(0))
  await stage.close()
})

interface Given {
  readonly plan?: Plan
  /** Peers that it hears. */
  readonly others?: readonly Partial<Heartbeat>[]
  readonly slots?: number
}

/** Starts a worker. */
function start({ plan = PLAN, others = [], slots = 1 }: Given = {}): void {
  const actor = stage.actor('me')
  const run: Runner = async (assignment) => {
    runs.push(assignment)
    await actor.clock.sleep(1_000, assignment.signal)
    const output = { sha256: asSha256('a'.repeat(64)), bytes: 1, holders: [SELF] }
    return assignment.held.map(({ task }) => ({ task: task._id, ok: true, output }))
  }
  const heard = others.map((beat, at) => ({ peer: asPeerId(`other ${at}`), beat }))
  ;({ worker } = createTestWorker({
    self: SELF,
    actor,
    capability: { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: ['audio'] },
    slots,
    runners: { video: run, audio: createAudioRunner({} as never, run) },
    hints: createHints(() => {}),
    plans: { planOf: async () => plan },
    others: () => heard.map((each) => ({ ...each, heard_mono: actor.clock.mono() })) as unknown as HeardPeer[],
  }))
  worker.start()
}

const partsOf = ({ held }: Assignment): string[] => held.map(({ task }) => task.resolution).sort()

describe('the claim of a film that one ffmpeg makes at once', () => {
  it('takes all renditions and the sound, and completes each', async () => {
    start()
    await stage.pass(5_000)
    assert.deepEqual(runs.map(partsOf), [['audio', ...DEFAULT_NAMES].sort()])
    const tasks = await stage.ledger.tasks({ video: FILM, kinds: ['audio', 'video'] })
    assert.ok(tasks.length === 4 && tasks.every(({ status }) => status === 'COMPLETED'))
  })

  it('takes a share of it where another slot is idle', async () => {
    start({ others: [{ slots: 1, running: [] }] })
    await stage.pass(500)
    const [first] = runs
    assert.ok(first && first.held.length < 4 && partsOf(first).includes('audio'), String(first && partsOf(first)))
  })

  it('takes all of it where the only other idle slot is its own: the second thread takes its core', async () => {
    start({ slots: 2 })
    await stage.pass(500)
    assert.deepEqual(runs.map(partsOf), [['audio', ...DEFAULT_NAMES].sort()])
  })

  it('takes a share of it where the encoder has one thread, though the only other idle slot is its own', async () => {
    const renditions = FILM_RENDITIONS.map((each) => ({ ...each, rate: { crf: 23, maxrate_kbps: 1_000 } }))
    start({ plan: { ...PLAN, renditions } as Plan, slots: 2 })
    await stage.pass(500)
    assert.equal(runs.length, 2)
  })

  it('takes all of it where the other slots have work, soon done or not', async () => {
    const running = [{ task: taskId(FILM, '480p', 1), attempt: 1, done: 0.9, speed: 1 }]
    start({ others: [{ slots: 1, running }] })
    await stage.pass(500)
    assert.equal(runs[0]?.held.length, 4)
  })

  it('takes it by one slot, as two that wake together claim one after the other', async () => {
    start({ plan: { ...PLAN, renditions: FILM_RENDITIONS.slice(-1) } as Plan, slots: 2 })
    await stage.pass(500)
    assert.ok(
      runs.map(partsOf).some((parts) => parts.includes('audio') && parts.length > 1),
      String(runs.map(partsOf)),
    )
  })

  it('keeps the sound of longer and of cut films apart', async () => {
    start({ plan: { ...PLAN, cut_format: 'nut' } as Plan })
    await stage.pass(500)
    assert.ok(runs.every((run) => partsOf(run).includes('audio') === (run.held.length === 1)))
  })
})
