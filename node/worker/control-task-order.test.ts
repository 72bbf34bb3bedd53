/** Who takes control tasks, by what lies on its disk and whether it leads. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { asPeerId, asSha256, asToken, type PeerId, taskId } from '../../protocol/ids.ts'
import { INGEST_TAKEOVER_MS, PLANNER_WAIT_MS } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'
import { createControlTaskOrder } from './control-task-order.ts'
import { FILM, newTask, submitFilm } from './film.fixture.ts'

const GB = 1e9
const id = taskId(FILM, 'ingest')
const [small, other] = [asPeerId('small'), asPeerId('other')]
const HOLDERS = [asPeerId('host')]

let stage: Stage
beforeEach(async () => {
  stage = await createStage()
  await submitFilm(stage.ledger, { bytes: 50 * GB, holders: HOLDERS })
})
afterEach(() => stage.close())

const ingest = async (): Promise<Task> => (await stage.ledger.task(id))!

/** Whether a peer with so much free of a disk of 1 TB takes the ingest now. */
async function takes(has: {
  free: number
  leads: boolean
  isHere?: 'source' | 'copy'
  reachable?: readonly PeerId[]
  planners?: readonly PeerId[]
}): Promise<boolean> {
  const reference = { path: '/film', identity: '1', bytes: 1, sha256: '' as never }
  const look = createControlTaskOrder({
    ledger: stage.ledger,
    store: {
      reference: async () => (has.isHere === 'source' ? reference : null),
      find: async () => (has.isHere === 'copy' ? '/copy' : null),
      listed: () => assert.fail('one task needs no list'),
      room: async () => ({ freeBytes: has.free, totalBytes: 1_000 * GB }),
    },
    leads: () => has.leads,
    reachable: () => has.reachable ?? HOLDERS,
    self: small,
    planners: () => has.planners ?? [],
  })
  const task = await ingest()
  const mayTake = await look(1)
  return mayTake(task, await stage.ledger.video(task.video_id), await stage.ledger.now())
}

async function failForWantOfRoom(): Promise<void> {
  const claimed = await stage.ledger.claimTask({ worker: small, token: asToken('t'), task: id, from: 'free' })
  assert.ok(claimed.outcome === 'claimed')
  await stage.ledger.fail({
    task: id,
    attempt: claimed.attempt,
    worker: small,
    code: 'disk_full',
    message: 'a blob of 50 GB does not fit on this disk',
    log: null,
    strike: false,
    backoff_ms: 0,
  })
}

it('an ingest is not taken while nobody who can be asked has its source', async () => {
  await stage.pass(INGEST_TAKEOVER_MS)
  const leader = { free: 900 * GB, leads: true }
  assert.equal(await takes({ ...leader, reachable: [small] }), false)
  assert.equal(await takes({ ...leader, reachable: [small], isHere: 'copy' }), true)
  assert.equal(await takes({ ...leader, reachable: [small], isHere: 'source' }), true)
  assert.equal(await takes({ ...leader, reachable: [small, ...HOLDERS] }), true)
})

describe('an ingest that some coordinators should plan by their encoders', () => {
  const here = { free: 900 * GB, leads: false, isHere: 'source' } as const
  const elsewhere = { free: 900 * GB, leads: false }

  it('is theirs: the source does not decide, until they have had their time', async () => {
    assert.equal(await takes(here), true)
    assert.equal(await takes({ ...here, planners: [other] }), false)
    assert.equal(await takes({ ...elsewhere, planners: [small] }), true)
    await stage.pass(PLANNER_WAIT_MS)
    assert.equal(await takes({ ...here, planners: [other] }), true)
    assert.equal(await takes({ ...elsewhere, planners: [small] }), false)
  })

  it('is of the first of them', async () => {
    assert.equal(await takes({ ...elsewhere, planners: [other, small] }), false)
    assert.equal(await takes({ ...elsewhere, planners: [small, other] }), true)
  })
})

it('a merge is taken once every output is COMPLETED, at a peer that can be asked or here', async () => {
  const { ledger } = stage
  await ledger.claimTask({ worker: small, token: asToken('i'), task: id, from: 'free' })
  await ledger.complete({ task: id, attempt: 1, worker: small, output: null, outputs: [] })
  await ledger.insertTasks([newTask(0), newTask(1)])
  const sha256 = asSha256('a'.repeat(64))
  const merge = { ...(await ingest()), _id: taskId(FILM, 'merge'), kind: 'merge' }
  let [reachable, held]: [PeerId[], string | null] = [[], null]
  let looks = 0
  const video = async () => ({ ...(await ledger.video(FILM))!, status: 'MERGING' as const })
  const store = {
    reference: async () => null,
    find: async () => held,
    listed: () => assert.fail('one task needs no list'),
    room: async () => ({ freeBytes: 1, totalBytes: 1 }),
  }
  const look = createControlTaskOrder({
    ledger,
    store,
    leads: () => true,
    reachable: () => reachable,
    self: small,
    planners: () => [],
  })
  const mayTake = await look(1)
  const takesMerge = () => video().then((film) => mayTake(merge, film, ++looks * 10_000))
  const complete = async (chunk: number) => {
    const task = taskId(FILM, '480p', chunk)
    const { attempt } = (await ledger.claimTask({ worker: small, token: asToken('e'), task, from: 'free' })) as never
    await ledger.complete({ task, attempt, worker: small, output: { sha256, bytes: 1, holders: [small] } })
  }
  await complete(0)
  reachable = [small]
  assert.equal(await takesMerge(), false)
  await complete(1)
  assert.equal(await takesMerge(), true)
  reachable = []
  assert.equal(await takesMerge(), false)
  held = '/copy'
  assert.equal(await takesMerge(), true)
})

describe('an ingest whose source is elsewhere', () => {
  it('is the leader’s, until a disk was too small for it: then of any peer with room', async () => {
    await stage.pass(INGEST_TAKEOVER_MS)
    assert.equal(await takes({ free: 20 * GB, leads: true }), true)
    assert.equal(await takes({ free: 900 * GB, leads: false }), false)
    await failForWantOfRoom()
    assert.equal(await takes({ free: 20 * GB, leads: true }), false)
    assert.equal(await takes({ free: 900 * GB, leads: false }), true)
    assert.equal(await takes({ free: 20 * GB, leads: false }), false)
    assert.equal(await takes({ free: 900 * GB, leads: true }), true)
  })

  it('fits wherever the source lies already', async () => {
    await failForWantOfRoom()
    assert.equal(await takes({ free: 20 * GB, leads: false, isHere: 'source' }), true)
    assert.equal(await takes({ free: 20 * GB, leads: true, isHere: 'copy' }), true)
  })
})
