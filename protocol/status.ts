/**
 * The state of the mesh that a node shows, as schemas: the snapshot of `reelmesh status`, the HTTP API and the other interfaces. The types, the
 * OpenAPI document and docs/status.md are made from them. Fields are only ever added. Times are milliseconds since 1970, durations in
 * seconds where the name ends in `_s`.
 */
import { z } from 'zod'
import type { Sha256, TaskId, VideoId } from './ids.ts'
import type { KindName } from './kinds.ts'
import { shownRecipeSchema } from './recipe.ts'
import type { RenditionId } from './rendition.ts'
import { auditsSchema } from './status-audits.ts'
import { deadlineFields } from './status-deadline.ts'
import { abilityFields, plannedRenditionSchema } from './status-encodes.ts'
import { problemSchema } from './status-problems.ts'

export { type TaskRow, taskRowSchema } from './status-task.ts'

import { milliseconds, named, peerId, stillSchema, waitingSchema } from './status-waiting.ts'
import { TASK_STATUSES } from './task.ts'
import { VIDEO_STATUSES } from './video.ts'

const videoId = named<VideoId>('id of a video: 16 hex digits')

const runningSchema = z
  .object({
    task: named<TaskId>('`<video>/<rendition or kind>/<chunk>`'),
    attempt: z.number().describe('number of the attempt at this task, from 1'),
    done: z.number().describe('share done, 0–1'),
    speed: z.number().describe('source seconds encoded per second, of the ffmpeg that all renditions of a chunk share'),
    waits: z
      .boolean()
      .optional()
      .describe('true while it waits: for its input, or an ingest for the encoders; else absent'),
  })
  .meta({ id: 'RunningAttempt', description: 'An attempt that a peer runs, as of its last heartbeat.' })

/** One peer, as status and API show it. */
export const peerSchema = z
  .object({
    peer: peerId,
    self: z.boolean().describe('whether it is the answering one'),
    name: z.string().describe('what people call it (`--name`)'),
    roles: z.array(z.string()).readonly().describe('of `worker`, `coordinator`'),
    renditions: z
      .union([z.literal('all'), z.array(z.string()).readonly()])
      .describe('ids of the renditions that it encodes, or `all`'),
    slots: z.number().describe('encodes at once'),
    busy: z.number().describe('how many of them run'),
    state: z
      .string()
      .describe(
        '`working`, `waiting` (for inputs or other tasks), `idle`, `paused`, `draining`, `leaving`, `disk_full`, `self_test_failed`, `quarantined`, `ledger_away`; `unknown` for a state of a newer version',
      ),
    state_text: z.string().describe('the state for people: that of its last heartbeat, or how long it is silent'),
    speed: z.number().describe('source seconds encoded per second, over all its chunks'),
    load: z.number().describe('one-minute load ÷ cores'),
    heard_s: z.number().describe('seconds since its last heartbeat; 0 for itself'),
    version: z.string().describe('its version of Reelmesh'),
    ffmpeg: z.string().describe('the version of its ffmpeg'),
    ...abilityFields,
    host: z
      .string()
      .describe('its machine: `NAME-XXXXXXXX`, of which the last 8 digits are the same for all containers of it'),
    http: z
      .string()
      .nullable()
      .describe(
        'where it serves pages and packages, such as `http://127.0.0.1:8080`; null where it does not, and of other peers also where a token is needed',
      ),
    running: z
      .array(runningSchema)
      .readonly()
      .describe('its attempts; of another peer that runs more than 256, the oldest 256'),
    shared: z
      .array(
        z.object({
          name: z.string().describe('its name on that peer'),
          id: z.string().describe('its id: 32 hex digits'),
        }),
      )
      .readonly()
      .describe('shared folders that it sees'),
    paused: z.boolean().describe('whether it is paused in the ledger'),
    reason: z.string().nullable().describe('why it is paused, draining or quarantined'),
  })
  .meta({
    id: 'PeerStatus',
    description: 'One peer, from its last heartbeat (about a second old) and its record in the ledger.',
  })

