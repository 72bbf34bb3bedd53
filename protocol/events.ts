/**
 * The catalogue of domain events: what happens in a mesh that people should know. One entry for each code: what it means, its level in
 * the log and the sentence for people; `EventFields` (event-fields.ts) says what each carries.
 *
 * An event is raised with `emit` (emitter.ts), which writes it to the log and appends it to the ledger. A reader may meet codes that it does
 * not know, of newer peers: the ledger keeps each event with its text, so that every reader can show it.
 */
import { lateText, spanText } from './deadline-text.ts'
import type { EventFields } from './event-fields.ts'
import type { LedgerEvent } from './ledger.ts'

/** The code of an event: `what` of a `LedgerEvent`. */
export type EventCode = keyof EventFields

/** An event to emit: its code and its fields. */
export type DomainEvent<Code extends EventCode = EventCode> = {
  readonly [Each in Code]: { readonly code: Each } & Readonly<EventFields[Each]>
}[Code]

/** How an event of one code is logged and described. */
export interface EventKind<Code extends EventCode> {
  readonly level: 'info' | 'warn' | 'error'
  /** Its description in docs/status.md, Markdown. */
  readonly meaning: string
  /** The sentence for people, without a full stop: subject first. Pure. */
  text(event: Readonly<EventFields[Code]>): string
}

