/** The control tasks of a worker on a virtual clock: what comes first, and who waits for whom. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createHints, type HintChannel } from '../../protocol/hints.ts'
import { asPeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { controlSlots } from '../../protocol/kinds.ts'
import { INGESTS_WAITING } from '../../protocol/limits.ts'
import type { Runner } from '../../protocol/runner.ts'
import { type Actor, createStage, type Stage } from '../../testing/simulation/stage.ts'
import { byUrgency } from './control-claims.ts'
import { newTask, submitFilm } from './film.fixture.ts'
import { createTestWorker } from './worker.fixture.ts'
import type { Worker } from './worker.ts'

const me = asPeerId('me')
const LONG_MS = 300_000
const videoOf = (n: number) => n.toString(16).padStart(16, '0') as VideoId
const ingestOf = (n: number) => taskId(videoOf(n), 'ingest')

let stage: Stage
let actor: Actor
let worker: Worker
let hints: HintChannel
/** Tasks in the order in which they were started. */
let started: string[]
/** Films whose ingest fills its window at once and then waits for hours; other control tasks take a second. */
let long: Set<string>
let others: Set<string>
/** How often all the open ingests were read. */
let reads: number
/** Everything takes long, in its slot. */
let busy: boolean

const runner: Runner = async ({ held: [{ task }], signal, releaseSlot }) => {
  started.push(task._id)
  if (task.kind === 'ingest' && long.has(task.video_id)) {
    releaseSlot()
    await actor.clock.sleep(LONG_MS, signal)
  } else await actor.clock.sleep(busy ? LONG_MS : 1_000, signal)
  return [{ task: task._id, ok: true, output: null, outputs: [] }]
}

async function submitLong(n: number): Promise<void> {
  long.add(videoOf(n))
  await submitFilm(stage.ledger, { _id: videoOf(n) })
}

const mergeTask = (n: number) => ({
  ...newTask(0, '480p', videoOf(n)),
  _id: taskId(videoOf(n), 'merge'),
  kind: 'merge' as const,
  class: 'merge',
  resolution: 'merge' as const,
})

beforeEach(async () => {
  stage = await createStage()
  actor = stage.actor('worker')
  started = []
  long = new Set()
  others = new Set()
  reads = 0
  busy = false
  hints = createHints()
  const made = createTestWorker({
    self: me,
    actor,
    ledger: {
      ...actor.ledger,
      tasks: (query) => {
        if (query.kinds?.includes('ingest')) reads++
        return actor.ledger.tasks(query)
      },
    },
    capability: { decoders: [], encoders: [], filters: [], renditions: [], kinds: [] },
    slots: 0,
    runners: { ingest: runner, merge: runner },
    mayTakeControlTask: async (task) => !others.has(task._id),
    hints,
  })
  worker = made.worker
})
afterEach(async () => {
  await stage.until(worker.stop(0))
  assert.equal(actor.life.timers(), 0, 'a stopped worker leaves no timer')
  await stage.close()
})

