/**
 * Whether this peer should take an ingest or merge task now: by its sources, whether it leads (`source-order.ts`), and whether what the task reads
 * can be had. An attempt without its inputs would only fail.
 */
import { type BlobStore, type HeldBlob, hasRoomFor, type ListedBlobs } from '../../protocol/blobs.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { PLANNER_WAIT_MS } from '../../protocol/limits.ts'
import { FEW } from '../../protocol/pace.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { type IngestQuestion, mayTakeIngest } from './source-order.ts'

/** The parts that the decision uses. */
export interface ControlTaskOrderOptions {
  readonly ledger: Pick<Ledger, 'tasks'>
  readonly store: Pick<BlobStore, 'reference' | 'find' | 'listed' | 'room'>
  leads(): boolean
  /** Peers from which a blob can be had now (`reachablePeers`). */
  reachable(): readonly PeerId[]
  readonly self: PeerId
  /** The coordinators that should plan a video, none of which has its source, the first before others (`bestPlanners`); empty where any may. */
  planners(video: Video): readonly PeerId[]
}

/** Time after which the inputs of a merge that lacked some are read again: they may be thousands. */
const INPUTS_AGAIN_MS = 2_000
/** Merges that lacked inputs and are remembered. */
const LACKING_MAX = 1_000

/** Whether this peer should take a task of this video, null where there is none. `now`: ledger time, ms. Rejects with `LedgerUnavailable` and errors of the disk. */
export type MayTakeControlTask = (task: Task, video: Video | null, now: number) => Promise<boolean>

/** Whether the ledger lets this peer claim it at all, as far as its kind says. */
function isClaimable({ kind }: Task, video: Video | null, leads: boolean): boolean {
  const { eligibility, claimedIn } = kindFacts(kind)
  if (eligibility === 'leader' && !leads) return false
  return !claimedIn || claimedIn.some((each) => each === video?.status)
}

/** Makes the decision for one look at some tasks. `count`: number of them. The returned function rejects with errors of the disk. */
export function createControlTaskOrder({
  ledger,
  store,
  leads,
  reachable,
  self,
  planners,
}: ControlTaskOrderOptions): (count: number) => Promise<MayTakeControlTask> {
  /** When, by ledger time, a merge lacked inputs. */
  const lacking = new Map<TaskId, number>()

  /** Whether the source fits on this disk; null where no attempt failed with `disk_full`, so that ledger and disk need not be asked. */
  async function fits({ video_id, failures }: Task, video: Video | null): Promise<boolean | null> {
    if (!failures.some(({ code }) => code === 'disk_full')) return null
    const source = video?.source
    if (!source) return false
    return (await store.find(source.sha256, video_id)) !== null || hasRoomFor(source.bytes, await store.room())
  }

  async function isToBeHad({ sha256, holders }: HeldBlob, { video_id }: Task, here: ListedBlobs): Promise<boolean> {
    const present = reachable()
    return holders.some((peer) => present.includes(peer)) || (await here.find(sha256, video_id)) !== null
  }

  /** Who should plan it, from the view of this peer; null where any coordinator may. */
  function plannerOf(video: Video | null, age_ms: number): IngestQuestion['planner'] {
    if (video === null || video.plan !== null || age_ms >= PLANNER_WAIT_MS) return null
    const [first] = planners(video)
    return first === undefined ? null : first === self ? 'self' : 'other'
  }

  /** Whether every output that a merge joins is there, at a peer that can be asked. */
  async function hasOutputs(task: Task, now: number): Promise<boolean> {
    if (now - (lacking.get(task._id) ?? Number.NEGATIVE_INFINITY) < INPUTS_AGAIN_MS) return false
    lacking.delete(task._id)
    const kinds = kindsWhere(({ countsAsEncode, createsTasks }) => countsAsEncode || createsTasks)
    for (const { status, output, outputs } of await ledger.tasks({ video: task.video_id, kinds })) {
      const blobs = [...(output ? [output] : []), ...outputs]
      const areThere = await Promise.all(blobs.map((blob) => isToBeHad(blob, task, store)))
      if (status === 'COMPLETED' && !areThere.includes(false)) continue
      if (lacking.size >= LACKING_MAX) lacking.clear()
      lacking.set(task._id, now)
      return false
    }
    return true
  }

  async function mayTake(task: Task, video: Video | null, now: number, here: ListedBlobs): Promise<boolean> {
    if (!isClaimable(task, video, leads())) return false
    const { eligibility, outputs } = kindFacts(task.kind)
    if (outputs === 'results') return await hasOutputs(task, now)
    if (eligibility !== 'source') return true
    const isHere = (await here.reference(task.video_id)) !== null
    const { created_at } = task
    const { take } = mayTakeIngest({
      now,
      created_at,
      hasSource: isHere,
      leads: leads(),
      fits: await fits(task, video),
      planner: plannerOf(video, now - created_at),
    })
    return take && (isHere || (video !== null && (await isToBeHad(video.source, task, here))))
  }

  return async (count) => {
    const here = count > FEW ? await store.listed() : store
    return (task, video, now) => mayTake(task, video, now, here)
  }
}
