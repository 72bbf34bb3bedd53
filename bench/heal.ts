/**
 * How fast a mesh heals, with real processes on one host: workers killed in the midst of a chunk, a worker that comes back under its
 * own identity, a leader killed, and one that stops gracefully. Looked at every 4 ms in the ledger itself; "noticed" is when
 * another peer's connection to the victim closed.
 *
 * Some slots are idle, as in any mesh with room: what a chunk waits for otherwise is not healing but capacity.
 */
import type { PeerId, TaskId } from '../protocol/ids.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { givenClips, makeFootage } from './footage.ts'
import { type LocalMesh, openLocalMesh } from './local-mesh.ts'
import type { LocalNode } from './local-node.ts'
import { type Row, row } from './table.ts'

/** Two chunks of one rendition, so slow that none of them ends by itself. */
const FILM_S = 15
const ENCODING = { ...DEFAULT_ENCODING, preset: 'veryslow' }
const WORKERS = 4
/** A loaded machine takes its time to start a node. */
const UP_S = 120
/** A task fails for good at the sixth strike of a peer that died on it. */
const KILLS_PER_FILM = 5
const FULL = { kills: 20, restarts: 5, leaders: 8, graceful: 5 } as const
const QUICK = { kills: 2, restarts: 1, leaders: 1, graceful: 1 } as const
const WORKER = ['--roles', 'worker', '--slots', '1'] as const
const COORDINATOR = ['--roles', 'coordinator'] as const

type Times = Record<'noticed' | 'reclaimed' | 'elsewhere', number[]>

export async function benchHeal({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const rounds = quick ? QUICK : FULL
  const footage = await makeFootage(givenClips(media), FILM_S, await ensureFfmpeg())
  const mesh = await openLocalMesh('heal')
  try {
    for (const name of ['coordinator 1', 'coordinator 2']) await mesh.start(name, COORDINATOR)
    for (let at = 1; at <= WORKERS; at++) await mesh.start(`worker ${at}`, WORKER)
    await mesh.until('a mesh of all', async () => mesh.mesh.peers().length === WORKERS + 2, UP_S)
    const killed = await killWorkers(mesh, footage.path, rounds.kills)
    const restarted = await restartWorkers(mesh, footage.path, rounds.restarts)
    const leaders = await endLeaders(mesh, 'SIGKILL', rounds.leaders)
    const graceful = await endLeaders(mesh, 'SIGTERM', rounds.graceful)
    return [
      ...rowsOf('a worker killed: noticed', killed.noticed),
      ...rowsOf('a worker killed: its claims reclaimed', killed.reclaimed),
      ...rowsOf('a worker killed: its chunk runs elsewhere', killed.elsewhere),
      ...rowsOf('a worker killed and started at once, alone: its chunk runs again', restarted),
      ...rowsOf('the leader killed: another leads', leaders),
      ...rowsOf('the leader stopped by SIGTERM: another leads', graceful),
    ]
  } finally {
    await mesh.stop()
  }
}

async function killWorkers(mesh: LocalMesh, film: string, kills: number): Promise<Times> {
  const times: Times = { noticed: [], reclaimed: [], elsewhere: [] }
  for (let kill = 0; kill < kills; kill++) {
    if (kill % KILLS_PER_FILM === 0) await encodeAnother(mesh, film, 2)
    const { victim, task } = await mesh.until('a busy worker', () => busyWorker(mesh), UP_S)
    const lost = whenLost(mesh, victim.peer)
    const startedAt = performance.now()
    victim.signal('SIGKILL')
    const since = () => performance.now() - startedAt
    await mesh.until('a reclaim', async () => !(await holdersOf(mesh, task)).includes(victim.peer), UP_S)
    times.reclaimed.push(since())
    await mesh.until(
      'another attempt',
      async () => (await holdersOf(mesh, task)).some((peer) => peer !== victim.peer),
      UP_S,
    )
    times.elsewhere.push(since())
    times.noticed.push((await lost) - startedAt)
    await victim.ended
    await mesh.start(victim.name, WORKER)
    await mesh.until('its return', async () => mesh.mesh.peers().includes(victim.peer), UP_S)
  }
  return times
}

/** With one worker nobody else takes its chunk: how long until it is back at it itself. */
async function restartWorkers(mesh: LocalMesh, film: string, restarts: number): Promise<number[]> {
  for (const node of mesh.nodes.values()) {
    if (!/^worker [2-9]$/.test(node.name)) continue
    node.signal('SIGTERM')
    await node.ended
  }
  const times: number[] = []
  for (let restart = 0; restart < restarts; restart++) {
    if (restart % KILLS_PER_FILM === 0) await encodeAnother(mesh, film, 1)
    const { victim, task, attempt } = await mesh.until('a busy worker', () => busyWorker(mesh), UP_S)
    const startedAt = performance.now()
    victim.signal('SIGKILL')
    await victim.ended
    await mesh.start(victim.name, WORKER)
    await mesh.until(
      'its next attempt',
      async () =>
        (await mesh.running()).some(
          (each) =>
            each.task._id >= task.slice(0, 16) &&
            each.worker === victim.peer &&
            (each.task._id !== task || each.task.attempt > attempt),
        ),
      UP_S,
    )
    times.push(performance.now() - startedAt)
    await mesh.until('its return', async () => mesh.mesh.peers().includes(victim.peer), UP_S)
  }
  return times
}

async function endLeaders(mesh: LocalMesh, signal: 'SIGKILL' | 'SIGTERM', rounds: number): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const leader = await mesh.until('a leader', () => leaderOf(mesh), UP_S)
    const { term } = await mesh.ledger.lease()
    const startedAt = performance.now()
    leader.signal(signal)
    await mesh.until('another leader', async () => (await mesh.ledger.lease()).term > term, UP_S)
    times.push(performance.now() - startedAt)
    await leader.ended
    await mesh.start(leader.name, COORDINATOR)
    await mesh.until('its return', async () => mesh.mesh.peers().includes(leader.peer), UP_S)
  }
  return times
}