const tasksText = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`)
const wereText = (count: number): string => (count === 1 ? 'was' : 'were')

/** Every event, in the order in which docs/status.md lists them. */
export const EVENTS: { readonly [Code in EventCode]: EventKind<Code> } = {
  leader: {
    level: 'info',
    meaning: 'a peer won the lease and leads, with its term',
    text: ({ name, term }) => `${name} leads, term ${term}`,
  },
  peer_lost: {
    level: 'warn',
    meaning: 'a peer failed, or its network did: its connection closed, or it stopped responding',
    text: ({ name, reason }) => `${name} is lost: ${reason}`,
  },
  reclaimed: {
    level: 'warn',
    meaning: 'the leader ended the claims of a peer that left or failed; its tasks are PENDING again',
    text: ({ name, tasks, reason }) => `${tasksText(tasks)} of ${name} ${wereText(tasks)} reclaimed: ${reason}`,
  },
  backup_wanted: {
    level: 'info',
    meaning: 'a running attempt is much slower than a new one would be: another worker starts a backup attempt',
    text: ({ task, reason }) => `task ${task} gets a backup attempt: ${reason}`,
  },
  backup_won: {
    level: 'info',
    meaning: 'a backup attempt completed its task first',
    text: ({ task, peer, slower }) => `task ${task} was completed by the backup attempt of ${peer} before ${slower}`,
  },
  blob_lost: {
    level: 'warn',
    meaning: 'no peer holds the bytes of a chunk or of a result any more; they are made again',
    text: ({ blob }) => `${blob} has no holder any more and is made again`,
  },
  results_differ: {
    level: 'error',
    meaning:
      'two attempts at a task completed with different streams: one of the two machines or ffmpeg builds computes wrongly',
    text: ({ task, peer, dropped, committed, committed_by }) =>
      `task ${task} has two different results: ${committed} of ${committed_by} is kept, ${dropped} of ${peer} is dropped`,
  },
  audit_differs: {
    level: 'warn',
    meaning:
      'an audit gave another stream than the result that it checked: results of further peers decide which is wrong',
    text: ({ task, peer, made, audited, audited_by }) =>
      `task ${task} has two different results: ${made} of ${peer}, and ${audited} of the audit by ${audited_by}`,
  },
  made_again: {
    level: 'warn',
    meaning:
      'what a peer with a wrong result has encoded since its last audit that agreed is encoded again, in all open videos',
    text: ({ name, tasks }) =>
      `${tasksText(tasks)} of ${name} ${wereText(tasks)} taken back, all since its last audit that agreed: others encode ${tasks === 1 ? 'it' : 'them'} again`,
  },
  audit_skipped: {
    level: 'warn',
    meaning: 'a chosen audit was not done, and why: the result is used without it',
    text: ({ task, reason }) => `the result of task ${task} is used without its audit: ${reason}`,
  },
  quarantined: {
    level: 'warn',
    meaning:
      'a peer failed three chunks in a row that other peers completed, or audits showed that a result of it is wrong (with the hashes of both streams): it gets no encodes for a while, or until `resume`',
    text: ({ name, reason }) => `${name} is ${reason}`,
  },
  merging: {
    level: 'info',
    meaning: 'every chunk of a video is encoded; its merge starts',
    text: ({ name }) => `${name} is being merged: every chunk is encoded`,
  },
  completed: {
    level: 'info',
    meaning: 'the results of a video are complete and verified',
    text: ({ name }) => `${name} is completed`,
  },
  failed: {
    level: 'warn',
    meaning: 'a video failed, and why',
    text: ({ failure }) => failure,
  },
  cancelled: {
    level: 'info',
    meaning: 'somebody cancelled a video',
    text: ({ name }) => `${name} was cancelled`,
  },
  playable: {
    level: 'info',
    meaning:
      'a video with a package can be played from its beginning while it is encoded; a short one may be completed without it',
    text: ({ name }) => `${name} can be played from its beginning`,
  },
  delivered: {
    level: 'info',
    meaning: 'the files of a video are in the folder where they were wanted',
    text: ({ name, dir }) => `${name} was delivered to ${dir}`,
  },
  delivery_failed: {
    level: 'warn',
    meaning: 'the files of a video cannot be written there, and why; emitted once for each reason, and tried again',
    text: ({ name, dir, reason }) => `${name} could not be written to ${dir}: ${reason}`,
  },
  note: {
    level: 'info',
    meaning:
      "what a merge had to leave out, or that no other machine took a replica of the results; also among the video's `notes`",
    text: ({ note }) => note,
  },
  still: {
    level: 'warn',
    meaning:
      'a video that is open or undelivered makes no progress, and why; also the `still` of its row. Raised by the leader, or by one peer where none leads',
    text: ({ name, reason }) => `${name} makes no progress: ${reason}`,
  },
  waits: {
    level: 'info',
    meaning:
      'the same for a usual reason: a queue, or a long step; one event for all videos that begin to wait in a queue at once',
    text: ({ name, more, reason }) =>
      more > 0
        ? `${name} and ${more} more make no progress: ${name} ${reason}`
        : `${name} makes no progress: ${reason}`,
  },
  moves: {
    level: 'info',
    meaning: 'a video makes progress again',
    text: ({ name, ms }) => `${name} makes progress again after ${Math.round(ms / 1000)} s`,
  },
  ledger_back: {
    level: 'warn',
    meaning: 'the ledger answers again after 10 s or more, in which no video could go on',
    text: ({ ms }) => `the ledger answers again: for ${Math.round(ms / 1000)} s nothing could be claimed or recorded`,
  },
  deadline_danger: {
    level: 'warn',
    meaning: 'a video will miss its deadline, at the speeds that are measured now',
    text: ({ name, late_ms, ...more }) => `${name}: ${lateText({ late_ms, ...more })}`,
  },
  deadline_missed: {
    level: 'warn',
    meaning: 'the deadline of a video has passed, and it is not done; it is encoded all the same',
    text: ({ name }) => `${name} has missed its deadline, and is encoded all the same`,
  },
  deadline_safe: {
    level: 'info',
    meaning: 'the deadline of a video that was in danger, or missed and was set later, will be held',
    text: ({ name, spare_ms }) => `${name} will hold its deadline, with ${spanText(spare_ms)} to spare`,
  },
  disk_full: {
    level: 'warn',
    meaning: "a peer's disk is too full: it claims no tasks",
    text: ({ name }) => `${name} claims no tasks: its disk is full`,
  },
  disk_has_room: {
    level: 'info',
    meaning: 'the disk has room again',
    text: ({ name }) => `${name} claims tasks again: its disk has room`,
  },
  self_test_failed: {
    level: 'warn',
    meaning: "a peer's ffmpeg fails its self-test: it claims no tasks",
    text: ({ name, reason }) => `${name} claims no tasks: its ffmpeg fails the self-test: ${reason}`,
  },
  self_test_passed: {
    level: 'info',
    meaning: 'the self-test succeeds again',
    text: ({ name }) => `${name} claims tasks again: its ffmpeg passes the self-test`,
  },
  scaled: {
    level: 'info',
    meaning: 'the leader wants more or fewer started workers, and why',
    text: ({ before, wanted, engines, reason }) =>
      before === wanted
        ? `workers ${wanted}, shared by ${engines} engines now: ${reason}`
        : `workers ${before} → ${wanted}: ${reason}`,
  },
  fleet_capped: {
    level: 'warn',
    meaning: 'the leader wants more workers on an engine than `scale_max` of its owner allows',
    text: ({ wanted, max }) =>
      `${wanted} workers are wanted here, ${max} may run: scale_max of this peer is lower than the leader's`,
  },
  worker_started: {
    level: 'info',
    meaning: 'a worker was started, and why',
    text: ({ worker, reason }) => `${worker} was started: ${reason}`,
  },
  worker_drained: {
    level: 'info',
    meaning: 'a started worker was drained and ended',
    text: ({ worker, reason }) => `${worker} was removed: ${reason}`,
  },
  worker_gone: {
    level: 'warn',
    meaning: 'a started worker was removed, and why: it ended by itself, or sent no heartbeats',
    text: ({ worker, reason }) => `${worker} was removed: ${reason}`,
  },
  worker_failed: {
    level: 'warn',
    meaning: 'a started worker ended at once or did not join the mesh; the next start waits',
    text: ({ worker, reason, life_s, wait_s }) =>
      `${worker} failed after ${life_s} s: ${reason}; the next start waits ${wait_s} s`,
  },
  engine_away: {
    level: 'warn',
    meaning: 'the engine that runs started workers does not answer',
    text: ({ reason }) => `${reason}; encoding continues`,
  },
  engine_back: {
    level: 'info',
    meaning: 'the engine answers, or can start workers, again',
    text: () => 'the engine can start and stop workers again',
  },
  launch_failed: {
    level: 'warn',
    meaning: 'the engine cannot start a worker, for example because it has no such image',
    text: ({ reason }) => `${reason}; encoding continues`,
  },
  engine_left: {
    level: 'warn',
    meaning: 'the owner of an engine that cannot run workers leaves its share to other engines, and tries again later',
    text: ({ engine }) =>
      `${engine === null ? 'the engine' : `engine ${engine}`} cannot run the workers that are wanted: other engines get its share, and it is tried again later`,
  },
}

/** The sentence for people of an event. */
export function eventText<Code extends EventCode>(event: DomainEvent<Code>): string {
  return EVENTS[event.code].text(event)
}

/** Whether an event read from the ledger is of this code. */
export const isEvent = (event: LedgerEvent, code: EventCode): boolean => event.what === code

/** The level of an event read from the ledger; `info` for a code of a newer peer. */
export const eventLevel = ({ what }: LedgerEvent): EventKind<EventCode>['level'] =>
  Object.hasOwn(EVENTS, what) ? EVENTS[what as EventCode].level : 'info'
