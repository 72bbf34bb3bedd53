/** What the conformance suite stands on: the harness an adapter brings, and documents to fill a ledger with. */
import assert from 'node:assert/strict'
import type { Artifact } from '../../artifact.ts'
import { asPeerId, asToken, type PeerId, type Sha256, taskId, type VideoId } from '../../ids.ts'
import type { Ledger, LedgerOptions, ObservedClaim, Submission } from '../../ledger.ts'
import { NO_METADATA, type Plan } from '../../plan.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../../recipe.ts'
import { RENDITIONS_MAX } from '../../rendition.ts'
import type { NewTask, Task, TaskInput, TaskOutput, TaskStatus } from '../../task.ts'
import type { Video, VideoStatus } from '../../video.ts'

export interface LedgerHarness {
  /** A fresh, empty store and an opened ledger on it. */
  create(options: LedgerOptions): Promise<StoreUnderTest>
}

export interface StoreUnderTest {
  readonly ledger: Ledger
  /** Another opened handle to the same store, as another process would have. */
  second(): Promise<Ledger>
  /** A handle that dies (throws `Torn`) instead of making its write number `writes`, counted from 0, and all later ones. */
  torn(writes: number): Promise<Ledger>
  /** Time passes for the ledger; nothing waits. */
  advance(ms: number): Promise<void>
  destroy(): Promise<void>
}

/** What a torn handle throws. */
export class Torn extends Error {}

export const CLAIM_MS = 10_000_000
export const LEASE_MS = 3_000_000
export const TERM = 1

export const peer = (name: string): PeerId => asPeerId(`12D3KooW${name}`)
export const [ANN, BOB, CAT] = [peer('Ann'), peer('Bob'), peer('Cat')]
export const token = asToken
/** A hash for tests: any word, spelled in hex. */
export const sha = (word: string): Sha256 => Buffer.from(word).toString('hex').padEnd(64, '0').slice(0, 64) as Sha256

let videos = 0
export const freshVideoId = (): VideoId => (++videos).toString(16).padStart(16, '0') as VideoId

export function submission(change: Partial<Submission> = {}): Submission {
  return {
    _id: freshVideoId(),
    name: 'film',
    recipe: DEFAULT_RECIPE,
    priority: 0,
    deadline: null,
    source: { sha256: sha('source'), bytes: 1_000, holders: [ANN] },
    delivery: { peer: ANN, dir: '/out', name: 'film' },
    ...change,
  }
}

export const input = (word: string): TaskInput => ({
  sha256: sha(word),
  bytes: 10,
  holders: [ANN],
  start_pts: 0,
  end_pts: 250,
  time_base: '1/25',
})
export const output = (word: string): TaskOutput => ({
  sha256: sha(word),
  es_sha256: sha(`es ${word}`),
  bytes: 20,
  holders: [BOB],
})

export const artifact = (word: string): Artifact => ({
  path: '480p/{name}.mp4',
  media_type: 'video/mp4',
  ...output(word),
})

/** The class of a video's tasks in these tests: nobody else's. */
export const classOf = (video: VideoId, resolution = '480p'): string => `h264>${video}/${resolution}`

export function chunk(video: Video, chunkId: number, change: Partial<NewTask> = {}): NewTask {
  const resolution = change.resolution ?? '480p'
  return {
    _id: taskId(video._id, resolution, chunkId),
    kind: 'video',
    class: classOf(video._id, resolution),
    video_id: video._id,
    chunk_id: chunkId,
    resolution,
    start_pts: chunkId * 250,
    end_pts: chunkId * 250 + 250,
    time_base: '1/25',
    frames: 250,
    input: input(`chunk ${chunkId}`),
    priority: video.priority,
    due: video.due,
    rank: chunkId * RENDITIONS_MAX,
    ...change,
  }
}

/** A plan of so many chunks of 10 s; `note` makes it another one. */
export function plan(video: VideoId, { chunks = 2, note = '' }: { chunks?: number; note?: string } = {}): Plan {
  return {
    version: 3,
    video_id: video,
    time_base: [1, 25],
    start_pts: 0,
    end_pts: chunks * 250,
    frames: chunks * 250,
    genpts: false,
    counted_rate: null,
    cut_format: 'nut',
    run_in: 0,
    fps: [25, 1],
    variable_rate: false,
    track_timescale: 12_800,
    lead: 0,
    b_frames: 3,
    keyframe_s: 3,
    audio_kbps: 64,
    video: {
      stream: 0,
      codec: 'h264',
      profile: 'High',
      pixel_format: 'yuv420p',
      bit_depth: 8,
      width: 854,
      height: 480,
      sample_aspect: [1, 1],
      rotation: 0,
      mirrored: false,
      interlaced: false,
      top_field_first: false,
      hdr: false,
      color: { range: 'tv', primaries: 'bt709', transfer: 'bt709', space: 'bt709' },
    },
    audio: [],
    subtitles: [],
    chapters: 0,
    metadata: NO_METADATA,
    renditions: [
      {
        id: '480p',
        width: 854,
        height: 480,
        ...DEFAULT_ENCODING,
        class: classOf(video),
        signature: sha('signature'),
        cost: 0.41,
      },
    ],
    chunks: Array.from({ length: chunks }, (_, chunk_id) => ({
      chunk_id,
      start_pts: chunk_id * 250,
      end_pts: chunk_id * 250 + 250,
      frames: 250,
      cut: null,
    })),
    fates: note ? [{ part: 'source', fate: 'left_out', note }] : [],
  }
}

