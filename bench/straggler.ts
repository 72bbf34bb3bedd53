/**
 * One worker of four slowed five times: what it costs until the end. Each worker has a fixed share of a core by the kernel's
 * control groups (root on Linux), so that the ideal is known: the CPU of a round before it, in which all four are equally fast, ÷ the
 * shares of all workers together. Then the same with one worker stopped half-way through its last chunk.
 *
 * Wall is from the first claim of an encode to the last completed one: splitting, merging and delivery are the same in every round.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { VideoId } from '../protocol/ids.ts'
import { DEFAULT_ENCODING, DEFAULT_HEIGHTS, ladderOf } from '../protocol/recipe.ts'
import type { Task } from '../protocol/task.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { type CpuLimit, limitCpu } from './cpu-limit.ts'
import { givenClips, makeFootage, SHORT_GOP_S } from './footage.ts'
import { type LocalMesh, openLocalMesh } from './local-mesh.ts'
import type { LocalNode } from './local-node.ts'
import { type Row, row } from './table.ts'

const WORKERS = 4
const CORES = 0.4
const SLOWED = 5
/** Twenty chunks and more of three renditions: none is longer than 8 s. */
const FULL = { seconds: 160, preset: 'ultrafast', chunksMin: 20 } as const
const QUICK = { seconds: 40, preset: 'ultrafast', chunksMin: 4 } as const
const UP_S = 180
const DONE_S = 1_200

interface Round {
  readonly wallS: number
  readonly cpuS: number
  readonly chunks: number
  readonly backups: number
  readonly attempts: number
  /** Claims of live workers that the leader reclaimed: a worker short of CPU may seem silent. */
  readonly reclaims: number
  /** Tasks of chunks by each worker, fewest first. */
  readonly spread: string
}

export async function benchStraggler({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const { seconds, preset, chunksMin } = quick ? QUICK : FULL
  const footage = await makeFootage(givenClips(media), seconds, await ensureFfmpeg(), SHORT_GOP_S)
  const mesh = await openLocalMesh('straggler')
  const limits: CpuLimit[] = []
  try {
    const home = await mesh.start('home', ['--roles', 'coordinator'])
    const workers: LocalNode[] = []
    for (let at = 1; at <= WORKERS; at++) {
      workers.push(await mesh.start(`worker ${at}`, ['--roles', 'worker', '--slots', '1']))
      limits.push(await limitCpu(`reelmesh-straggler-${process.pid}-${at}`, CORES))
    }
    for (const [at, limit] of limits.entries()) await limit.hold(workers[at]!.pid)
    await mesh.until('a mesh of all', async () => mesh.mesh.peers().length === WORKERS + 1, UP_S)
    const job = { mesh, home, limits, path: footage.path, preset }
    const even = await round({ ...job, crf: 24 })
    if (even.chunks < chunksMin) throw new Error(`${even.chunks} chunks say little; give a longer film`)
    await limits[0]!.setCores(CORES / SLOWED)
    const slowed = await round({ ...job, crf: 25 })
    await limits[0]!.setCores(CORES)
    const stopped = await round({ ...job, crf: 26, stopLast: workers[0]! })
    return rowsOf({
      even,
      slowed,
      stopped,
      film: `1080p footage from ${footage.from}, ${even.chunks} chunks, to three renditions at ${preset}`,
      seconds,
    })
  } finally {
    await mesh.stop()
    for (const limit of limits) await limit.remove()
  }
}

async function round(job: {
  mesh: LocalMesh
  home: LocalNode
  limits: readonly CpuLimit[]
  path: string
  preset: string
  crf: number
  stopLast?: LocalNode
}): Promise<Round> {
  const { mesh, home, limits, path, preset, crf, stopLast } = job
  const before = await used(limits)
  const reclaimsBefore = await mesh.countOf('reclaimed')
  const renditions = ladderOf(DEFAULT_HEIGHTS, { ...DEFAULT_ENCODING, preset, rate: { crf } })
  const video = await mesh.submit(home, path, { renditions })
  const ended = new AbortController()
  const stopping = stopLast ? stopAtLastChunk(mesh, stopLast, video, ended.signal) : null
  await mesh.until('the last chunk', () => isEncoded(mesh, video), DONE_S)
  const cpuS = (await used(limits)) - before
  ended.abort()
  const wasStopped = await stopping
  await stopLast?.freeze(false)
  if (wasStopped === false) throw new Error('the worker had no last chunk to be stopped in')
  await mesh.until('the result', async () => (await mesh.ledger.video(video))?.status === 'COMPLETED', DONE_S)
  const tasks = await mesh.ledger.tasks({ video, kinds: ['video'], statuses: ['COMPLETED'] })
  return { ...figuresOf(tasks), cpuS, reclaims: (await mesh.countOf('reclaimed')) - reclaimsBefore }
}

async function isEncoded(mesh: LocalMesh, video: VideoId): Promise<boolean> {
  await sleep(200)
  const status = (await mesh.ledger.video(video))?.status
  if (status === 'FAILED') throw new Error('the video failed')
  return status === 'MERGING' || status === 'COMPLETED'
}

/** Stops the worker (and its ffmpeg, which is of its group) half-way through what it runs when nothing waits any more. */
async function stopAtLastChunk(
  mesh: LocalMesh,
  node: LocalNode,
  video: VideoId,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    await sleep(100)
    const [pending] = await mesh.ledger.tasks({ video, kinds: ['video'], statuses: ['PENDING'], limit: 1 })
    const running = mesh.table.get(node.peer)?.beat.running.filter(({ task }) => task.startsWith(video)) ?? []
    const isPlanned = (await mesh.ledger.video(video))?.status === 'RUNNING'
    if (pending || !isPlanned || !running.some(({ done }) => done >= 0.4 && done <= 0.8)) continue
    await node.freeze(true)
    return true
  }
  return false
}

