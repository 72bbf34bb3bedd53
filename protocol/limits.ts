/**
 * The bounds and defaults that peers, or several rooms, must agree on, and those that an operator may meet; each with unit, reason
 * and source. A number that only one file uses stays in that file, as a named constant with its reason. Where a test needs to be
 * quick, the contract takes the number as an option (such as `LedgerOptions.claimMs`), whose default is here.
 */

// ── Claims and the ledger ──────────────────────────────────────────────────────────────────────────────────────────
/** How long a claim lasts: slightly more than twice the 21 s that a frozen primary stalls a default MongoDB replica set. */
export const CLAIM_MS = 45_000
/** Interval of claim renewals: four within `CLAIM_MS`. */
export const RENEW_MS = 10_000
/** Ledger-outage grace: after an outage a node claims no expired tasks for this long, so that their owners renew first. */
export const EXPIRED_GRACE_MS = 2 * RENEW_MS
/** How long the leader's lease lasts: another peer leads within 6 s of a kill. */
export const LEASE_MS = 5_000
/** Interval of lease renewals: three within `LEASE_MS`. */
export const LEASE_RENEW_MS = 1_500
/** Interval at which idle workers ask for tasks (× 0.5–1.5, random): a lost hint costs only this. */
export const IDLE_POLL_MS = 1_500
/** Number of PENDING tasks that a worker reads to guess its next one: the window of a small mesh (`WINDOW_CHUNKS`), three renditions each. */
export const PREFETCH_TASKS = 96
/** Delays of peers after a hint are spread over this at most, so that 64 idle ones do not claim in one millisecond; `each`: by so much for each of the others. */
export const HINT_JITTER_MS = { most: 250, each: 20 } as const
/** Time between two looks at the ledger that a flood of hints causes: it costs four short reads a second. */
export const NOTIFIED_GAP_MS = 250
/** Looks without such a gap, after a time without hints: more than the steps of the end of a film, from its last encode to its delivery. */
export const NOTIFIED_AT_ONCE = 8
/** How long a worker with a result retries while the ledger is unavailable: an encode is worth more than a wait. */
export const LEDGER_RETRY_DEADLINE_MS = 15 * 60_000
/** Difference from which `doctor` reports a machine's clock as wrong: NTP keeps machines within 0.1 s, a busy database answers within 1 s. */
export const CLOCK_APART_MS = 2_000
/** First and largest wait between the retries of `LEDGER_RETRY_DEADLINE_MS`: a short restart is noticed soon, a long one costs few calls. */
export const LEDGER_RETRY_BACKOFF_MS = { base: 100, max: 5_000 } as const
/** How long one ledger call retries transient errors before it rejects with `LedgerUnavailable`: a failover takes 11 to 14 s. */
export const LEDGER_CALL_RETRY_MS = 20_000
/** Wait before the next attempt at a failed task: `base · 2^strikes`, at most `max`; none after the first strike. */
export const TASK_BACKOFF_MS = { base: 500, max: 60_000 } as const
/** Twice the time by which any write sets a time ahead, ms. A time further ahead was written before the ledger's clock was set back; the sweep clamps it. */
export const maxAheadMs = (claimMs: number): number => 2 * Math.max(claimMs, TASK_BACKOFF_MS.max)
/** Failures that a task's document holds, the newest, so that it stays small. */
export const FAILURES_MAX = 5
/** Strikes that a task's document holds, the newest: enough for `STRIKES_EACH` from each of many peers. */
export const STRIKES_MAX = 24
/** Bytes of a failure's message that the ledger stores, the end of ffmpeg's stderr; a longer log is a blob. */
export const FAILURE_MESSAGE_BYTES = 2_000
/** Bytes of an ffmpeg log that are stored as a blob: its end, where the cause is. */
export const LOG_BYTES_MAX = 64 * 1024
/** Wait of a worker that failed before it claims again, doubled each time: a broken machine then fails few tasks. */
export const OWN_FAILURE_MS = { base: 1_000, max: 60_000 } as const
/** Tasks in a row that a peer failed and others completed until it is quarantined: two may be chance. */
export const QUARANTINE_AFTER_FAILURES = 3
/** How long a quarantine lasts, doubled with each one in a row without a completed task in between. */
export const QUARANTINE_MS = { base: 60_000, max: 3_600_000 } as const
/** Number of the newest COMPLETED tasks from which quarantine is decided: reading them took 3 ms in MongoDB and SQLite. */
export const OUTCOMES_READ = 500
/** Interval at which the leader decides about quarantine: shorter than most attempts. */
export const QUARANTINE_CHECK_MS = 2_000
/** A completed task may become visible so much later than its time, ms: MongoDB answers what a majority has. */
export const COMPLETED_LATE_MS = 1_000
/** Number of different peers whose strikes of one code make a task FAILED. */
export const STRIKE_PEERS = 3
/** Number of strikes from each peer that make a task FAILED where fewer than `STRIKE_PEERS` are eligible. */
export const STRIKES_EACH = 2
/** Number of workers that died on a task until it is FAILED: more than `STRIKES_EACH`, as the machine may be the cause. */
export const STRIKES_PEER_DIED = 6
/** Share of results that another peer encodes once more, 0–1, where two peers could: see `audit` in the configuration. */
export const AUDIT_SHARE = 0.02
/** Number of a new peer's results that are audited whatever the share, and of agreed audits until it is no longer new. */
export const AUDITED_FIRST = 3
/** Number of audits of one result until different results count as unsettled. */
export const AUDITS_EACH = 3
/** Time after the last encode of a video that its audits wait for idle slots; then they have its priority. */
export const AUDIT_IDLE_MS = 10_000
/** Time after the last encode of a video that it waits for its audits: several attempts at a chunk on a slow machine. */
export const AUDIT_WAIT_MAX_MS = 5 * 60_000
/** Length of the quarantine of a peer whose result was wrong: its machine or program needs a person. */
export const AUDIT_QUARANTINE_MS = 3_600_000
/** Priority, a number as that of videos, of tasks that only idle slots run: below all that people may give. The sweep leaves it. */
export const IDLE_PRIORITY = -(2 ** 31)
/** Tasks inserted in one transaction: 6,000 in SQLite blocked the event loop for 247 ms. */
export const INSERT_BATCH = 300
/** Largest plan, bytes. It is one document, and MongoDB's limit is 16 MB. */
export const PLAN_BYTES_MAX = 8_000_000
/** Present peers that a claim names, so that the ledger gives out only tasks whose input one of them holds. */
export const PRESENT_ASKED_MAX = 1_000
/** Time without a present holder after which an input is cut again, where a present peer has the source: a connection that broke is there again by then. */
export const INPUT_LOST_AFTER_MS = 5_000
/** Holders that a document names of each blob, the newest: a fetch asks other peers too. */
export const HOLDERS_MAX = 4
/** Peers that the record of an engine names, the newest: one owns the engine, the others are its successors. */
export const ENGINE_PEERS_MAX = 16
/** Events that the ledger holds, the newest: by number, and in MongoDB by bytes too. */
export const EVENTS_MAX = { bytes: 16 * 1024 * 1024, count: 20_000 } as const
/** Bytes of an event's text, or of another sentence in the ledger: 20,000 events of it fit into the 16 MiB of `EVENTS_MAX`. */
export const EVENT_TEXT_BYTES = 600
/** Time without a holder after which a blob is lost and made again: a restart of a peer takes less. */
export const LOST_AFTER_MS = 30_000
/** Time without a holder after which a source is lost and its video FAILED: a reboot of its machine takes less. */
export const SOURCE_LOST_AFTER_MS = 15 * 60_000
/** Time without a report after which a missing blob is no longer watched: a worker needs 80 s to get no answer from 4 holders. */
export const LOSS_WATCH_MS = 2 * 60_000
/** Number of machines that hold a result before its video is COMPLETED, and a source once encoding runs: the loss of one loses nothing. */
export const REPLICAS = 2
/** Time that a peer has to make a replica before another one is asked. */
export const REPLICA_REQUEST_MS = 30_000
/** Time without a replica after which a video is COMPLETED all the same, with a note: its results must not wait for a second machine for ever. */
export const REPLICA_WAIT_MAX_MS = 5 * 60_000
/** Age from which the leader claims an ingest task that no holder of the source has claimed: several polls (`IDLE_POLL_MS`). */
export const INGEST_TAKEOVER_MS = 10_000
/** Age from which an ingest task is claimed by a coordinator whose plan would name another encoder than the workers call for: the one that should did not. */
export const PLANNER_WAIT_MS = 30_000
/** Time without a fetch after which a partly fetched blob is removed: as long as the holder of a source may be unavailable. */
export const PARTIAL_RETENTION_MS = SOURCE_LOST_AFTER_MS
/** How long blobs of a FAILED or CANCELLED video stay for a retry: people look within a day. */
export const FAILED_RETENTION_MS = 24 * 3_600_000
/** How long blobs of a submit that the ledger has not confirmed are retained: people submit again. */
export const PENDING_SUBMIT_MS = 60_000
/** Videos that one read of the ledger names. */
export const VIDEOS_ASKED_AT_ONCE = 64
/** Interval of the sweep, while no more than 1,000 videos are open: it repairs what a crash between two writes left, which is rare. */
export const SWEEP_MS = 30_000
/** Interval at which duties read the ledger without a hint: a lost hint costs only this. */
export const DUTY_MS = 500
/** Time without a hint, and for duties without a running task, after which the ledger is read less often, so that a node without work costs little. */
export const QUIET_AFTER_MS = 10_000
/** Interval of duties then. */
export const QUIET_DUTY_MS = 3_000

