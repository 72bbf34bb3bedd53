/** A disk that fills up, or whose blobs become corrupt, in each step of a film: it is reported, and the results are as without the fault. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskStatus } from '../../protocol/task.ts'
import type { VideoStatus } from '../../protocol/video.ts'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms } from './film.ts'
import { mountSmallDisk, rotBlobs, type SmallDisk } from './small-disk.ts'
import { assertExact, type Submitted, seconds, until, type Watch, watchLedger } from './watch.ts'

/** Room for several films. */
const SIZE = '64m'
const LEADER = 0
const WORKERS = [1, 2] as const
/** The database, and nobody who is stopped. */
const DATABASE = 3

describe('disks', () => {
  let lab: Lab
  let films: Films
  let watch: Watch
  const nodes: LabNode[] = []
  const disks: SmallDisk[] = []
  before(async () => {
    lab = await openLab({ hosts: 4 })
    films = await makeFilms(lab)
    await lab.mongod(DATABASE)
    watch = await watchLedger(lab)
    for (const at of [LEADER, ...WORKERS]) {
      const host = lab.host(at)
      disks.push(await mountSmallDisk(join(host.dir, host.name), SIZE))
      const roles = at === LEADER ? 'coordinator' : 'worker'
      nodes.push(await host.node({ roles, slots: at === LEADER ? 0 : 1, join: nodes[0]?.addresses[0] ?? null }))
    }
    for (const node of nodes) await until('all know all', async () => (await node.status()).peers.length === 3)
  })
  after(async () => {
    await watch?.close()
    await lab?.close()
  })

  const leader = () => nodes[LEADER] as LabNode
  const submit = async (): Promise<Submitted> => watch.submit(leader(), await films.another())
  const finished = async (done: Submitted): Promise<void> => {
    await watch.delivered(done, 240)
    await assertExact(watch, done, films.expected(done.file))
    await rm(done.out, { recursive: true })
  }
  const isIn = async ({ video }: Submitted, ...statuses: VideoStatus[]): Promise<boolean> => {
    const status = (await watch.ledger.video(video))?.status
    return status !== undefined && statuses.includes(status)
  }
  const encodes = async ({ video }: Submitted, status: TaskStatus) =>
    (await watch.tasks(video)).filter((task) => task.kind === 'video' && task.status === status)
  const hasEvent = async (node: LabNode, what: string, since: number): Promise<boolean> =>
    (await watch.ledger.events(200)).some(
      (event) => event.what === what && event.peer === node.peer && event.at >= since,
    )
  /** Freezes the node meanwhile, so that the fault happens in the wanted step. */
  const frozen = async (at: number, act: () => Promise<unknown>): Promise<void> => {
    await lab.host(at).freeze()
    await act()
    await lab.host(at).thaw()
  }
  const workers = async (verb: 'pause' | 'resume'): Promise<void> => {
    for (const at of WORKERS) await leader().host.cli([verb, nodes[at]!.peer, '--data-dir', leader().dataDir])
  }

  describe('the disk of the peer that coordinates fills up', () => {
    const moments: Record<string, (done: Submitted) => Promise<unknown>> = {
      'while it splits': (done) => isIn(done, 'PLANNING'),
      'while it collects': async (done) => (await encodes(done, 'COMPLETED')).length >= 2,
      'while it merges': (done) => isIn(done, 'MERGING'),
    }
    for (const [name, moment] of Object.entries(moments))
      test(name, async (t) => {
        const since = await watch.ledger.now()
        const done = await submit()
        await quickly(`the moment ${name}`, () => moment(done))
        await frozen(LEADER, () => disks[LEADER]!.fill())
        await until('it says that its disk is full', () => hasEvent(leader(), 'disk_full', since))
        await sleep(3_000)
        assert.ok(!(await isIn(done, 'FAILED', 'COMPLETED')), 'it waits')
        await disks[LEADER]!.empty()
        const began = performance.now()
        await finished(done)
        t.diagnostic(`delivered ${seconds(performance.now() - began)} after there was room again`)
        assert.ok(await hasEvent(leader(), 'disk_has_room', since))
      })
  })

  test('the disk of a worker fills up in the middle of a chunk: others do its work', async () => {
    const [at] = WORKERS
    const full = nodes[at] as LabNode
    const since = await watch.ledger.now()
    const done = await submit()
    await quickly('it encodes', async () =>
      (await encodes(done, 'PROCESSING')).some(({ claims }) => claims.some(({ worker_id }) => worker_id === full.peer)),
    )
    await frozen(at, () => disks[at]!.fill())
    await until('it says that its disk is full', () => hasEvent(full, 'disk_full', since))
    await finished(done)
    const failures = (await watch.tasks(done.video)).flatMap((task) => [...task.failures, ...task.strikes])
    assert.ok(
      failures.every((failure) => 'code' in failure && failure.code === 'disk_full'),
      JSON.stringify(failures),
    )
    await disks[at]!.empty()
    await until('it works again', () => hasEvent(full, 'disk_has_room', since))
  })

  test('chunks that become corrupt before a worker has fetched them are cut again', async () => {
    await workers('pause')
    const done = await submit()
    await until('all is cut', async () => (await isIn(done, 'RUNNING')) && (await encodes(done, 'PENDING')).length > 8)
    await sleep(1_000)
    assert.ok((await rotBlobs(leader().dataDir)) >= 4)
    await workers('resume')
    await finished(done)
  })

  test('outputs that become corrupt on every machine before the merge are encoded again', async () => {
    const done = await submit()
    await until('some are done', async () => (await encodes(done, 'COMPLETED')).length >= 4)
    await workers('pause')
    await until('none runs', async () => (await encodes(done, 'PROCESSING')).length === 0)
    await sleep(2_000)
    const ready = await encodes(done, 'COMPLETED')
    assert.ok((await encodes(done, 'PENDING')).length > 0, 'not all is done')
    for (const { dataDir } of nodes) await rotBlobs(dataDir)
    await workers('resume')
    await finished(done)
    const before = new Map(ready.map(({ _id, completed_attempt }) => [_id, completed_attempt ?? 0]))
    const again = (await encodes(done, 'COMPLETED')).filter(
      ({ _id, completed_attempt }) => (completed_attempt ?? 0) > (before.get(_id) ?? Number.POSITIVE_INFINITY),
    )
    assert.ok(again.length > 0, 'corrupt outputs were encoded again')
  })

  test('results that become corrupt on every machine before the delivery are made again', async () => {
    const [at, other] = WORKERS
    const done = await watch.submit(nodes[at]!, await films.another())
    await quickly('it is merged', () => isIn(done, 'MERGING'))
    await lab.host(at).freeze()
    await until('it is completed without the host that waits for it', () => isIn(done, 'COMPLETED'), 60)
    for (const { dataDir } of [leader(), nodes[other]!]) assert.ok((await rotBlobs(dataDir)) > 0)
    await lab.host(at).thaw()
    await finished(done)
  })
})

/** As `until`, for a moment that is soon over. */
async function quickly(what: string, holds: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + 120_000
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`never: ${what}`)
    await sleep(3)
  }
}