const used = async (limits: readonly CpuLimit[]): Promise<number> =>
  (await Promise.all(limits.map((limit) => limit.usedSeconds()))).reduce((sum, seconds) => sum + seconds, 0)

function figuresOf(tasks: readonly Task[]): Omit<Round, 'cpuS' | 'reclaims'> {
  const started = Math.min(...tasks.map(({ end_time, duration_ms }) => (end_time ?? 0) - (duration_ms ?? 0)))
  const ended = Math.max(...tasks.map(({ end_time }) => end_time ?? 0))
  const byWorker = Map.groupBy(tasks, ({ worker_id }) => worker_id)
  const idle = Array<number>(WORKERS - byWorker.size).fill(0)
  const counts = [...byWorker.values()]
    .map((of) => new Set(of.map(({ chunk_id }) => chunk_id)).size)
    .concat(idle)
    .sort((a, b) => a - b)
  return {
    wallS: (ended - started) / 1000,
    chunks: new Set(tasks.map(({ chunk_id }) => chunk_id)).size,
    backups: tasks.filter(({ speculative }) => speculative).length,
    attempts: tasks.reduce((sum, { attempt }) => sum + attempt, 0),
    spread: counts.join(' + '),
  }
}

function rowsOf(of: { even: Round; slowed: Round; stopped: Round; film: string; seconds: number }): Row[] {
  const { even, slowed, stopped, film, seconds } = of
  // What all that work takes at the shares of all workers together, none of them ever idle; also where the machine gave less.
  const idealOf = (cores: number) => even.cpuS / cores
  const ideal = idealOf(CORES * (WORKERS - 1 + 1 / SLOWED))
  const idealStopped = idealOf(CORES * WORKERS)
  return [
    row(film, seconds, 's'),
    row(`four equal workers of ${CORES} cores (chunks ${even.spread}), wall`, even.wallS, 's'),
    row('four equal workers, CPU', even.cpuS, 's'),
    row('one slowed five times, ideal wall', ideal, 's'),
    row(
      `one slowed five times (chunks ${slowed.spread}; ${slowed.backups} tasks by a backup, ${slowed.reclaims} reclaims), wall`,
      slowed.wallS,
      's',
      slowed.wallS / ideal,
      'ideal',
    ),
    row('one slowed five times, CPU', slowed.cpuS, 's', slowed.cpuS / even.cpuS, 'four equal workers'),
    row(
      `one stopped half-way through its last chunk (${stopped.attempts - 3 * stopped.chunks} more attempts), wall`,
      stopped.wallS,
      's',
      stopped.wallS / idealStopped,
      'the ideal of four',
    ),
    row(
      'one stopped half-way through its last chunk, CPU',
      stopped.cpuS,
      's',
      stopped.cpuS / even.cpuS,
      'four equal workers',
    ),
  ]
}
