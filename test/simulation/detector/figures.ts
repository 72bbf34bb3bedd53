/** What the detector does in a mesh of so many peers: how soon it notices each kind of end, and how often it is wrong. */
import { CLAIM_MS } from '../../../protocol/limits.ts'
import { createSeeded, type Seeded } from '../../../testing/simulation/seeded.ts'
import { createDetectorMesh, type DetectorMesh } from './mesh.ts'

/** `kill`: SIGKILL, connections close · `stop`: SIGSTOP · `cut`: the cable · `mute`: alive, but its heartbeats reach nobody. */
export const ENDS = ['kill', 'stop', 'cut', 'mute'] as const
export type EndKind = (typeof ENDS)[number]

export interface Detection {
  /** Ms until anybody suspected it, and until the leader took its claim back; one of each per victim. */
  readonly noticed: readonly number[]
  readonly reclaimed: readonly number[]
  /** Victims whose claim would have run out by itself before anybody took it back. */
  readonly missed: number
}

const WARM_MS = 30_000
const RECOVER_MS = 20_000
const LEADER = 0
const WATCHED = 8

/** Ends `victims` peers of each kind, in as many meshes as that needs, and waits for the leader each time. */
export async function measureDetection(options: {
  peers: number
  victims: number
  kinds?: readonly EndKind[]
}): Promise<Record<EndKind, Detection>> {
  const { peers, victims, kinds = ENDS } = options
  const found = Object.fromEntries(
    ENDS.map((kind) => [kind, { noticed: [] as number[], reclaimed: [] as number[], missed: 0 }]),
  ) as Record<EndKind, { noticed: number[]; reclaimed: number[]; missed: number }>
  const perMesh = peers < 8 ? 1 : Math.min(WATCHED, peers - 4) / 2
  for (let done = 0, seed = 1; done < victims; seed++) {
    const mesh = createDetectorMesh({ peers, loss: 0, seed: `detect ${seed}`, watched: Math.min(WATCHED, peers - 1) })
    const rng = createSeeded(`phase ${seed}`)
    await mesh.run(WARM_MS)
    for (const victim of mesh.watched.slice(0, Math.floor(perMesh))) {
      // The kill last: it cannot be undone.
      for (const kind of [...kinds].reverse()) {
        await mesh.run(rng.between(0, 2_500))
        const { noticedMs, reclaimedMs } = await endOne(mesh, victim, kind)
        if (noticedMs !== null) found[kind].noticed.push(noticedMs)
        if (reclaimedMs === null) found[kind].missed++
        else found[kind].reclaimed.push(reclaimedMs)
        await mesh.run(RECOVER_MS)
      }
      done++
    }
  }
  return found
}

async function endOne(
  mesh: DetectorMesh,
  victim: number,
  kind: EndKind,
): Promise<{ noticedMs: number | null; reclaimedMs: number | null }> {
  const { scheduler, wire, peers } = mesh
  const life = peers[victim]!.life
  const startedAt = scheduler.now()
  let [noticedMs, reclaimedMs]: (number | null)[] = [null, null]
  mesh.onSuspicion = (about) => {
    if (about === victim) noticedMs ??= scheduler.now() - startedAt
  }
  mesh.onReclaim = (about) => {
    if (about !== victim) return
    reclaimedMs ??= scheduler.now() - startedAt
    noticedMs ??= reclaimedMs
  }
  if (kind === 'kill') {
    wire.setDead(victim)
    peers[victim]!.kill()
  } else if (kind === 'stop') {
    life.freeze()
    wire.setFrozen(victim, true)
  } else if (kind === 'cut') wire.cut(victim)
  else wire.setMute(victim, true)
  const untilMs = startedAt + CLAIM_MS
  scheduler.after(CLAIM_MS, () => {})
  await scheduler.run({ untilMs, isOver: () => reclaimedMs !== null, byInstant: true })
  wire.setFrozen(victim, false)
  wire.setMute(victim, false)
  wire.heal(victim)
  life.thaw()
  return { noticedMs: noticedMs ?? null, reclaimedMs: reclaimedMs ?? null }
}

export interface Mistakes {
  /** Of the whole mesh, an hour. */
  readonly suspicionsPerHour: number
  readonly evictionsPerHour: number
  readonly heartbeatsPerSecond: number
  readonly connections: number
}

export interface MistakesOptions {
  readonly peers: number
  readonly loss: number
  readonly minutes: number
  /** Every observer, the leader included, stalls for 0.3–4 s about twice a minute; the observed peers do not. */
  readonly stalls?: boolean
  readonly seed?: string
}

/** Nobody dies: whatever is suspected or evicted is a mistake. */
export async function measureMistakes({
  peers,
  loss,
  minutes,
  stalls = false,
  seed = '1',
}: MistakesOptions): Promise<Mistakes> {
  const watched = stalls ? Math.min(WATCHED, Math.floor((peers - 1) / 2)) : Math.min(WATCHED, peers - 1)
  const mesh = createDetectorMesh({ peers, loss, seed: `mistakes ${seed}`, watched })
  await mesh.run(WARM_MS)
  if (stalls)
    for (const [at, peer] of mesh.peers.entries())
      if (!mesh.watched.includes(at)) standStill(mesh, at, createSeeded(`stall ${peer.id}`))
  let [suspicions, evictions] = [0, 0]
  const heartbeats = mesh.published.heartbeat
  mesh.onSuspicion = (about) => {
    if (mesh.watched.includes(about)) suspicions++
  }
  mesh.onReclaim = () => {
    evictions++
  }
  await mesh.run(minutes * 60_000)
  const scale = ((peers - 1) / mesh.watched.length) * (60 / minutes)
  return {
    suspicionsPerHour: suspicions * scale,
    evictionsPerHour: evictions * scale,
    heartbeatsPerSecond: (mesh.published.heartbeat - heartbeats) / (minutes * 60),
    connections: mesh.connections,
  }
}

/** Stops the process now and then, as a starved or swapping machine does. */
function standStill(mesh: DetectorMesh, at: number, rng: Seeded): void {
  const { life } = mesh.peers[at]!
  const later = () =>
    mesh.scheduler.after(rng.between(1_000, 55_000), () => {
      life.freeze()
      mesh.wire.setFrozen(at, true)
      mesh.scheduler.after(rng.between(300, 4_000), () => {
        mesh.wire.setFrozen(at, false)
        life.thaw()
        later()
      })
    })
  later()
}

/** The leader loses the mesh, not the ledger: what it reclaims in a minute, and whether it released the lease. */
export async function measureCutLeader(peers: number): Promise<{ reclaimed: number; steppedDown: boolean }> {
  const mesh = createDetectorMesh({
    peers,
    loss: 0,
    seed: 'cut leader',
    watched: Math.min(WATCHED, peers - 1),
  })
  await mesh.run(WARM_MS)
  const reclaimed = new Set<number>()
  mesh.onReclaim = (about) => void reclaimed.add(about)
  mesh.wire.cut(LEADER)
  await mesh.run(12_500)
  return { reclaimed: reclaimed.size, steppedDown: mesh.peers[LEADER]!.steppedDown > 0 }
}

export const share = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}
