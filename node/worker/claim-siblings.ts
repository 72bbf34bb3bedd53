/** The other renditions of a claimed chunk that the same slot takes along: one ffmpeg decodes the chunk once for all of them. */
import { type Capability, canDo } from '../../protocol/capability.ts'
import { type PeerId, RESOLUTIONS, type Resolution, type Token, taskId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { HeldTask } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import { heldBy } from './attempts.ts'
import { siblingsToTake } from './fuse.ts'

/** Where a claim comes from: a waiting task, one whose claims all expired, or one that is wanted twice. */
export type ClaimSource = 'pending' | 'expired' | 'backup'

export interface SiblingClaims {
  readonly self: PeerId
  readonly capability: Capability
  readonly ledger: Pick<Ledger, 'claimTask' | 'progress'>
  /** Slots of the mesh, beside the asking one, that are idle or soon will be. */
  otherSlots(): number
}

export async function claimSiblings(
  anchor: Task,
  { token, source }: { readonly token: Token; readonly source: ClaimSource },
  options: SiblingClaims,
): Promise<HeldTask[]> {
  const { self, ledger } = options
  if (anchor.kind !== 'video') return []
  const able = RESOLUTIONS.filter(
    (rung) => rung !== anchor.resolution && canDo(options.capability, anchor.class.replace(/[^/]+$/, rung)),
  )
  // A backup takes over a whole slot: what is wanted of it, the ledger knows.
  const backup = source === 'backup'
  const asked = (backup ? able : await pendingSiblings(anchor, able, options)).map((rung) =>
    ledger.claimTask({
      worker: self,
      token,
      task: taskId(anchor.video_id, rung, anchor.chunk_id),
      from: backup ? 'backup' : 'pending',
    }),
  )
  return (await Promise.all(asked)).flatMap(heldBy)
}

async function pendingSiblings(
  anchor: Task,
  able: readonly Resolution[],
  { ledger, otherSlots }: SiblingClaims,
): Promise<Resolution[]> {
  const progress = (await ledger.progress([anchor.video_id])).get(anchor.video_id) ?? []
  const pending: Partial<Record<Resolution, number>> = {}
  // While the ingest goes on cutting, more work is about to come than the ledger shows.
  const isGrowing = progress.some(({ resolution, status }) => resolution === 'ingest' && status !== 'COMPLETED')
  for (const { resolution, status, count } of progress) {
    if (status === 'PENDING') pending[resolution as Resolution] = count
  }
  return siblingsToTake({
    anchor: anchor.resolution as Resolution,
    able: able.filter((rung) => pending[rung] !== undefined),
    pending: Object.fromEntries(RESOLUTIONS.flatMap((rung) => (pending[rung] ? [[rung, pending[rung]]] : []))),
    slots: isGrowing ? 1 : 1 + otherSlots(),
  })
}
