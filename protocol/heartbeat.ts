/**
 * Heartbeats: what every peer says about itself, once a second or slower. Versioned JSON, decoded to accept,
 * ignore or reject. `ignore` is for what a newer or restarted peer may honestly send; `reject` for what no honest peer would. Unknown
 * values (a role, a rendition, a state) are skipped, so that old and new peers share a mesh while it is upgraded.
 */
import { z } from 'zod'
import { isPeerId, isTaskId, isVideoId, type PeerId, type TaskId, type VideoId } from './ids.ts'
import {
  ADDRESSES_PER_PEER,
  DECODERS_LISTED_MAX,
  GOSSIP_BYTES_MAX,
  HEARTBEAT_MS,
  HEARTBEAT_PEERS_PER_S,
  RUNNING_LISTED_MAX,
} from './limits.ts'
import { SHARED_FOLDERS_MAX, SHARED_PROBLEM_TEXT_MAX, SHARED_PROBLEMS_MAX } from './shared-folder.ts'

/**
 * What decoding a message of a peer answers: its content, or why it is ignored (honest, of no use here) or rejected (no honest
 * peer sends it).
 */
export type Decoded<T> =
  | { readonly verdict: 'accept'; readonly message: T }
  | { readonly verdict: 'ignore'; readonly why: string }
  | { readonly verdict: 'reject'; readonly why: string }

/** Every role of a peer. A `launcher` starts workers where its configuration names an engine, as any peer does; alone, it does nothing else. */
export const ROLES = ['worker', 'coordinator', 'launcher'] as const
/** One of `ROLES`. */
export type Role = (typeof ROLES)[number]
/** `unknown`: a state of a newer version; such a peer's slots are not counted. */
const STATES = [
  'working',
  'waiting',
  'idle',
  'paused',
  'draining',
  'leaving',
  'disk_full',
  'self_test_failed',
  'quarantined',
  'ledger_away',
  'unknown',
] as const

/** Largest number of characters of a string, and of an address. */
const [STRING_MAX, ADDRESS_MAX] = [64, 256]
const SPEED_MAX = 10_000
/** Largest worker-seconds, and number of encoders with a preset, of `speeds`. */
const [SECONDS_MAX, SPEEDS_MAX] = [1_000_000, 32]

const boundedString = z
  .string()
  .min(1)
  .max(STRING_MAX)
  .regex(/^[\x21-\x7e]+$/)
const videoId = z.custom<VideoId>((id) => typeof id === 'string' && isVideoId(id))
const count = z.number().int().min(0).max(1_000_000)

/** A list of strings, of which those that this version does not know are dropped. */
const knownOf = <T extends string>(known: readonly T[]) =>
  z
    .array(boundedString)
    .max(16)
    .transform((given) => given.filter((each): each is T => (known as readonly string[]).includes(each)))

const running = z.object({
  task: z.string().max(STRING_MAX),
  attempt: count,
  /** Share done, 0–1. */
  done: z.number().min(0).max(1),
  /** Source seconds encoded per second. */
  speed: z.number().min(0).max(SPEED_MAX),
  /** Whether it waits: for its input, or an ingest for the encoders. Absent: it works. */
  waits: z.boolean().optional(),
})

const heartbeatSchema = z.object({
  v: z.literal(1),
  /** Boot counter kept on disk, then a counter of this process: (epoch, seq) only ever rises. */
  epoch: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** Wall clock of the start, ms: a newer one says that the earlier process has ended. For people otherwise. */
  started_at: z.number().int().min(0),
  version: boundedString,
  roles: knownOf(ROLES),
  host: boundedString,
  name: z.string().max(STRING_MAX),
  ffmpeg: z.string().max(STRING_MAX),
  decoders: z.array(boundedString).max(DECODERS_LISTED_MAX),
  filters: z.array(boundedString).max(32),
  encoders: z.array(boundedString).max(16),
  /** Ids of the renditions that its owner lets it encode. */
  renditions: z.union([z.literal('all'), z.array(boundedString).max(64)]),
  /** Kinds of whole-video tasks that it runs in encode slots. */
  kinds: z.array(boundedString).max(32),
  slots: count,
  busy: count,
  /** One-minute load ÷ cores. */
  load: z.number().min(0).max(10_000),
  state: boundedString.transform((state) => STATES.find((known) => known === state) ?? 'unknown'),
  addresses: z.array(z.string().max(ADDRESS_MAX)).max(ADDRESSES_PER_PEER),
  /** Oldest first, so that one that hangs is among those listed. */
  running: z.array(running),
  /**
   * Worker-seconds that it takes for a source second of a rendition of cost 1 (`RenditionPlan.cost`), by encoder and preset (`speedKey`), as it has measured in
   * its own encodes. Absent before the first.
   */
  speeds: z
    .record(z.string().max(STRING_MAX), z.number().min(0).max(SECONDS_MAX))
    .refine((speeds) => Object.keys(speeds).length <= SPEEDS_MAX)
    .optional(),
  /** The shared folders that it sees; absent where it has none. */
  shared: z
    .array(z.object({ name: z.string().max(STRING_MAX), id: boundedString }))
    .max(SHARED_FOLDERS_MAX)
    .optional(),
  /** Shared folders, and sources in them, that it should see and does not; absent where there are none. */
  shared_problems: z
    .array(z.object({ video: videoId.nullable(), text: z.string().max(SHARED_PROBLEM_TEXT_MAX) }))
    .max(SHARED_PROBLEMS_MAX)
    .optional(),
  /** Where it serves pages and packages: `http://127.0.0.1:8080`. Absent where it does not. */
  http: z.string().max(ADDRESS_MAX).optional(),
  /** How many more attempts it runs than `running` lists; none of them counts as hanging. Absent where all are listed. */
  unlisted: count.optional(),
})