// ── The mesh ───────────────────────────────────────────────────────────────────────────────────────────────────────
/** Shortest interval of heartbeats; N peers send every max(1 s, N ÷ 8 s), which takes about 2 % of a core per node. */
export const HEARTBEAT_MS = 1_000
/** Heartbeats that a peer handles each second, whatever the size of the mesh: see `heartbeatIntervalMs`. */
export const HEARTBEAT_PEERS_PER_S = 8
/** Silence of an alive stream after which the connection counts as lost: two missed writes (`ALIVE_MS`) and a delay. */
export const SILENCE_MS = 2_500
/** Interval of writes to each alive stream: two fall within `SILENCE_MS`. */
export const ALIVE_MS = 1_000
/** Time within which a suspected peer that runs is heard: gossip both ways in a mesh of 1,000, and its own delay of 50–150 ms. */
export const REFUTE_MS = 400
/** Time that a peer has to be heard again where too few others lost it: TCP retransmits after 0.2, 0.6 and 1.4 s. */
export const UNCONFIRMED_MS = 2_000
/** Time within which all observers notice a death: alive streams are written once a second. */
export const TOGETHER_MS = 1_000
/** Length of an event-loop stall that suspends this node's failure detection: well below `SILENCE_MS`, before others seem silent. */
export const STALL_MS = 750
/** How long failure detection stays suspended after a stall: messages that wait in queues are read first. */
export const STALL_GRACE_MS = 5_000
/** Time without a heartbeat after which a peer is not present, or `PRESENT_BEATS` intervals where that is longer. */
export const PRESENT_MS = 10_000
/** Number of heartbeat intervals after which a silent peer is not present, see `PRESENT_MS`. */
export const PRESENT_BEATS = 3
/** How long `status` goes on to show a peer that left, and one that fell silent: one that failed at night is still shown in the morning. */
export const SHOWN_MS = { left: 60_000, silent: 24 * 3_600_000 } as const
/** Number of videos in a status snapshot, the newest of each state; `known`: videos whose plans a node keeps in memory for it. */
export const SHOWN_VIDEOS = { working: 100, queued: 100, undelivered: 100, ended: 50, known: 2_000 } as const
/** Largest file of text subtitles that is submitted with a source. */
export const SUBTITLE_BYTES_MAX = 8 * 1024 * 1024
/** Most files of subtitles of one source. */
export const SUBTITLE_FILES_MAX = 32
/** Largest gossip message: see `RUNNING_LISTED_MAX` for the largest heartbeat. */
export const GOSSIP_BYTES_MAX = 64 * 1024
/**
 * Gossip messages that a node takes, a second and at once after a pause: over one connection; of one author (in simulated meshes a peer of two
 * slots sends at most 14 in a second and 74 in ten); of those that are no members, over one connection and all together. `strangersPerMinute`: of
 * how many such authors over one connection; `invalidCost`: how many messages one with a wrong signature or content counts as.
 */