/** A video with everything done to it that brings it into this status. `planned: false` ends it before its plan. */
export async function videoIn(
  ledger: Ledger,
  status: VideoStatus,
  { planned = true, ...asked }: { planned?: boolean } & Partial<Submission> = {},
): Promise<Video> {
  const { video } = await ledger.submit(submission(asked))
  const id = video._id
  const at = (step: VideoStatus) => ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING', 'COMPLETED'].indexOf(step)
  const far = at(status) >= 0 ? at(status) : at(planned ? 'RUNNING' : 'QUEUED')
  if (far >= at('PLANNING')) await ledger.startPlanning(id)
  if (far >= at('RUNNING')) await ledger.commitPlan(plan(id), video.due)
  if (far >= at('MERGING')) await ledger.startMerging(id, TERM)
  if (far >= at('COMPLETED')) await ledger.completeVideo(id, [artifact('result')], TERM)
  if (status === 'FAILED') await ledger.failVideo(id, 'it cannot be encoded', TERM)
  if (status === 'CANCELLED') await ledger.cancel(id)
  return await theVideo(ledger, id)
}

export async function theVideo(ledger: Ledger, id: VideoId): Promise<Video> {
  const video = await ledger.video(id)
  assert.ok(video)
  assert.equal(video._id, id)
  return video
}

export async function theTask(ledger: Ledger, id: Task['_id']): Promise<Task> {
  const task = await ledger.task(id)
  assert.ok(task)
  return task
}

/** One PENDING task of a RUNNING video. */
export async function pendingTask(ledger: Ledger, change: Partial<NewTask> = {}): Promise<Task> {
  const video = await videoIn(ledger, 'RUNNING')
  const task = chunk(video, 0, change as Parameters<typeof chunk>[2])
  assert.deepEqual(await ledger.insertTasks([task]), { inserted: 1 })
  return await theTask(ledger, task._id)
}

/** The same, claimed by Ann with the token `ann`. */
export async function claimedTask(ledger: Ledger): Promise<Task> {
  const task = await pendingTask(ledger)
  return await claim(ledger, task, ANN)
}

export async function claim(ledger: Ledger, task: Task, worker: PeerId): Promise<Task> {
  const got = await ledger.claimTask({ worker, token: token(`of ${worker}`), task: task._id, from: 'free' })
  assert.equal(got.outcome, 'claimed')
  return await theTask(ledger, task._id)
}

/** A claim of Ann's and a backup attempt of Bob's. */
export async function doublyClaimedTask(ledger: Ledger): Promise<Task> {
  const task = await claimedTask(ledger)
  assert.equal(await ledger.wantBackup(task._id, { attempt: task.attempt, term: TERM }), 'changed')
  const got = await ledger.claimNext({ worker: BOB, token: token('backup'), classes: [task.class], from: 'backup' })
  assert.equal(got.outcome, 'claimed')
  return await theTask(ledger, task._id)
}

/** Brings a fresh task into this status; its newest attempt, if any, is Ann's. */
export async function taskIn(ledger: Ledger, status: TaskStatus): Promise<Task> {
  if (status === 'PENDING') return await pendingTask(ledger)
  const task = await claimedTask(ledger)
  const own = { task: task._id, attempt: task.attempt, worker: ANN }
  if (status === 'COMPLETED') await ledger.complete({ ...own, output: output('done') })
  if (status === 'FAILED') {
    await ledger.fail({ ...own, code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 0 })
    await ledger.failTask(task._id, { strikes: 1, term: TERM })
  }
  if (status === 'CANCELLED') await ledger.cancel(task.video_id)
  const made = await theTask(ledger, task._id)
  assert.equal(made.status, status)
  return made
}

/** Every claim of a task as a suspicion would have seen it. */
export const seenClaims = (task: Task): ObservedClaim[] =>
  task.claims.map(({ attempt, worker_id, token, expires_at }) => ({
    task: task._id,
    attempt,
    worker_id,
    token,
    expires_at,
  }))

/** Everything that a ledger answers about some videos (or all), for "nothing has changed". */
export async function everything(ledger: Ledger, video?: VideoId) {
  return {
    videos: (await ledger.videos()).filter(({ _id }) => video === undefined || _id === video),
    tasks: await ledger.tasks(video === undefined ? {} : { video }),
  }
}

export const own = (task: Task, worker = ANN) => ({ task: task._id, attempt: task.attempt, worker })

export const failure = {
  code: 'encode_failed',
  message: 'ffmpeg said no',
  log: sha('log'),
  strike: true,
  backoff_ms: 0,
} as const
