/**
 * Events that are two writes: on a video and on its tasks. Each write is atomic by itself and harmless when repeated; a
 * process that dies between them leaves a state that `sweep.ts` repairs. A repeated call after a lost reply also does
 * the second write, without waiting for the sweep.
 */
import { ReelmeshError } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import { taskId } from '../protocol/ids.ts'
import { kindsWhere } from '../protocol/kinds.ts'
import type { Submission } from '../protocol/ledger.ts'
import { FAILURE_MESSAGE_BYTES } from '../protocol/limits.ts'
import { dueFromSubmit, requiredTasks } from '../protocol/task.ts'
import { OPEN_STATUSES, type Video, type VideoStatus } from '../protocol/video.ts'
import { deliveryNames, newVideo, plainText } from './documents.ts'
import { saysUnfit } from './fail-unfit-videos.ts'
import type { Alignment, Steps } from './steps.ts'

const ENDED = ['FAILED', 'CANCELLED'] as const satisfies readonly VideoStatus[]
const isEnded = (status: VideoStatus): boolean => status === 'FAILED' || status === 'CANCELLED'

/** Writes the video or its delivery, then the tasks that its state requires. */
export async function submit(
  steps: Steps,
  submission: Submission,
): Promise<{ outcome: 'created' | 'joined' | 'retried'; video: Video }> {
  const { _id } = submission
  const insert = async () => await steps.insertVideo(newVideo(submission, await steps.now()))
  let created = await insert()
  if (!created && (await steps.video(_id)) === null) {
    await removeUnfit(steps, _id)
    created = await insert()
  }
  if (!created) await join(steps, submission)
  const before = await theVideo(steps, _id)
  const retried = !created && isEnded(before.status) && (await retry(steps, _id))
  const video = retried ? await theVideo(steps, _id) : before
  await insertRequired(steps, video)
  return { outcome: created ? 'created' : retried ? 'retried' : 'joined', video }
}

/** Removes a video whose document does not fit, with its work: nobody can go on with it. */
async function removeUnfit(steps: Steps, id: VideoId): Promise<void> {
  await steps.removeWork(id)
  await steps.removeUnfitVideo(id)
}

/** Inserts the tasks that the video's state requires (`requiredTasks`). */
async function insertRequired(steps: Steps, video: Video): Promise<void> {
  const tasks = requiredTasks(video)
  if (tasks.length > 0) await steps.insertTasks(tasks)
}

async function join(steps: Steps, { _id, source, delivery, webhooks = [] }: Submission): Promise<void> {
  const names = delivery ? deliveryNames(_id, delivery.name) : []
  const { holders, shared = null } = source
  const opened = delivery && { ...delivery, done_at: null }
  await steps.joinVideo(_id, { holders, shared, delivery: opened, names, webhooks })
}

async function theVideo(steps: Steps, id: VideoId): Promise<Video> {
  const video = await steps.video(id)
  if (!video) throw new ReelmeshError('unfit_document', `the ledger's document of video ${id} does not fit, or is gone`)
  return video
}

/** The second write after a video became RUNNING: inserts the tasks that this state requires. */
export async function startRunning(steps: Steps, id: VideoId): Promise<void> {
  if (kindsWhere(({ requiredIn }) => requiredIn.includes('RUNNING')).length === 0) return
  const video = await steps.video(id)
  if (video?.status === 'RUNNING') await insertRequired(steps, video)
}

export async function startMerging(steps: Steps, id: VideoId, term: number): Promise<boolean> {
  const held = await steps.moveVideo(id, { from: ['RUNNING'], to: 'MERGING', term })
  const video = await steps.video(id)
  if (video?.status === 'MERGING') await insertRequired(steps, video)
  return held
}

export async function reopenVideo(steps: Steps, id: VideoId, term: number): Promise<boolean> {
  const held = await steps.moveVideo(id, {
    from: ['COMPLETED'],
    to: 'MERGING',
    term,
    openDelivery: true,
    set: { outputs: [] },
  })
  const made = held ? kindsWhere(({ outputs }) => outputs === 'results') : []
  for (const kind of made) await steps.loseOutput(taskId(id, kind), { completed_attempt: null, term })
  return held
}

export async function failVideo(steps: Steps, id: VideoId, failure: string, term: number): Promise<boolean> {
  const set = { failure: plainText(failure, FAILURE_MESSAGE_BYTES) }
  return await endVideo(steps, id, () => steps.moveVideo(id, { from: OPEN_STATUSES, to: 'FAILED', term, set }))
}

export async function cancel(steps: Steps, id: VideoId): Promise<boolean> {
  return await endVideo(steps, id, () => steps.moveVideo(id, { from: OPEN_STATUSES, to: 'CANCELLED' }))
}

async function endVideo(steps: Steps, id: VideoId, end: () => Promise<boolean>): Promise<boolean> {
  const held = await end()
  const video = held ? null : await steps.video(id)
  if (held || (video && isEnded(video.status))) await steps.cancelTasks(id)
  return held
}

/** Makes a video QUEUED as if it were new: nothing of its plan or tasks is used again, as some of it does not fit. Its ingest reads the source again. */
async function planAnew(steps: Steps, video: Video): Promise<boolean> {
  await steps.removeWork(video._id)
  const set = { failure: null, plan: null, outputs: [] }
  const held = await steps.moveVideo(video._id, { from: ENDED, to: 'QUEUED', set })
  if (held) await insertRequired(steps, { ...video, status: 'QUEUED', plan: null })
  return held
}

/** Revives the tasks first, then the video, which needs them when it is open. Where only the first write happens, the sweep cancels them again. */
export async function retry(steps: Steps, id: VideoId): Promise<boolean> {
  const video = await steps.video(id)
  if (!video || !isEnded(video.status)) return false
  const { plan } = video
  if (saysUnfit(video) || (plan && (await steps.plan(id, plan.sha256)) === null)) return await planAnew(steps, video)
  await steps.reviveTasks(id, ENDED)
  const held = await steps.moveVideo(id, {
    from: ENDED,
    to: plan ? 'RUNNING' : 'QUEUED',
    plan: plan ? 'present' : 'absent',
    set: { failure: null },
  })
  if (held && !plan) await insertRequired(steps, { ...video, status: 'QUEUED' })
  return held
}

export async function setPriority(steps: Steps, id: VideoId, priority: number): Promise<boolean> {
  const held = await steps.moveVideo(id, { from: OPEN_STATUSES, to: 'same', set: { priority } })
  if (held) await steps.prioritizeTasks(id, priority)
  return held
}

/** Priority and due of the tasks of a video. */
export const alignmentOf = (video: Video): Alignment => ({
  video: video._id,
  priority: video.priority,
  due: video.due,
  dueOthers: dueFromSubmit(video),
  planned: kindsWhere(({ dueFrom }) => dueFrom === 'plan'),
})

/** The tasks follow the video as the sweep has them follow. */
export async function setDue(
  steps: Steps,
  id: VideoId,
  { due, term }: { due: number; term: number },
): Promise<boolean> {
  const held = await steps.moveVideo(id, { from: OPEN_STATUSES, to: 'same', term, set: { due } })
  const video = held ? await steps.video(id) : null
  if (video) await steps.alignTasks([alignmentOf(video)], term)
  return held
}