export const GOSSIP_RATES = {
  connection: { perS: 512, burst: 4_096 },
  author: { perS: 32, burst: 512 },
  stranger: { perS: 8, burst: 64 },
  strangers: { perS: 32, burst: 256 },
  strangersPerMinute: 64,
  invalidCost: 64,
} as const
/** Connections that a node keeps; a mesh of up to so many nodes is fully connected. */
export const CONNECTIONS_MAX = 32
/** Addresses stored of each peer, and named in its heartbeats. */
export const ADDRESSES_PER_PEER = 8
/** Decoders that a heartbeat lists, the tested ones first: ffmpeg 9 has about 270. */
export const DECODERS_LISTED_MAX = 320
/** Attempts that a heartbeat lists: three renditions in 85 slots. With the longest strings beside them it has 59 KiB, below `GOSSIP_BYTES_MAX`. */
export const RUNNING_LISTED_MAX = 256
/** Peers whose addresses and last heartbeats a node stores: more than a mesh is expected to have (1,000). */
export const PEERS_REMEMBERED = 1_024
/** How long a membership in the ledger lasts: a peer whose ledger was away for hours is still a member. */
export const MEMBER_MS = 12 * 3_600_000
/** Interval at which a peer renews its membership, and reads who else is a member: a write and a short list an hour cost nothing. */
export const MEMBER_RENEW_MS = 10 * 60_000
/** Members that are read: those that were renewed last. More than `PEERS_REMEMBERED`, as started workers have a new identity each. */
export const MEMBERS_MAX = 4_096
/** First and largest wait between two dials of a lost peer, which never end. */
export const REDIAL_MS = { base: 250, max: 10_000 } as const
/** Time after which an attempt to connect has failed. */
export const DIAL_TIMEOUT_MS = 5_000
/** Inbound streams of one protocol that one peer may hold open at once. */
export const STREAMS_PER_PEER = 32
/** Window of a yamux stream, below its read buffer of 4 MiB, so that a slow reader stops the writer. */
export const STREAM_WINDOW_BYTES = 1024 * 1024
/** Largest header of a blob or status exchange: a JSON line of a few hundred bytes in practice. */
export const HEADER_BYTES_MAX = 16 * 1024
/** Time without bytes after which a stream is broken. */
export const STREAM_SILENCE_MS = 15_000
/** Largest blob that is fetched, 1 TiB. */
export const BLOB_BYTES_MAX = 2 ** 40
/** Largest body of a request to the HTTP API, bytes: a submit has a few hundred, more with many files of subtitles. */
export const API_BODY_BYTES_MAX = 1024 * 1024
/** Largest status snapshot that is read from another peer; beyond it the peer is faulty or hostile. */
export const STATUS_BYTES_MAX = 8 * 1024 * 1024
/** Blobs that a node fetches, or verifies, at once: more share one network and disk. */
export const BLOB_FETCHES_AT_ONCE = 4

