/** The sentences of `status`, for all interfaces. Pure; names of peers and engines are those that their owners gave. */
import type { PeerId } from '../../protocol/ids.ts'
import { machinesOf } from '../../protocol/machine.ts'
import type { EngineStatus, Held, PeerStatus } from '../../protocol/status.ts'
import type { Delivery, VideoStatus } from '../../protocol/video.ts'

/** A peer that a sentence may name. */
export interface NamedPeer {
  readonly peer: PeerId
  readonly name: string
  readonly host: string
}

/** Seconds without a heartbeat after which a peer counts as silent and unreachable. */
const SILENT_S = 5
const UNREACHED_S = 120

/** The name of a peer; the end of its id where none is known. */
export const nameOf = (id: PeerId, peers: readonly NamedPeer[]): string =>
  peers.find(({ peer }) => peer === id)?.name || id.slice(-8)

/** The state of a peer in words. One that left is not silent; a silent one may be paused too. */
export function stateText({ state, paused, heard_s }: Pick<PeerStatus, 'state' | 'paused' | 'heard_s'>): string {
  if (state === 'leaving') return state
  if (heard_s > 7_200) return `silent ${Math.round(heard_s / 3_600)}h`
  if (heard_s > 120) return `silent ${Math.round(heard_s / 60)}m`
  if (heard_s > SILENT_S) return `silent ${Math.round(heard_s)}s`
  if (paused) return 'paused'
  return state === 'self_test_failed' ? 'self-test' : state
}

/** How many workers are wanted on an engine and why, or that no connected peer can start them. */
export function engineText(
  { wanted, reason, peers }: Omit<EngineStatus, 'engine' | 'text'>,
  all: readonly { readonly peer: PeerId; readonly heard_s: number }[],
): string {
  const isReached = all.some(({ peer, heard_s }) => peers.includes(peer) && heard_s < UNREACHED_S)
  if (!isReached) return 'no connected peer can reach this engine'
  return `${wanted} worker${wanted === 1 ? '' : 's'} wanted${reason === null ? '' : `: ${reason}`}`
}

/** Which machines must stay online, and whether the submitter may go offline; null where it makes no difference. */
export function heldText(
  status: VideoStatus,
  { peers, may_leave }: Pick<Held, 'peers' | 'may_leave'>,
  all: readonly NamedPeer[],
): string | null {
  const hasEnded = status === 'FAILED' || status === 'CANCELLED' || (status === 'COMPLETED' && may_leave)
  if (hasEnded || machinesOf(all.map(({ host }) => host)).size < 2) return null
  const what = status === 'COMPLETED' ? 'results' : 'source'
  if (peers.length === 0) return `${what} on no connected peer: this video waits`
  const names = peers.map((id) => nameOf(id, all)).join(', ')
  return may_leave
    ? `${what} replicated on ${names}: the submitter can go offline`
    : `${what} only on ${names}: not replicated, keep it online`
}

/** The open delivery of a COMPLETED video: where, and by which peer; null without one. */
export function deliveryText(
  status: VideoStatus,
  { peer, dir, done_at }: Pick<Delivery, 'peer' | 'dir' | 'done_at'>,
  all: readonly NamedPeer[],
): string | null {
  if (status !== 'COMPLETED' || done_at !== null) return null
  const isHere = all.some((each) => each.peer === peer)
  return isHere
    ? `not delivered yet to ${dir} by ${nameOf(peer, all)}`
    : `not delivered yet to ${dir}: its peer ${nameOf(peer, all)} is not connected`
}

/** Why a task waits, and when it is tried again. `inMs`: until then, negative where that is over. */
export function waitingText(
  of: { readonly what: string; readonly worker: PeerId; readonly reason: string; readonly inMs: number },
  all: readonly NamedPeer[],
): string {
  const when = of.inMs > 0 ? `in ${Math.ceil(of.inMs / 1000)} s` : 'when a worker is free'
  return `${of.what} failed on ${nameOf(of.worker, all)}, next try ${when}: ${of.reason}`
}