/** One engine, as status and API show it. */
export const engineSchema = z
  .object({
    engine: z.string().describe('its name'),
    wanted: z
      .number()
      .describe(
        'how many workers the leader wants there; the peer that owns it runs fewer where its own `scale_max` is lower (event `fleet_capped`)',
      ),
    reason: z.string().nullable().describe('why so many'),
    peers: z.array(peerId).readonly().describe('peers that reach it'),
    text: z.string().describe('the same for people'),
  })
  .meta({ id: 'EngineStatus', description: 'An engine on which the mesh starts workers by itself.' })

const countSchema = z
  .object({
    kind: named<KindName>('kind of the tasks, such as `video` or `merge`'),
    resolution: named<RenditionId | KindName>('id of a rendition for `video` tasks, else the kind'),
    status: z.enum(TASK_STATUSES).describe('status of the tasks'),
    count: z.number().describe('how many there are'),
  })
  .meta({ id: 'TaskCount', description: 'How many tasks of one kind, rendition and status a video has.' })

const outputSchema = z
  .object({
    path: z.string().describe('below the folder of a delivery, with `{name}` for its name'),
    media_type: z.string().describe('such as `video/mp4`'),
    sha256: named<Sha256>('of its content: 64 hex digits'),
    bytes: z.number().describe('its size'),
    is_folder: z.literal(true).optional().describe('whether it is a folder there, with a file for each segment'),
  })
  .meta({ id: 'Output', description: 'A finished file of a video.' })

const deliverySchema = z
  .object({
    peer: peerId.describe('who puts the files there'),
    dir: z.string().describe("folder on that peer's machine; each file is below it, at its `path`"),
    name: z.string().describe('what stands for `{name}` in a path'),
    done_at: milliseconds('when it was done, by the clock of the ledger').nullable(),
    text: z
      .string()
      .nullable()
      .describe('a sentence for people where a COMPLETED video is not delivered yet, else null'),
  })
  .meta({ id: 'DeliveryStatus', description: 'Where a peer puts the files of a video.' })

const heldSchema = z
  .object({
    peers: z.array(peerId).readonly().describe('connected peers that have it'),
    hosts: z.number().describe('different machines among them'),
    may_leave: z.boolean().describe('whether any may go offline without loss: two have it, or everything is delivered'),
    text: z
      .string()
      .nullable()
      .describe('a sentence for people; null with fewer than two machines, and where nothing depends on it any more'),
  })
  .meta({
    id: 'Held',
    description: 'Who has, now, what the rest depends on: the source of an open video, the results of a COMPLETED one.',
  })

/** One video, as status and lists show it. */
export const videoRowSchema = z
  .object({
    id: videoId,
    name: z.string().describe("the source's file name without its ending"),
    status: z.enum(VIDEO_STATUSES).describe('where it stands'),
    created_at: milliseconds('when it was submitted, by the clock of the ledger'),
    priority: z.number().describe('higher goes first'),
    ...deadlineFields,
    done: z.number().describe('share of the encoding done, 0–1'),
    frames: z.number().describe('of the source; 0 until it is planned'),
    seconds: z.number().describe('of the source; 0 until it is planned'),
    fps: z
      .number()
      .nullable()
      .describe('source frames encoded per second over the last 20 s; null until known, and when it is not RUNNING'),
    speed: z.number().nullable().describe('source seconds encoded per second, likewise'),
    eta_s: z.number().nullable().describe('seconds left at that rate, or null'),
    tasks: z.array(countSchema).readonly().describe('counts of its tasks'),
    renditions: z
      .array(plannedRenditionSchema)
      .readonly()
      .describe(
        'what it is made into, smallest box first; in a snapshot only of a video that is RUNNING or MERGING, else empty',
      ),
    outputs: z.array(outputSchema).readonly().describe('the results, when it is COMPLETED'),
    deliveries: z.array(deliverySchema).readonly().describe('where they are wanted'),
    held: heldSchema,
    audits: auditsSchema,
    failure: z.string().nullable().describe('one sentence when FAILED, else null'),
    waiting: waitingSchema.nullable().describe('of its tasks that failed and wait, the one that failed most, or null'),
    still: stillSchema
      .nullable()
      .describe('why it has made no progress for 10 s (3 s where a peer is missing); null while it makes some'),
    notes: z.array(z.string()).readonly().describe('sentences: what could not come along, and the `problem`'),
    problem: z.string().nullable().describe('what stands in the way of a delivery, or null'),
  })
  .meta({ id: 'VideoRow', description: 'One video.' })