describe('control-task slots', () => {
  it('ingests a short clip and merges while films wait for room', async () => {
    for (const n of [1, 2, 3]) await submitLong(n)
    worker.start()
    await stage.pass(10_000)
    assert.equal(started.length, 3)
    await submitFilm(stage.ledger, { _id: videoOf(9) })
    await stage.ledger.insertTasks([mergeTask(8)])
    await stage.pass(10_000)
    assert.equal((await stage.ledger.task(ingestOf(9)))?.status, 'COMPLETED')
    assert.equal((await stage.ledger.task(mergeTask(8)._id))?.status, 'COMPLETED')
    for (const n of [1, 2, 3])
      assert.partialDeepStrictEqual(await stage.ledger.task(ingestOf(n)), { status: 'PROCESSING', attempt: 1 })
  })

  it('keeps a slot for merges while ingests work, and one for ingests', async () => {
    busy = true
    for (const n of [1, 2, 3]) await submitFilm(stage.ledger, { _id: videoOf(n) })
    worker.start()
    await stage.pass(10_000)
    await stage.ledger.insertTasks([4, 5, 6].map(mergeTask))
    await stage.pass(5_000)
    const [ingests, merges] = [
      started.filter((id) => id.includes('ingest')),
      started.filter((id) => id.includes('merge')),
    ]
    assert.deepEqual([ingests.length, merges.length], [2, 1])
    assert.ok(controlSlots().some((kinds) => !kinds.includes('merge')))
  })

  it('takes what is most urgent first: by priority, then due, then id', async () => {
    const task = (id: string, priority: number, due: number) => ({ _id: id as never, priority, due, rank: 0 })
    const sorted = [task('d', 0, 5), task('c', 0, 1), task('b', 0, 1), task('a', -1, 0), task('e', 9, 9)]
    assert.equal(
      sorted
        .sort(byUrgency)
        .map(({ _id }) => _id)
        .join(''),
      'ebcda',
    )
    for (const n of [1, 2, 3, 4]) await submitFilm(stage.ledger, { _id: videoOf(n), priority: n === 4 ? 1_000 : 0 })
    worker.start()
    await stage.pass(10_000)
    assert.deepEqual(started[0], ingestOf(4))
    assert.equal(started.length, 4)
  })

  it('sees its own task behind hundreds that others take', async () => {
    for (let n = 1; n <= 300; n++) {
      await submitFilm(stage.ledger, { _id: videoOf(n) })
      others.add(ingestOf(n))
    }
    await submitFilm(stage.ledger, { _id: videoOf(0xffff) })
    worker.start()
    await stage.pass(5_000)
    assert.deepEqual(started, [ingestOf(0xffff)])
  })

  it('reads the open ingests once for all its slots', async () => {
    for (let n = 1; n <= 30; n++) {
      await submitFilm(stage.ledger, { _id: videoOf(n) })
      others.add(ingestOf(n))
    }
    worker.start()
    await stage.pass(1_000)
    reads = 0
    await stage.pass(60_000)
    // Two slots take ingests; each looks every 1.5 s and by itself would have read 40 times.
    assert.ok(reads > 20 && reads < 70, `${reads} reads`)
    reads = 0
    for (let n = 0; n < 200; n++) {
      hints.publish({ what: 'tasks', video: null })
      await stage.pass(10)
    }
    assert.ok(reads > 4 && reads <= 20, `${reads} reads after 200 hints within 2 s`)
  })

  it('reads no ingests for a slot that merges only', async () => {
    busy = true
    for (let n = 1; n <= 30; n++) await submitFilm(stage.ledger, { _id: videoOf(n) })
    worker.start()
    await stage.pass(10_000)
    assert.equal(started.length, 2)
    reads = 0
    await stage.pass(60_000)
    assert.equal(reads, 0)
    await stage.ledger.insertTasks([mergeTask(99)])
    await stage.pass(5_000)
    assert.deepEqual(started.slice(2), [mergeTask(99)._id])
  })

  it('lets no more films wait than there is room for, but for one of a higher priority', async () => {
    for (let n = 1; n <= INGESTS_WAITING + 2; n++) await submitLong(n)
    worker.start()
    await stage.pass(60_000)
    assert.equal(started.length, INGESTS_WAITING)
    await submitFilm(stage.ledger, { _id: videoOf(0xffff), priority: 1_000 })
    await stage.pass(10_000)
    assert.equal((await stage.ledger.task(ingestOf(0xffff)))?.status, 'COMPLETED')
    await stage.pass(LONG_MS)
    assert.equal(started.length, INGESTS_WAITING + 3)
  })

  it('releases waiting attempts when it stops, without a strike', async () => {
    await submitLong(1)
    worker.start()
    await stage.pass(5_000)
    await stage.until(worker.stop(0))
    assert.partialDeepStrictEqual(await stage.ledger.task(ingestOf(1)), {
      status: 'PENDING',
      claims: [],
      strikes: [],
      failures: [],
    })
  })
})
