/**
 * What may never happen to inputs: that an attempt is claimed whose input no present peer has. Present is who runs, or ran a moment ago: the loss
 * of a peer takes its time to be noticed, and a claim may be on its way. What lies on the claiming machine itself counts too.
 * A source in a shared folder counts with those alone that see it there, or have a copy, whatever the ledger says.
 */
import type { Steps } from '../../ledger/steps.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import { TASK_STATUSES, type Task } from '../../protocol/task.ts'

/** How long a peer may be gone, ms: as in `quarantine-rules.ts`, on a bad day a claim may be late by 20 s, after its worker was frozen for 20. */
const GONE_MS = { quiet: 12_000, bad: 50_000 } as const

export interface PresenceRulesOptions {
  readonly steps: Pick<Steps, 'tasks' | 'video'>
  readonly day: keyof typeof GONE_MS
  /** Virtual ms since this peer last ran; 0 while it runs. */
  goneMs(peer: PeerId): number
  /** Virtual ms for which it has lacked these bytes, the source of a film in the shared folder that it should see; 0 for other bytes and peers. */
  lacksMs(peer: PeerId, sha256: Sha256): number
  /** Whether the bytes lie on the machine of this peer. */
  has(peer: PeerId, sha256: Sha256): boolean
}

/** Makes the rule: the sentence that a claim by `worker` breaks, or null. */
export function createPresenceRules({ steps, day, goneMs, lacksMs, has }: PresenceRulesOptions) {
  const canBeHad = ({ sha256, holders }: HeldBlob, worker: PeerId) =>
    has(worker, sha256) || holders.some((peer) => Math.max(goneMs(peer), lacksMs(peer, sha256)) < GONE_MS[day])

  /** Everything that an attempt at the task reads. */
  async function inputsOf({ kind, input, video_id: video }: Task): Promise<HeldBlob[]> {
    const { eligibility, outputs } = kindFacts(kind)
    if (input) return [input]
    if (eligibility === 'source') return [(await steps.video(video))?.source ?? []].flat()
    if (outputs !== 'results') return []
    const kinds = kindsWhere(({ countsAsEncode }) => countsAsEncode)
    const parts = await Promise.all(TASK_STATUSES.map((status) => steps.tasks({ video, kinds, status })))
    return parts.flat().flatMap(({ output }) => output ?? [])
  }

  return async (worker: PeerId, task: Task): Promise<string | null> => {
    for (const blob of await inputsOf(task))
      if (!canBeHad(blob, worker))
        return `${task._id} was claimed by ${worker.slice(-2)}, and nobody who is present has ${blob.sha256.slice(0, 8)} for it`
    return null
  }
}
