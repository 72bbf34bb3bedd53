/** The ingest on a virtual clock: its window, and what a later attempt cuts again. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { SourceChanged } from '../../protocol/errors.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asToken, type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { DIAL_TIMEOUT_MS, INPUT_LOST_AFTER_MS, WINDOW_CHUNKS } from '../../protocol/limits.ts'
import { DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'
import type { Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import { createStore } from '../../testing/simulation/blob-stand-ins.ts'
import { type Film, filmBytes, readCut, sha256Of } from '../../testing/simulation/film.ts'
import { createMedia } from '../../testing/simulation/media-stand-in.ts'
import { type Actor, createStage, type Stage } from '../../testing/simulation/stage.ts'
import { mount, VirtualDisk } from '../../testing/simulation/virtual-disk.ts'
import { createIngestRunner } from './ingest.ts'

let stage: Stage
let disk: VirtualDisk
let unmount: () => void
let aborts: AbortController[]
/** Machines that can be asked for what they hold; nobody can where none is named. */
let reached: Map<PeerId, BlobStore>

/** A peer that ingests, on its own machine. */
interface Machine {
  readonly self: PeerId
  readonly actor: Actor
  readonly store: BlobStore
  readonly ingest: Runner
}

beforeEach(async () => {
  stage = await createStage()
  disk = new VirtualDisk()
  unmount = mount(disk)
  aborts = []
  reached = new Map()
})
afterEach(async () => {
  for (const abort of aborts) abort.abort()
  await stage.pass(60_000)
  unmount()
  await stage.close()
})

/** `build`: two machines of one build make the same cuts. */
function machine(name: string, build = name): Machine {
  const self = asPeerId(name)
  const actor = stage.actor(name)
  const { clock, rng, ledger } = actor
  const store = createStore({ disk, clock, machine: name })
  const exchange: BlobExchange = {
    async fetch({ sha256, video }) {
      const path = await store.find(sha256, video)
      if (path === null) throw new SourceChanged((await store.changedSource(sha256, video))!)
      return path
    },
    // Who is not reached is dialled in vain.
    async whoHas({ sha256, video, peers, signal }) {
      const asked = peers.length > 0 ? peers : [...reached.keys()]
      const paths = await Promise.all(asked.map((peer) => reached.get(peer)?.find(sha256, video)))
      const has = asked.filter((_, at) => paths[at])
      if (has.length > 0 || peers.length === 0) return { has, lacks: [] }
      await clock.sleep(DIAL_TIMEOUT_MS, signal)
      return { has: [], lacks: [] }
    },
  }
  const media = createMedia({ disk, clock, build, bad: 'no', slowness: () => 1, onWork: () => {} })
  const reachable = () => [self, ...reached.keys()]
  const options = {
    self,
    ledger,
    store,
    exchange,
    media,
    clock,
    rng,
    slots: () => 1,
    workers: () => [],
    isAlone: false,
    hints: createHints(),
    reachable,
  }
  return { self, actor, store, ingest: createIngestRunner(options) }
}

/** A silent film of so many chunks. */
const filmOf = (chunks: number, name = `film of ${chunks}`): Film => ({
  name,
  chunks,
  hasAudio: false,
  hasSubtitles: false,
  poison: null,
})

/** A film of `filmOf`, submitted and held by these machines. */
async function submit(chunks: number, holders: readonly Machine[]): Promise<VideoId> {
  const film = filmOf(chunks)
  const sha256 = sha256Of(filmBytes(film))
  const video = sha256.slice(0, 16) as VideoId
  for (const { self, store } of holders) {
    const path = `/simulated/${self}/${film.name}`
    disk.write(path, filmBytes(film))
    await store.refer(video, { sha256, bytes: 1, path, identity: '1' })
  }
  const source = { sha256, bytes: 1, holders: holders.map(({ self }) => self) }
  const recipe = { ...DEFAULT_RECIPE, renditions: ladderOf([480]) }
  await stage.ledger.submit({
    _id: video,
    name: film.name,
    recipe,
    priority: 0,
    deadline: null,
    source,
    delivery: null,
  })
  return video
}

interface Attempt {
  readonly ended: Promise<unknown>
  left: boolean
  stop(): void
}

async function start({ self, ingest }: Machine, video: VideoId): Promise<Attempt> {
  const ask = { worker: self, token: asToken(self), task: taskId(video, 'ingest'), from: 'free' } as const
  const claimed = await stage.ledger.claimTask(ask)
  assert.ok(claimed.outcome === 'claimed')
  const abort = new AbortController()
  aborts.push(abort)
  const releaseSlot = () => {
    attempt.left = true
  }
  const ended = ingest({ held: [claimed], signal: abort.signal, progress: () => {}, waits: () => {}, releaseSlot })
  ended.catch(() => {})
  const attempt: Attempt = { ended, left: false, stop: () => abort.abort() }
  return attempt
}

/** What became of the peer that had its ingest: the claim has ended. */
async function release(video: VideoId): Promise<void> {
  const { attempt, claims } = (await stage.ledger.task(taskId(video, 'ingest')))!
  await stage.ledger.release({ task: taskId(video, 'ingest'), attempt, worker: claims[0]!.worker_id })
}

