import type { Clock, Rng } from '../protocol/clock.ts'
import { ANN, BOB, CAT, chunk, peer, sha, token, videoIn } from '../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../protocol/emitter.ts'
import { createHints } from '../protocol/hints.ts'
import type { PeerId, TaskId } from '../protocol/ids.ts'
import { taskId } from '../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import { createAudits } from './audits.ts'
import type { TermContext } from './duty.ts'

export const LEADER = peer('Leader')
export const CLASS = 'h264>x264/480p'
export const HONEST = 'right'

interface StageOptions {
  readonly peers?: readonly PeerId[]
  readonly self?: PeerId
  readonly share?: number
  /** Whether the leader, without slots, can settle differences. */
  readonly settles?: boolean
}

/** A RUNNING video of some chunks, and peers that can encode it, each on a machine of its own; the leader encodes where it is named. */
export async function stage(
  chunks: number,
  { peers = [ANN, BOB, CAT], self = LEADER, share = 1, settles = false }: StageOptions = {},
) {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING')
  await ledger.insertTasks(Array.from({ length: chunks }, (_, n) => chunk(video, n, { class: CLASS })))
  const capability = { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: [] } as const
  const present = new Set(peers)
  const heard = (id: PeerId, n: number) => ({
    peer: id,
    beat: { ...capability, name: `${id}`, host: `h-0000000${n}`, state: 'idle', slots: 1, busy: 0, running: [] },
    heard_mono: at.now,
  })
  const all = () => [...present].filter((id) => id !== self).map(heard)
  let draws = 0
  const taken: TaskId[] = []
  const lead = (term: number) =>
    createAudits({
      self, host: 'leader-000000ff', capability: peers.includes(self) ? capability : null, audit: share, term, ledger,
      settles: settles ? { capability, take: (id: TaskId) => taken.push(id) } : null,
      clock: { mono: () => at.now, now: () => at.now } as Clock,
      rng: { token: () => ((draws++ * 7919) % 4096).toString(16).padStart(3, '0').repeat(11) } as unknown as Rng,
      emit: createEmitter({ ledger, log: silentLog }), hints: createHints(),
      peers: { get: (id: PeerId) => all().find((one) => one.peer === id), all },
    } as unknown as TermContext) // biome-ignore format: what audits use of it
  let audits = lead(1)
  at.now += 10_000
  const task = async (id: TaskId) => (await ledger.task(id))!
  const run = async (id: TaskId, worker: PeerId, stream = HONEST) => {
    at.now += 100
    const got = await ledger.claimTask({ worker, token: token(`${id}`), task: id, from: 'free' })
    if (got.outcome === 'none') return 'not its own'
    const output = { sha256: sha(`${id} ${stream}`), es_sha256: sha(stream), bytes: 9, holders: [worker] }
    return await ledger.complete({ task: id, attempt: got.attempt, worker, output })
  }
  return {
    at,
    ledger,
    video,
    taken,
    present,
    task,
    run,
    ids: Array.from({ length: chunks }, (_, n) => taskId(video._id, '480p', n)),
    settle: async (isEncoded = true) =>
      audits.settle(video, (await ledger.progress([video._id])).get(video._id)!, { isEncoded }),
    leadAgain: (term: number) => {
      audits = lead(term)
      at.now += 10_000
    },
    audits: async () => (await ledger.tasks({ video: video._id, kinds: ['audit'] })).map(({ _id }) => _id),
    states: async () => (await ledger.tasks({ video: video._id, kinds: ['video'] })).map(({ audit }) => audit),
    events: async () => (await ledger.events(100)).map(({ what, text }) => ({ what, text })),
  }
}
