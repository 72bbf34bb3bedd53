/**
 * What comes next for a video in which nothing is missing: who does it, and at the latest when. Where it has not come by then, or workers are
 * free and none claims a task, the answer is `unknown`, with all that is seen. Pure.
 */
import { kindFacts } from '../../protocol/kinds.ts'
import { describeTask, type Task } from '../../protocol/task.ts'
import { nameOf } from './sentences.ts'
import {
  coordinatorsOf,
  durationOf,
  namesOf,
  noCoordinator,
  type PeerFacts,
  reason,
  refusing,
  type StillFacts,
  type Stillness,
  silentPeer,
  takes,
} from './still-words.ts'

/** A step that the leader takes at its next look or sweep is late after two of them. */
const LATE_LOOKS = 2

/** Why nobody leads; null where somebody does. */
export function ofLeading({ leader, peers, reachable }: StillFacts): Stillness | null {
  if (leader !== null && reachable.includes(leader)) return null
  const coordinators = coordinatorsOf(peers)
  if (coordinators.length === 0) return noCoordinator()
  if (!coordinators.some(takes)) return refusing(coordinators, 'lead')
  const who = leader === null ? 'no peer leads' : `waits for ${silentPeer(leader, peers)}, which leads`
  return reason('no_leader', `${who}: another coordinator takes over within seconds`, leader === null ? [] : [leader])
}

/** What the leader does at its next look or sweep. `what`: `starts the merge`. */
export function ofLeaderStep(facts: StillFacts, { so, what }: { readonly so: string; readonly what: string }): Stillness {
  const without = ofLeading(facts)
  if (without !== null) return without
  const { leader, peers, stillMs, looksMs } = facts
  const leads = peers.find(({ peer }) => peer === leader)
  if (leads && !takes(leads)) return refusing([leads], 'go on with it as the leader')
  const name = nameOf(leader!, peers)
  if (stillMs < LATE_LOOKS * looksMs) return reason('next_step', `${so}: ${name}, which leads, ${what} within ${looksMs / 1000} s`)
  return reason('unknown', `${so}, and ${name}, which leads, has not gone on for ${durationOf(stillMs / 1000)}: look at its log`)
} // biome-ignore format: sentences

/** A task that these peers could begin now: those that are at other work, or failed at this film before, say so. */
export function ofBeginning(facts: StillFacts, task: Task, able: readonly PeerFacts[]): Stillness {
  const { open, now, video, stillMs, freeMs, ahead } = facts
  const what = describeTask(task)
  const isOther = ({ task: id }: PeerFacts['running'][number]) => !id.startsWith(video._id)
  const busy = able.filter(({ running }) => running.some(isOther))
  if (kindFacts(task.kind).slots !== 'encode' && able.length > 0 && busy.length === able.length)
    return reason('queued', `waits until ${namesOf(busy)} ${busy.length > 1 ? 'are' : 'is'} done with other videos${ahead > 0 ? `: ${ahead} come${ahead === 1 ? 's' : ''} first` : ''}`)
  if (Math.min(now - task.not_before, freeMs) < CLAIMED_MS)
    return reason('next_step', `${what} may be begun since a moment ago: ${namesOf(able)} ${able.length > 1 ? 'take' : 'takes'} it within seconds`)
  const last = (open ?? []).flatMap(({ failures }) => failures).sort((a, b) => b.at - a.at)[0]
  // A worker pauses a film that it failed at, for a minute at most.
  if (last && now - last.at < PAUSED_MS)
    return reason('retry', `${nameOf(last.worker_id, facts.peers)} failed at this video ${durationOf(Math.max(0, now - last.at) / 1000)} ago and pauses it for a minute at most: ${last.message}`)
  const free = able.map(({ name, peer, state }) => `${name || peer.slice(-8)} (${state})`).join(', ')
  return reason('unknown', `${what} may be begun by ${free}, and has not been for ${durationOf(stillMs / 1000)}: look at the log there`)
} // biome-ignore format: sentences

/** Idle workers ask every 2 s or so, and a slow ledger takes its time. */
const CLAIMED_MS = 6_000
/** The longest pause of a film, and a moment for the claim after it. */
const PAUSED_MS = 70_000
