/**
 * Task kinds as data: what the code asks of a kind stands in this table, and no other file compares kinds by name. A new kind
 * is one entry here and one runner (`protocol/runner.ts`).
 *
 * A ledger may hold tasks of a kind that this version does not know, written by a newer peer. `kindFacts` answers `UNKNOWN_KIND`
 * for it: never claimed here, never counted, never lost.
 */
import { isPartName } from './ids.ts'
import { INGESTS_WAITING } from './limits.ts'
import type { VideoStatus } from './video-status.ts'

/** The parts of a plan that give the number of tasks. */
type Planned = Readonly<Record<'chunks' | 'renditions' | 'audio', readonly unknown[]>>

/** The parts of a recipe on which the kinds of its tasks depend. */
type Asked = { readonly package?: { readonly only?: true | undefined } | undefined }

/** All that code asks of a task kind. `tasksOf` and the lists must not depend on anything but their input. */
export interface KindFacts {
  /** Slots that run it: the encode slots of a worker, or these control-task slots of a coordinator-role peer (numbers from 0). */
  readonly slots: 'encode' | readonly number[]
  /** How many attempts of it may wait for the encoders at one peer, outside its control-task slots; null where it never waits. */
  readonly waitingMax: number | null
  /** One task for each chunk and rendition, or one for the video. A task of the video has its kind as class and as `resolution`. */
  readonly scope: 'chunk' | 'video'
  /** Counts towards the tasks of the plan: the video is MERGING when all of them are COMPLETED. */
  readonly countsAsEncode: boolean
  /** How many of its tasks a video with this plan has, where they count. */
  tasksOf(plan: Planned): number
  /** Whether it inserts the tasks of the plan: they are all inserted once it is COMPLETED. */
  readonly createsTasks: boolean
  /** Whether its `output` is fetched by the leader, and handed over by a drained peer. */
  readonly outputCollected: boolean
  /** The kind of its `outputs`: none, parts that are listed while it runs, files for other tasks, or the results of the video. */
  readonly outputs: 'none' | 'parts' | 'intermediate' | 'results'
  /** The peers that may take it: those whose capability includes its class, coordinator-role peers with the source, or the leader. */
  readonly eligibility: 'capability' | 'source' | 'leader'
  /** The origin of its `due`: that of the video, which the plan sets, or the moment of the submit where that is earlier. */
  readonly dueFrom: 'plan' | 'submit'
  /** A video in one of these states must have a task of this kind; the sweep inserts a missing one. */
  readonly requiredIn: readonly VideoStatus[]
  /** Whether a video with this recipe needs it at all. */
  wantedBy(recipe: Asked): boolean
  /** The only states of the video in which it may be claimed; null where the task's own state decides. */
  readonly claimedIn: readonly VideoStatus[] | null
  /** A backup attempt is started for one that runs far longer than similar ones. */
  readonly backedUp: boolean
  /** A failure at it counts against the peer once another peer completes it. */
  readonly countsAgainstPeer: boolean
  /** Once it has failed for good, its video fails. */
  readonly failsVideo: boolean
  /** Its results may be audited: equal tasks of one class give equal streams, where `isComparable` holds of the class. */
  readonly audited: boolean
  /** It encodes again what another peer has encoded, only for the comparison. */
  readonly audits: boolean
}

/** A task that makes results of what is encoded. */
const MAKES_RESULTS = {
  slots: [0, 1],
  waitingMax: null,
  scope: 'video',
  countsAsEncode: false,
  tasksOf: () => 0,
  createsTasks: false,
  outputCollected: false,
  outputs: 'results',
  eligibility: 'leader',
  dueFrom: 'submit',
  requiredIn: ['MERGING'],
  wantedBy: () => true,
  claimedIn: ['MERGING'],
  backedUp: false,
  countsAgainstPeer: false,
  failsVideo: true,
  audited: false,
  audits: false,
} as const satisfies KindFacts