// ── Media ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Length of chunks, s: 2 s cost 16 % more CPU and 6 s none; with 8 s a killed worker loses little. */
export const CHUNK_S = { min: 6, max: 8 } as const
/** Number of the last chunks of a film, beside which slots would be idle. A film of no more is short. */
export const CHUNKS_OF_SHORT = 4
/** A GOP longer than this, s, is cut into chunks of at least max(8 s, GOP ÷ 4): each chunk is decoded from the keyframe on. */
export const LONG_GOP_S = 10
/** Keyframe interval of results, s: 2 s costs 8 % of the bytes. */
export const KEYFRAME_S = 3
/** Number of chunks cut ahead of the encoders: max(`min`, `perSlot` × the slots of the mesh), so that none waits for a cut. */
export const WINDOW_CHUNKS = { min: 32, perSlot: 4 } as const
/** Chunks of `WINDOW_CHUNKS` that each ingest of a peer gets at least. They share it, so that many videos take no more disk than one. */
export const WINDOW_SHARE_MIN = 8
/** Number of ingests of one priority that may wait for the encoders at one peer: each holds cut chunks and a claim. */
export const INGESTS_WAITING = 16
/** Largest side of a picture, pixels: encoders refuse larger ones. */
export const PICTURE_SIDE_MAX = 16_384
/** Time without progress after which ffmpeg is stopped. */
export const FFMPEG_STALL_MS = 120_000
/** Longest trial run or probe of a source. */
export const PROBE_TIMEOUT_MS = 60_000
/** Address space of one ffmpeg: a hostile file must not fill the machine's memory. */
export const FFMPEG_MEMORY_BYTES = 8 * 2 ** 30
/** Characters of stderr of one ffmpeg: a damaged source of hours brings a few MB. */
export const FFMPEG_STDERR_MAX = 64 * 2 ** 20
/** Niceness of ffmpeg: the node stays responsive, and encodes lose no throughput. */
export const FFMPEG_NICE = 10
/** Free space that a disk must keep: the share of its size, at most `capBytes`. A node with less claims nothing. */
export const FREE_DISK = { share: 0.05, capBytes: 2 * 2 ** 30 } as const
/** Interval at which a watched folder is read; polling also sees changes that network and container mounts do not notify. */
export const INPUT_SCAN_MS = 2_000
/** Time without a change of size and mtime after which a file is submitted: copies in progress pause. */
export const INPUT_SETTLED_MS = 4_000
/** Time without a change after which an unusable file is rejected: a copy over a network pauses for many seconds. */
export const INPUT_REFUSED_MS = 30_000
/** Files of a watched folder that a node remembers; beyond this number those that were removed are forgotten. */
export const INPUT_FILES_MAX = 100_000
/** Interval at which the node reads whether videos of the input folder failed: a rejection is not urgent. */
export const INPUT_OUTCOME_MS = 10_000
/** How long a graceful stop waits for running attempts before it releases them: not at all, as another peer takes over at once. */
export const DRAIN_TIMEOUT_MS = 0

