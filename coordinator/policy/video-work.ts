/** How long the peers that are there take for what is left of a video, at their measured speeds. Pure. */
import { type Calibration, secondsFor } from '../../fleet/scaling/scaling-speed.ts'
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, partOf, type VideoId, videoOf } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Counts } from '../../protocol/ledger.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import type { Length } from '../plan-lengths.ts'

/** A peer that takes work. */
export interface WorkingPeer {
  readonly name: string
  readonly slots: number
  readonly capability: Capability
  readonly running: readonly RunningAttempt[]
  /** Speeds as measured of this peer; of one that has shown none, as of all. */
  readonly calibration: Calibration
}

/** What is left of a video. Durations are seconds; Infinity where nobody can encode it. */
export interface VideoWork {
  /** Seconds for all peers together. */
  readonly work_s: number
  /** Seconds for one chunk on one slot. */
  readonly least_s: number
}

/** The work of a video: `done` is the share of each rendition that is encoded (0–1). */
export function workOf(
  { seconds, chunks, renditions }: Length,
  done: (rendition: RenditionId) => number,
  peers: readonly WorkingPeer[],
): VideoWork {
  const left = renditions.map((rendition) => ({
    ...speedAt(rendition, peers),
    left: seconds * (1 - done(rendition.id)),
  }))
  const open = left.filter((one) => one.left > 0)
  if (open.length === 0) return { work_s: 0, least_s: 0 }
  const slots = Math.max(...open.map((one) => one.slots))
  // Renditions that only some peers encode are the longest alone; otherwise all of them share all slots.
  const shared = open.reduce((sum, one) => sum + (one.left / one.speed) * (one.slots / slots), 0)
  const alone = Math.max(...open.map((one) => one.left / one.speed))
  const chunk = open.reduce((sum, one) => sum + (Math.min(one.left, seconds / chunks) * one.slots) / one.speed, 0)
  if (slots === 0) return { work_s: Number.POSITIVE_INFINITY, least_s: Number.POSITIVE_INFINITY }
  return { work_s: Math.max(shared, alone), least_s: chunk }
}

/** Slots that encode a rendition, and the source seconds that all of them encode in a second. */
function speedAt(rendition: RenditionPlan, peers: readonly WorkingPeer[]): { slots: number; speed: number } {
  const able = peers.filter(({ capability }) => canDo(capability, rendition.class))
  return {
    slots: able.reduce((sum, { slots }) => sum + slots, 0),
    speed: able.reduce((sum, { slots, calibration }) => sum + slots / secondsFor(calibration, rendition), 0),
  }
}

/** The share of a rendition that is encoded (0–1): completed chunks, and what is done of those that run. */
export function doneOf(video: VideoId, { chunks }: Length, counts: Counts, running: readonly RunningAttempt[]) {
  const own = running.filter(({ task }) => videoOf(task) === video)
  return (rendition: RenditionId): number => {
    const parts = own.filter(({ task }) => partOf(task) === rendition).reduce((sum, { done }) => sum + done, 0)
    return Math.min(1, (chunksDone(counts, rendition) + parts) / chunks)
  }
}

/** Number of chunks that are COMPLETED in a rendition. */
export const chunksDone = (counts: Counts, rendition: RenditionId): number =>
  counts
    .filter(
      ({ kind, resolution, status }) =>
        resolution === rendition && status === 'COMPLETED' && kindFacts(kind).countsAsEncode,
    )
    .reduce((sum, { count }) => sum + count, 0)

/** Number of slots that work on each video. */
export function slotsByVideo(running: readonly RunningAttempt[]): ReadonlyMap<VideoId, number> {
  const encodes = new Map(running.filter(({ waits }) => !waits).map(({ task }) => [chunkOf(task), videoOf(task)]))
  const slots = new Map<VideoId, number>()
  for (const video of encodes.values()) slots.set(video, (slots.get(video) ?? 0) + 1)
  return slots
}

/** The peer with the most speed, and its share (0–1) of that of all. */
export function fastestOf(peers: readonly WorkingPeer[]): { name: string; share: number } | null {
  const speeds = peers.map(({ name, slots, calibration }) => ({ name, speed: slots / secondsFor(calibration, USUAL) }))
  const total = speeds.reduce((sum, { speed }) => sum + speed, 0)
  const [first] = speeds.sort((a, b) => b.speed - a.speed)
  return first && total > 0 ? { name: first.name, share: first.speed / total } : null
}

/** What peers are compared by. */
const USUAL = { id: '1080p', class: 'h264>x264/1080p', preset: 'medium', cost: 1 }