const TABLE = {
  video: {
    slots: 'encode',
    waitingMax: null,
    scope: 'chunk',
    countsAsEncode: true,
    tasksOf: ({ chunks, renditions }: Planned) => chunks.length * renditions.length,
    createsTasks: false,
    outputCollected: true,
    outputs: 'none',
    eligibility: 'capability',
    dueFrom: 'plan',
    requiredIn: [],
    wantedBy: () => true,
    claimedIn: null,
    backedUp: true,
    countsAgainstPeer: true,
    failsVideo: true,
    audited: true,
    audits: false,
  },
  audio: {
    slots: 'encode',
    waitingMax: null,
    scope: 'video',
    countsAsEncode: true,
    tasksOf: ({ audio }: Planned) => (audio.length > 0 ? 1 : 0),
    createsTasks: false,
    outputCollected: true,
    outputs: 'parts',
    eligibility: 'capability',
    dueFrom: 'submit',
    requiredIn: [],
    wantedBy: () => true,
    claimedIn: null,
    backedUp: false,
    countsAgainstPeer: true,
    failsVideo: true,
    audited: false,
    audits: false,
  },
  ingest: {
    slots: [1, 2],
    waitingMax: INGESTS_WAITING,
    scope: 'video',
    countsAsEncode: false,
    tasksOf: () => 0,
    createsTasks: true,
    outputCollected: false,
    outputs: 'intermediate',
    eligibility: 'source',
    dueFrom: 'submit',
    requiredIn: ['QUEUED', 'PLANNING'],
    wantedBy: () => true,
    claimedIn: null,
    backedUp: false,
    countsAgainstPeer: false,
    failsVideo: true,
    audited: false,
    audits: false,
  },
  merge: { ...MAKES_RESULTS, wantedBy: ({ package: asked }: Asked) => asked?.only !== true },
  package: { ...MAKES_RESULTS, wantedBy: ({ package: asked }: Asked) => asked !== undefined },
  audit: {
    slots: 'encode',
    waitingMax: null,
    scope: 'chunk',
    countsAsEncode: false,
    tasksOf: () => 0,
    createsTasks: false,
    outputCollected: false,
    outputs: 'none',
    eligibility: 'capability',
    dueFrom: 'plan',
    requiredIn: [],
    wantedBy: () => true,
    claimedIn: null,
    backedUp: true,
    countsAgainstPeer: true,
    failsVideo: false,
    audited: false,
    audits: true,
  },
} as const satisfies Readonly<Record<string, KindFacts>>

/** A kind of this version. */
export type TaskKind = keyof typeof TABLE
/** A kind as a ledger holds it: a newer peer may have written one that is not in the table. */
export type KindName = TaskKind | (string & {})

/** The facts of every kind that is not in the table: never claimed, never counted. */
export const UNKNOWN_KIND: KindFacts = {
  slots: 'encode',
  waitingMax: null,
  scope: 'video',
  countsAsEncode: false,
  tasksOf: () => 0,
  createsTasks: false,
  outputCollected: false,
  outputs: 'none',
  eligibility: 'capability',
  dueFrom: 'submit',
  requiredIn: [],
  wantedBy: () => false,
  claimedIn: [],
  backedUp: false,
  countsAgainstPeer: false,
  failsVideo: false,
  audited: false,
  audits: false,
}

const kinds = new Map<string, KindFacts>(Object.entries(TABLE))

/** The facts of a kind, or `UNKNOWN_KIND`. */
export const kindFacts = (kind: KindName): KindFacts => kinds.get(kind) ?? UNKNOWN_KIND

/** Kinds for which this holds, in the order of the table. */
export const kindsWhere = (holds: (facts: KindFacts) => boolean): KindName[] =>
  [...kinds].filter(([, facts]) => holds(facts)).map(([kind]) => kind)

/** The kinds of the tasks that make the results of a video with this recipe. */
export const resultKinds = (recipe: Asked): KindName[] =>
  kindsWhere(({ outputs, wantedBy }) => outputs === 'results' && wantedBy(recipe))

/** Whether this version knows the kind. */
export const isKind = (kind: string): boolean => kinds.has(kind)

/**
 * Adds a kind to the table of this process; the returned function removes it. Throws `TypeError` for a name
 * that is taken or is no rendition id (a task of the video carries its kind where others carry their rendition).
 */
export function addKind(kind: string, facts: KindFacts): () => void {
  if (kinds.has(kind) || !isPartName(kind)) throw new TypeError(`not a new task kind: ${kind}`)
  kinds.set(kind, facts)
  return () => void kinds.delete(kind)
}

/** Which kinds each control-task slot takes, by the number of the slot. */
export function controlSlots(): KindName[][] {
  const taken = [...kinds.values()].flatMap(({ slots }) => (slots === 'encode' ? [] : slots))
  const count = Math.max(0, ...taken.map((slot) => slot + 1))
  return Array.from({ length: count }, (_, slot) =>
    kindsWhere(({ slots }) => slots !== 'encode' && slots.includes(slot)),
  )
}