let films = 0

/** Ends what runs and begins the same film with another recipe, which makes it another video. */
async function encodeAnother(mesh: LocalMesh, path: string, busy: number): Promise<void> {
  for (const { _id } of await mesh.ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING'] }))
    await mesh.ledger.cancel(_id)
  const [coordinator] = [...mesh.nodes.values()].filter(({ name }) => name.startsWith('coordinator'))
  if (!coordinator) throw new Error('no coordinator is up')
  const rate = { crf: ENCODING.rate.crf + ++films }
  await mesh.submit(coordinator, path, { ...DEFAULT_RECIPE, renditions: ladderOf([1080], { ...ENCODING, rate }) })
  const id = await mesh.until(
    'a video',
    async () => (await mesh.ledger.videos({ statuses: ['RUNNING'] })).at(-1)?._id,
    UP_S,
  )
  await mesh.until(
    'encodes',
    async () => (await mesh.running()).filter(({ task }) => task.video_id === id).length >= busy,
    UP_S,
  )
}

async function busyWorker(mesh: LocalMesh): Promise<{ victim: LocalNode; task: TaskId; attempt: number } | null> {
  for (const { task, worker } of await mesh.running()) {
    const victim = [...mesh.nodes.values()].find(({ peer }) => peer === worker)
    const isOpen = (await mesh.ledger.video(task.video_id))?.status === 'RUNNING'
    if (victim && isOpen && mesh.mesh.peers().includes(worker)) return { victim, task: task._id, attempt: task.attempt }
  }
  return null
}

async function holdersOf(mesh: LocalMesh, task: TaskId): Promise<PeerId[]> {
  return ((await mesh.ledger.task(task))?.claims ?? []).map(({ worker_id }) => worker_id)
}

function whenLost(mesh: LocalMesh, peer: PeerId): Promise<number> {
  return new Promise((resolve) => {
    const unsubscribe = mesh.mesh.listen({
      onDisconnected(gone) {
        if (gone !== peer) return
        unsubscribe()
        resolve(performance.now())
      },
    })
  })
}

async function leaderOf(mesh: LocalMesh): Promise<LocalNode | undefined> {
  const { holder, remaining_ms } = await mesh.ledger.lease()
  return remaining_ms > 0 ? [...mesh.nodes.values()].find(({ peer }) => peer === holder) : undefined
}

function rowsOf(what: string, timesMs: readonly number[]): Row[] {
  const sorted = [...timesMs].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return [row(`${what}, median of ${sorted.length}`, at(0.5), 'ms'), row(`${what}, p95`, at(0.95), 'ms')]
}