// ── The fleet ──────────────────────────────────────────────────────────────────────────────────────────────────────
/** Worker-seconds of one unit of cost before any measurement: a core of 2020 encodes a megapixel at 30 fps by x264 medium at 1.1 × real time. */
export const ASSUMED_S = 0.88
/** Interval at which the leader decides how many workers are wanted: a started worker takes longer to join. */
export const SCALE_MS = 5_000
/** First and largest wait before a failed delivery is tried again: a full disk is not filled and emptied all the time. */
export const DELIVERY_BACKOFF_MS = { base: 1_500, max: 20_000 } as const
/** Interval at which the owner of an engine compares its workers with the wanted number. */
export const RECONCILE_MS = 2_000
/** Defaults of scaling: workers at least and at most, s to finish the open videos in, and s that a lower need must last. */
export const SCALE = { min: 0, max: 4, targetS: 600, cooldownS: 300 } as const
/** CPU cores and MiB of memory of a started worker: one encode of the default ladder at preset medium needs less. */
export const WORKER_LIMITS = { cpus: 1, memoryMb: 2_048 } as const
/** Time after which a started worker that has not joined the mesh is replaced; the self-test of ffmpeg takes most of it. */
export const WORKER_JOIN_MS = 120_000
/** Silence after which a started worker is replaced; its claims were reclaimed long before. */
export const WORKER_VANISHED_MS = 30_000
/** Run time below which an ended worker counts as failed, so that the next start waits `WORKER_RESTART_MS`. */
export const WORKER_HEALTHY_MS = 30_000
/** Wait before the next start after failed ones: `base · 2^failures`, at most `max`, so that a broken image is not started in a loop. */
export const WORKER_RESTART_MS = { base: 2_000, max: 120_000 } as const
/** Time without success after which the owner of an engine goes on standby, where other engines can run its workers. */
export const ENGINE_TROUBLE_MS = 30_000
/** Length of a standby: `base · 2^times`, at most `max`. */
export const ENGINE_STANDBY_MS = { base: 60_000, max: 30 * 60_000 } as const
/** Longest time that a drained peer stays for others to fetch blobs that only it holds. */
export const HANDOVER_MS = 120_000

/** Largest manifest that is rewritten before it is served: a playlist of a day has some 14,000 segments of 100 bytes. */
export const MANIFEST_BYTES_MAX = 8 * 1024 * 1024
/**
 * Requests over TCP that a node takes from one address, a second and at once after a pause: a player that seeks asks for some ten segments a second,
 * several may share an address. `change`: how many of them one that changes something counts as; `wrongToken`: one without a token that
 * is known, where one is needed.
 */
export const HTTP_RATE = { perS: 200, burst: 1_000, change: 10, wrongToken: 50 } as const
/** HTTP connections to one node at once; further ones are closed. */
export const HTTP_CONNECTIONS_MAX = 768
/** Number of those connections that may follow the events of the mesh; more are asked to come again. */
export const EVENT_READERS_MAX = 512
/** A connection on which nothing moves for this long is closed: the player comes back with the range that it lacks. */
export const HTTP_SILENCE_MS = 60_000

/** Longest range of a blob that is read of another peer at once: what a player that reads slowly holds of this node's memory. */
export const RANGE_BYTES_MAX = 512 * 1024
/** Ranges read of other peers at once. */
export const RANGE_READS_AT_ONCE = 8