/** An attempt that a peer runs. */
export type RunningAttempt = {
  readonly task: TaskId
  readonly attempt: number
  /** Share done, 0–1. */
  readonly done: number
  /** Source seconds encoded per second. */
  readonly speed: number
  /** Whether it waits: for its input, or an ingest for the encoders. Absent: it works. */
  readonly waits?: boolean | undefined
}
/** What a peer says about itself. The schema above has each field's meaning, unit and bound. */
export type Heartbeat = Omit<z.infer<typeof heartbeatSchema>, 'running'> & {
  readonly running: readonly RunningAttempt[]
}

/** A heartbeat as JSON, cut to the bounds that other peers check: if they rejected it, this peer would count as failed and lose its
 * claims repeatedly. */
export const encodeHeartbeat = (beat: Heartbeat): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(withinBounds(beat)))

/**
 * A heartbeat of another peer; hostile bytes are rejected, never thrown on. Attempts beyond `RUNNING_LISTED_MAX`, and those at tasks of an
 * unknown form, are counted in `unlisted`.
 */
export function decodeHeartbeat(data: Uint8Array): Decoded<Heartbeat> {
  const decoded = decodeMessage(data, heartbeatSchema) as Decoded<Heartbeat>
  return decoded.verdict === 'accept' ? { ...decoded, message: truncateRunning(knownTasks(decoded.message)) } : decoded
}

/** Attempts at tasks whose ids have another form, of a newer version, are counted as unlisted: their peer still works. */
function knownTasks(beat: Heartbeat): Heartbeat {
  const running = beat.running.filter(({ task }) => isTaskId(task))
  const unknown = beat.running.length - running.length
  return unknown === 0 ? beat : { ...beat, running, unlisted: (beat.unlisted ?? 0) + unknown }
}

function withinBounds(beat: Heartbeat): Heartbeat {
  const cut = truncateRunning(beat)
  return {
    ...cut,
    name: cut.name.slice(0, STRING_MAX),
    ffmpeg: cut.ffmpeg.slice(0, STRING_MAX),
    decoders: cut.decoders.slice(0, DECODERS_LISTED_MAX),
    addresses: cut.addresses.filter((address) => address.length <= ADDRESS_MAX).slice(0, ADDRESSES_PER_PEER),
    ...(cut.speeds && { speeds: Object.fromEntries(Object.entries(cut.speeds).slice(-SPEEDS_MAX)) }),
    running: cut.running.map((each) => ({
      ...each,
      done: clamp(each.done, 1),
      speed: clamp(each.speed, SPEED_MAX),
    })),
  }
}

function truncateRunning(beat: Heartbeat): Heartbeat {
  const rest = beat.running.length - RUNNING_LISTED_MAX
  if (rest <= 0) return beat
  return { ...beat, running: beat.running.slice(0, RUNNING_LISTED_MAX), unlisted: (beat.unlisted ?? 0) + rest }
}

/** NaN, which JSON cannot say, becomes 0. */
const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, value || 0))

/** Decodes any gossip message by its schema: checks size, JSON, version and schema, in this order. Never throws. */
export function decodeMessage<S extends z.ZodType>(data: Uint8Array, schema: S): Decoded<z.infer<S>> {
  if (data.byteLength > GOSSIP_BYTES_MAX) return { verdict: 'reject', why: `${data.byteLength} bytes` }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    return { verdict: 'reject', why: 'not JSON' }
  }
  const version = (value as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version > 1) return { verdict: 'ignore', why: `version ${version}` }
  const parsed = schema.safeParse(value)
  if (!parsed.success) return { verdict: 'reject', why: parsed.error.issues[0]?.message ?? 'schema' }
  return { verdict: 'accept', message: parsed.data }
}

/** True when `(epoch, seq)` is newer than the last accepted one. Older ones are ignored, never rejected: reordering is normal. */
export function isNewer(
  beat: { epoch: number; seq: number },
  last: { epoch: number; seq: number } | undefined,
): boolean {
  return last === undefined || beat.epoch > last.epoch || (beat.epoch === last.epoch && beat.seq > last.seq)
}

const suspicionSchema = z.object({
  v: z.literal(1),
  peer: z.string().refine(isPeerId),
  /** The process that is suspected: a newer `epoch` refutes. */
  epoch: z.number().int().min(0),
  /** The first two are an observer's own connection and count as independent. */
  why: z.enum(['closed', 'alive', 'heartbeat']),
})
/** A peer's report that another one (of this `epoch`) may have failed, and why. */
export type Suspicion = {
  readonly v: 1
  readonly peer: PeerId
  readonly epoch: number
  readonly why: 'closed' | 'alive' | 'heartbeat'
}

/** A suspicion as the JSON that gossip carries. */
export const encodeSuspicion = (suspicion: Suspicion): Uint8Array => new TextEncoder().encode(JSON.stringify(suspicion))
/** A suspicion of another peer; hostile bytes are rejected, never thrown on. */
export const decodeSuspicion = (data: Uint8Array): Decoded<Suspicion> =>
  decodeMessage(data, suspicionSchema) as Decoded<Suspicion>

/**
 * Ms between a node's heartbeats in a mesh of so many peers: senders send by it and failure detectors wait by it. Slower in a large mesh,
 * where detection rests on alive streams: about 2 % of a core per node, whatever its size.
 */
export const heartbeatIntervalMs = (peers: number): number =>
  Math.max(HEARTBEAT_MS, Math.round((peers * HEARTBEAT_MS) / HEARTBEAT_PEERS_PER_S))
