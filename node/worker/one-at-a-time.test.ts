/** A worker at films whose chunks are encoded one at a time, on a virtual clock. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256 } from '../../protocol/ids.ts'
import type { Plan } from '../../protocol/plan.ts'
import { DEFAULT_NAMES } from '../../protocol/recipe.ts'
import type { Assignment, Runner } from '../../protocol/runner.ts'
import { wholeVideoTask } from '../../protocol/task.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'
import { FILM_RENDITIONS, newTask, submitFilm } from './film.fixture.ts'
import { createTestWorker } from './worker.fixture.ts'
import type { Worker } from './worker.ts'

const SELF = asPeerId('me')
const CHUNKS = [0, 1, 2]
/** Time of an encode, and of the sound, virtual ms. */
const [ENCODE_MS, SOUND_MS] = [20_000, 5_000]
const PLAN = { renditions: FILM_RENDITIONS, chunks: CHUNKS.map(() => ({})), cut_format: 'nut', audio: [{}] }

let stage: Stage
let worker: Worker
/** What runs, and the most chunks that ran at once. */
let running: Set<Assignment>
let most: number
let beside: boolean

beforeEach(async () => {
  stage = await createStage()
  running = new Set()
  most = 0
  beside = false
  const { video } = await submitFilm(stage.ledger)
  // The sound comes last, as where its copy takes longer than the first cut.
  const sound = { ...wholeVideoTask(video, 'audio'), due: Number.MAX_SAFE_INTEGER }
  await stage.ledger.insertTasks([...CHUNKS.flatMap((at) => DEFAULT_NAMES.map((id) => newTask(at, id))), sound])
})
afterEach(async () => {
  await stage.until(worker.stop(0))
  await stage.close()
})

function start(plan: Partial<Plan>, slots: number): void {
  const actor = stage.actor('me')
  const isSound = ({ held }: Assignment) => held[0].task.kind === 'audio'
  const run: Runner = async (assignment) => {
    running.add(assignment)
    most = Math.max(most, [...running].filter((each) => !isSound(each)).length)
    beside ||= running.size > 1 && [...running].some(isSound)
    await actor.clock.sleep(isSound(assignment) ? SOUND_MS : ENCODE_MS, assignment.signal)
    running.delete(assignment)
    const output = { sha256: asSha256('a'.repeat(64)), bytes: 1, holders: [SELF] }
    return assignment.held.map(({ task }) => ({ task: task._id, ok: true, output }))
  }
  ;({ worker } = createTestWorker({
    self: SELF,
    actor,
    capability: { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: ['audio'] },
    slots,
    runners: { video: run, audio: run },
    hints: createHints(() => {}),
    plans: { planOf: async () => ({ ...PLAN, ...plan }) as unknown as Plan },
  }))
  worker.start()
}

it('encodes one chunk at a time in all renditions, and sound beside it', async () => {
  start({ one_at_a_time: true }, 2)
  await stage.pass(CHUNKS.length * ENCODE_MS + 5_000)
  assert.deepEqual([most, beside, running.size], [1, true, 0])
  const tasks = await stage.ledger.tasks({ statuses: ['COMPLETED'] })
  assert.equal(tasks.length, CHUNKS.length * DEFAULT_NAMES.length + 1, 'no slot waited between two chunks')
})

it('encodes two at once where the plan does not say so, or the machine has more slots', async () => {
  start({}, 2)
  await stage.pass(5_000)
  assert.equal(most, 2)
  await stage.until(worker.stop(0))
  start({ one_at_a_time: true }, 3)
  await stage.pass(5_000)
  assert.ok(most >= 2, String(most))
})