/** One video with the fields that a snapshot omits. */
export const videoDetailSchema = videoRowSchema
  .extend({
    recipe: shownRecipeSchema.describe('what is wanted'),
    source: z
      .object({
        sha256: named<Sha256>('of its content: 64 hex digits'),
        bytes: z.number().describe('its size'),
        holders: z.array(peerId).readonly().describe('peers believed to have it'),
      })
      .describe('the file that was submitted'),
    plan: z
      .object({ sha256: named<Sha256>('of its canonical form'), tasks: z.number().describe('how many encodes it has') })
      .nullable()
      .describe('null until it is planned'),
    due: milliseconds('its place among equal priorities: by it those with a deadline go before the others'),
    ended_at: milliseconds('when it became COMPLETED, FAILED or CANCELLED').nullable(),
  })
  .meta({ id: 'Video', description: 'One video, with its recipe, source and plan.' })

/** An event, as status and lists show it. */
export const eventSchema = z
  .object({
    n: z.number().describe('its number: 1, 2, 3, … in the ledger, the same on every node'),
    at: milliseconds('when, by the clock of the ledger'),
    what: z.string().describe('code of the event, below'),
    peer: peerId.nullable().describe('the peer that it concerns'),
    video: videoId.nullable().describe('the video that it concerns'),
    text: z.string().describe('the sentence for people'),
  })
  .meta({ id: 'Event', description: 'Something that happened in the mesh.' })

/** All that `reelmesh status --json` prints. Fields are added, never changed, within `v`. */
export const statusSchema = z
  .object({
    v: z.literal(1).describe('version of this form'),
    at: milliseconds('when it was put together, by the wall clock of the answering peer'),
    self: peerId.describe('id of the answering peer'),
    version: z.string().describe('its version of Reelmesh'),
    leader: z
      .object({
        peer: peerId,
        name: z.string().describe('empty when it was never heard'),
        term: z.number().describe('number of its term; each leader has a higher one'),
      })
      .nullable()
      .describe('the coordinator that leads; null when no peer holds the lease'),
    ledger: z
      .object({
        description: z.string().describe('what and where, without credentials'),
        away: z
          .string()
          .nullable()
          .describe('why it does not answer: `videos` and `events` are then empty and `leader` is null; else null'),
        since: milliseconds('since when it has not answered, by the wall clock of the answering peer').nullable(),
        text: z
          .string()
          .nullable()
          .describe('a sentence for people where it does not answer: since when, what goes on, and what would help'),
      })
      .describe('the ledger that this peer uses'),
    peers: z.array(peerSchema).readonly().describe('by name'),
    problems: z.array(problemSchema).readonly().describe('what is wrong with shared folders'),
    engines: z.array(engineSchema).readonly().describe('where the mesh starts workers by itself'),
    videos: z
      .array(videoRowSchema)
      .readonly()
      .describe(
        'newest last: up to 100 that are worked on, 100 that wait, 100 that are undelivered, and 50 that ended, the newest of each; `GET /v1/videos` lists all',
      ),
    unlisted: z
      .strictObject({
        working: z.int().nonnegative().describe('PLANNING, RUNNING or MERGING'),
        queued: z.int().nonnegative().describe('QUEUED'),
      })
      .describe('number of open videos beyond those in `videos`'),
    events: z.array(eventSchema).readonly().describe('the last 50, newest last'),
  })
  .meta({
    id: 'Status',
    description:
      'One object, put together by the peer that answers: from the ledger (truth) and from heartbeats (hints: progress, speed, load, about a second old). Those who ask within a second may get the same one; what was submitted, cancelled, paused or changed otherwise at this peer is in each answer after it.',
  })

/** One peer as `status` shows it. */
export type PeerStatus = z.infer<typeof peerSchema>
/** An engine as `status` shows it. */
export type EngineStatus = z.infer<typeof engineSchema>
/** Which peers hold the blobs that the rest of a video needs. */
export type Held = z.infer<typeof heldSchema>
/** One video as `status` shows it. */
export type VideoRow = z.infer<typeof videoRowSchema>
/** One video as the API shows it. */
export type VideoDetail = z.infer<typeof videoDetailSchema>
/** All that `status` shows. */
export type StatusSnapshot = z.infer<typeof statusSchema>
