/** What each event of the catalogue (events.ts) carries. */
import type { PeerId, TaskId, VideoId } from './ids.ts'

/**
 * What each event carries, by code. `peer` and `video` are the ones that it is about; the ledger stores them beside the text. Names are those
 * that people gave (`--name`, the file's name); a `reason` is a phrase or sentence without its full stop. Numbers are counts
 * unless their name ends in a unit.
 */
export interface EventFields {
  leader: { peer: PeerId; name: string; term: number }
  peer_lost: { peer: PeerId; name: string; reason: string }
  reclaimed: { peer: PeerId; name: string; tasks: number; reason: string }
  backup_wanted: { video: VideoId; task: TaskId; reason: string }
  /** `peer` completed the task by its backup attempt, before `slower` did. */
  backup_won: { peer: PeerId; video: VideoId; task: TaskId; slower: PeerId }
  /** `blob` describes it, such as `the output of task …`. */
  blob_lost: { video: VideoId; blob: string }
  /** `kept` and `dropped` are the sha256 of both streams, in hex. `peer` made the dropped one. */
  results_differ: {
    peer: PeerId
    video: VideoId
    task: TaskId
    dropped: string
    committed: string
    committed_by: PeerId
  }
  /** `audited` and `made` are the sha256 of both streams, in hex: what the audit of `audited_by` gave, and what `peer` had made. */
  audit_differs: { peer: PeerId; video: VideoId; task: TaskId; made: string; audited: string; audited_by: PeerId }
  /** `tasks`: how many results of the peer are made again. */
  made_again: { peer: PeerId; name: string; tasks: number }
  /** `reason`: why a chosen audit was not done. */
  audit_skipped: { video: VideoId; task: TaskId; reason: string }
  /** `ms`: how long; `quarantines`: how many in a row, without a completed task in between. */
  quarantined: { peer: PeerId; name: string; ms: number; quarantines: number; reason: string }
  merging: { peer: PeerId; video: VideoId; name: string }
  completed: { peer: PeerId; video: VideoId; name: string }
  /** `failure` is the whole sentence, as in the video's `failure`. */
  failed: { peer: PeerId; video: VideoId; failure: string }
  /** `peer`: the one that was asked; null where none was. */
  cancelled: { peer: PeerId | null; video: VideoId; name: string }
  playable: { video: VideoId; name: string }
  delivered: { peer: PeerId; video: VideoId; name: string; dir: string }
  delivery_failed: { peer: PeerId; video: VideoId; name: string; dir: string; reason: string }
  /** `note` is the whole sentence. */
  note: { peer: PeerId; video: VideoId; note: string }
  /** `reason` is the sentence of the video's `still`. */
  still: { video: VideoId; name: string; reason: string }
  /** The same where the reason is usual. `more`: how many other videos wait likewise since this moment. */
  waits: { video: VideoId; name: string; more: number; reason: string }
  /** `ms`: how long it stood still. */
  moves: { video: VideoId; name: string; ms: number }
  /** `ms`: how long the ledger did not answer this peer. */
  ledger_back: { peer: PeerId; ms: number }
  /** `late_ms`: how much later than its deadline it will be done, null where no peer can encode it; `more`, `like`: as in `Forecasts`. */
  deadline_danger: { video: VideoId; name: string; late_ms: number | null; more: number | null; like: string | null }
  deadline_missed: { video: VideoId; name: string }
  /** `spare_ms`: how much earlier than its deadline it will be done. */
  deadline_safe: { video: VideoId; name: string; spare_ms: number }
  disk_full: { peer: PeerId; name: string }
  disk_has_room: { peer: PeerId; name: string }
  self_test_failed: { peer: PeerId; name: string; reason: string }
  self_test_passed: { peer: PeerId; name: string }
  /** Workers wanted on all engines, before and now. */
  scaled: { peer: PeerId; before: number; wanted: number; engines: number; reason: string }
  fleet_capped: { peer: PeerId; wanted: number; max: number }
  worker_started: { peer: PeerId; worker: string; reason: string }
  worker_drained: { peer: PeerId; worker: string; reason: string }
  worker_gone: { peer: PeerId; worker: string; reason: string }
  worker_failed: { peer: PeerId; worker: string; reason: string; life_s: number; wait_s: number }
  engine_away: { peer: PeerId; reason: string }
  engine_back: { peer: PeerId }
  launch_failed: { peer: PeerId; reason: string }
  /** `engine` is the engine's id; null where it never answered. */
  engine_left: { peer: PeerId; engine: string | null }
}
