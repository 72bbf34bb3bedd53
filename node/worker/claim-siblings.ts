/**
 * Claims further parts of a film for the slot that claimed one: renditions of the same chunk, as one ffmpeg decodes it once for all of them, and
 * the sound of a film that one ffmpeg may make at once.
 */
import { encoderOf, lastChunkThreads } from '../../media/codecs/codecs.ts'
import { type PeerId, type Token, taskId } from '../../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import type { Counts, Ledger } from '../../protocol/ledger.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { HeldTask } from '../../protocol/runner.ts'
import { hasThreads, isOneEncode } from '../../protocol/short-film.ts'
import { soundClass } from '../../protocol/sound-plan.ts'
import type { Task } from '../../protocol/task.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { heldBy } from './attempts.ts'
import { type Costed, SOUND_COST, siblingsToTake } from './rendition-batching.ts'
import type { AskedSlots } from './soon-free-slots.ts'

/** The state of a task that is claimed: PENDING, all claims expired, or a backup wanted. */
export type ClaimSource = 'pending' | 'expired' | 'backup'

/** The parts that the claims of siblings use. */
export interface SiblingClaims {
  readonly self: PeerId
  /** Whether this worker claims tasks of this class now. */
  may(taskClass: string): boolean
  readonly ledger: Pick<Ledger, 'claimTask' | 'progress'>
  readonly plans: PlanSource
  /** As `otherSoonFreeSlots`. */
  otherSlots(of: AskedSlots): number
  /** Peers from which an input can be had now. */
  reachable(): readonly PeerId[]
}

/** Claims siblings of the claimed task `anchor`; answers those that it got. Rejects with `LedgerUnavailable`, and as `PlanSource`. */
export async function claimSiblings(
  anchor: Task,
  { token, source }: { readonly token: Token; readonly source: ClaimSource },
  options: SiblingClaims,
): Promise<HeldTask[]> {
  const { self, ledger, plans } = options
  const present = options.reachable()
  // An audit runs alone: what else is encoded of its chunk is of another kind.
  const { scope, countsAsEncode } = kindFacts(anchor.kind)
  if (!countsAsEncode) return []
  const plan = await plans.planOf(anchor.video_id)
  if (scope !== 'chunk' && !isOneEncode(plan)) return []
  // A backup attempt repeats a whole slot: all its tasks have `backup_wanted`.
  const isBackup = source === 'backup'
  const parts = partsOf(plan)
  const able = parts.filter(
    ({ id, class: needs, isBackedUp }) => id !== anchor.resolution && (isBackedUp || !isBackup) && options.may(needs),
  )
  const siblings = isBackup ? able.map(({ id }) => id) : await pendingSiblings(anchor, { plan, parts, able }, options)
  const asked = siblings.map((id) =>
    ledger.claimTask({
      worker: self,
      token,
      task: taskId(anchor.video_id, id, anchor.chunk_id),
      present,
      from: isBackup ? 'backup' : 'pending',
    }),
  )
  return (await Promise.all(asked)).flatMap(heldBy)
}

/** A part of a film that has a task of its own for each chunk. */
interface Part extends Costed {
  readonly class: string
  readonly isBackedUp: boolean
}

/** The renditions, and the sound where it belongs to the only chunk. */
function partsOf(plan: Plan): Part[] {
  const renditions = plan.renditions.map((rendition) => ({ ...rendition, isBackedUp: true }))
  if (!isOneEncode(plan)) return renditions
  const sounds = kindsWhere(({ scope, countsAsEncode }) => scope === 'video' && countsAsEncode)
  return [
    ...renditions,
    ...sounds.map((kind) => ({
      id: kind,
      class: soundClass(plan, kind),
      cost: SOUND_COST,
      isSmall: true,
      isBackedUp: false,
    })),
  ]
}

/** `able`: of the parts, beside the anchor's, those that this worker may claim. */
async function pendingSiblings(
  task: Task,
  { plan, parts, able }: { readonly plan: Plan; readonly parts: readonly Part[]; readonly able: readonly Part[] },
  { ledger, otherSlots }: SiblingClaims,
): Promise<string[]> {
  const anchor = parts.find(({ id }) => id === task.resolution)
  if (!anchor) return []
  const progress = (await ledger.progress([task.video_id])).get(task.video_id) ?? []
  const pending = parts.flatMap((part) => {
    const waiting = progress.find(
      ({ kind, resolution, status }) =>
        kindFacts(kind).countsAsEncode && resolution === part.id && status === 'PENDING',
    )
    return waiting ? [{ rendition: part, count: waiting.count }] : []
  })
  return siblingsToTake({
    anchor,
    able: able.filter(({ id }) => pending.some(({ rendition }) => rendition.id === id)),
    pending,
    slots: slotsThatShare(
      { plan, progress, isThreaded: isThreaded(plan, task.chunk_id, [anchor, ...able]) },
      otherSlots,
    ),
  })
}

/** Whether encodes of these parts of the chunk keep another core of this machine busy. */
const isThreaded = (plan: Plan, chunk: number, parts: readonly Part[]): boolean =>
  hasThreads(plan, chunk) &&
  plan.renditions.some(
    (each) => parts.some(({ id }) => id === each.id) && lastChunkThreads(encoderOf(each), each).threads > 1,
  )

/** Number of slots that share what is pending. */
function slotsThatShare(
  { plan, progress, isThreaded }: { readonly plan: Plan; readonly progress: Counts; readonly isThreaded: boolean },
  otherSlots: SiblingClaims['otherSlots'],
): number {
  // All of its tasks are inserted at once. A slot that is busy has other work: a short film is not worth to be shared with it.
  if (isOneEncode(plan)) return 1 + otherSlots({ soon: false, isThreaded })
  // While the ingest cuts, more tasks will follow than the ledger has now.
  const isGrowing = progress.some(({ kind, status }) => kindFacts(kind).createsTasks && status !== 'COMPLETED')
  return isGrowing ? 1 : 1 + otherSlots({ soon: true, isThreaded })
}