/** A film of 50 chunks that both hold, of which the first machine gave up the ingest with its window full. */
async function givenUp(first: Machine, next: Machine): Promise<VideoId> {
  const video = await submit(50, [first, next])
  const before = await start(first, video)
  await stage.pass(30_000)
  before.stop()
  await release(video)
  return video
}

const cuts = async (video: VideoId): Promise<Task[]> => stage.ledger.tasks({ video, kinds: ['video'] })

describe('an ingest', () => {
  it('releases its slot once its window is full, and continues when there is room', async () => {
    const host = machine('host')
    const short = await submit(5, [host])
    const shortly = await start(host, short)
    await stage.until(shortly.ended)
    assert.deepEqual([shortly.left, (await cuts(short)).length], [false, 5])

    const long = await submit(50, [host])
    const attempt = await start(host, long)
    await stage.pass(30_000)
    assert.deepEqual([attempt.left, (await cuts(long)).length], [true, WINDOW_CHUNKS.min])
    const [first] = await cuts(long)
    const ask = { worker: host.self, token: asToken('t'), task: first!._id, from: 'pending' } as const
    await stage.ledger.claimTask(ask)
    await stage.pass(2_000)
    assert.equal((await cuts(long)).length, WINDOW_CHUNKS.min + 1)
  })

  it('shares the window with others of the same peer', async () => {
    const host = machine('host')
    const videos = [await submit(50, [host]), await submit(60, [host])]
    for (const video of videos) await start(host, video)
    await stage.pass(30_000)
    const counts = await Promise.all(videos.map(async (video) => (await cuts(video)).length))
    assert.deepEqual(counts, [WINDOW_CHUNKS.min / 2, WINDOW_CHUNKS.min / 2])
  })

  it('cuts again at once what a lost host had, though its window is full of just that', async () => {
    const [first, next] = [machine('first'), machine('next')]
    const video = await givenUp(first, next)
    await start(next, video)
    // Two dial timeouts, 32 cuts: not one of each after the other.
    await stage.pass(2 * DIAL_TIMEOUT_MS + 10_000)
    const tasks = await cuts(video)
    assert.equal(tasks.length, WINDOW_CHUNKS.min)
    for (const { input } of tasks) assert.deepEqual(input?.holders, [next.self])
  })

  it('cuts again what is lost while it waits for room', async () => {
    const [first, next] = [machine('first'), machine('next')]
    const video = await givenUp(first, next)
    reached.set(first.self, first.store)
    await start(next, video)
    await stage.pass(10_000)
    const heldBy = async (peer: PeerId) =>
      (await cuts(video)).filter(({ input }) => input?.holders.includes(peer)).map(({ _id }) => _id)
    assert.equal((await heldBy(first.self)).length, WINDOW_CHUNKS.min)
    const missed = await heldBy(first.self)
    reached.clear()
    await stage.pass(2 * INPUT_LOST_AFTER_MS)
    assert.deepEqual(await heldBy(next.self), missed)
  })

  it('names a worker that fetched a chunk early as its holder, once the one that cut it is gone', async () => {
    const [first, next, worker] = [machine('first'), machine('next'), machine('worker')]
    const video = await givenUp(first, next)
    const [task] = await cuts(video)
    const { sha256, holders } = task!.input!
    assert.deepEqual(holders, [first.self])
    disk.write(`/simulated/worker/early`, disk.read((await first.store.find(sha256, video))!))
    await worker.store.adopt(video, `/simulated/worker/early`, { sha256, bytes: 1 })
    reached.set(worker.self, worker.store)
    await start(next, video)
    await stage.pass(10_000)
    assert.deepEqual((await stage.ledger.task(task!._id))?.input?.holders, [first.self, worker.self])
  })

  for (const [when, passMs] of [
    ['before it is read', 0],
    ['while it is planned', 500],
    ['while its chunks are cut', 1_500],
  ] as const)
    it(`ends for good where the source is replaced ${when}, and inserts nothing of the other film`, async () => {
      const host = machine('host')
      const video = await submit(30, [host])
      const attempt = await start(host, video)
      await stage.pass(passMs)
      disk.write(`/simulated/host/film of 30`, filmBytes(filmOf(30, 'film of 3O')))
      await assert.rejects(
        stage.until(attempt.ended),
        (error) =>
          error instanceof SourceChanged && /^film of 30 was changed while it was encoded; submit/.test(error.message),
      )
      const tasks = await cuts(video)
      assert.ok(tasks.length < 30 && (passMs < 1_000 || tasks.length > 0), `${tasks.length} chunks`)
      for (const { input } of tasks) {
        const cut = disk.read((await host.store.find(input!.sha256, video))!)
        assert.equal(readCut(cut).film.name, 'film of 30')
      }
      assert.equal((await stage.ledger.video(video))?.plan === null, passMs < 1_000)
    })

  it('names itself for what it cut again to the same bytes', async () => {
    const [first, next] = [machine('first', 'build'), machine('next', 'build')]
    const video = await submit(3, [first, next])
    await stage.until((await start(first, video)).ended)
    const inputs = (await cuts(video)).map(({ input }) => input)
    await release(video)
    await stage.until((await start(next, video)).ended)
    const again = (await cuts(video)).map(({ input }) => input)
    assert.deepEqual(
      again.map((input) => input?.holders),
      Array(3).fill([first.self, next.self]),
    )
    assert.deepEqual(
      again.map((input) => input?.sha256),
      inputs.map((input) => input?.sha256),
    )
  })
})
