/**
 * The bounds and defaults that peers, or several rooms, must agree on, and those that an operator may meet; each with unit, reason
 * and source. A number that only one file uses stays in that file, as a named constant with its reason. Where a test needs to be
 * quick, the contract takes the number as an option (such as `LedgerOptions.claimMs`), whose default is here.
 */

// ── Claims and the ledger ──────────────────────────────────────────────────────────────────────────────────────────
/** How long a claim lasts. A frozen primary stalls a default MongoDB replica set for 21 s; slightly more than twice that. */
export const CLAIM_MS = 45_000
/** Interval of claim renewals: four within `CLAIM_MS`. */
export const RENEW_MS = 10_000
/** Ledger-outage grace: after an outage a node takes no expired claims for this long, so that their owners renew first. */
export const EXPIRED_GRACE_MS = 2 * RENEW_MS
/** The coordinator's lease: another leads within 6 s of a kill. */
export const LEASE_MS = 5_000
/** Interval of lease renewals: three within `LEASE_MS`. */
export const LEASE_RENEW_MS = 1_500
/** Idle workers ask again this often (jittered 0.5–1.5×): nothing waits on a hint. */
export const IDLE_POLL_MS = 1_500
/** Waiting tasks that a worker reads to guess its next one: the window of a small mesh (`WINDOW_CHUNKS`), three renditions each. */
export const PREFETCH_TASKS = 96
/** Reactions to a hint are spread over this, so that 64 idle peers do not collide in one millisecond. */
export const HINT_JITTER_MS = 250
/** How long a worker that holds a result retries while the ledger is unavailable. */
export const LEDGER_RETRY_DEADLINE_MS = 15 * 60_000
/** Beyond this `doctor` calls a machine's clock wrong: NTP keeps machines within 0.1 s, a busy database answers within 1 s. */
export const CLOCK_APART_MS = 2_000
/** First and largest wait between those retries. */
export const LEDGER_RETRY_BACKOFF_MS = { base: 100, max: 5_000 } as const
/** How long one ledger call retries transient errors before it rejects with `LedgerUnavailable`: a failover takes 11 to 14 s. */
export const LEDGER_CALL_RETRY_MS = 20_000
/** Wait before a failed task is tried again: `base · 2^strikes`. */
export const TASK_BACKOFF_MS = { base: 500, max: 60_000 } as const
/** How far ahead any write puts a time, ms, doubled. A time further ahead is from before the ledger's clock was set back; the sweep clamps it. */
export const maxAheadMs = (claimMs: number): number => 2 * Math.max(claimMs, TASK_BACKOFF_MS.max)
/** What `failures` and `strikes` of a task keep, so that a document stays small. */
export const FAILURES_MAX = 5
/** Strikes kept of a task: enough for `STRIKES_EACH` from each of many peers. */
export const STRIKES_MAX = 24
/** The end of ffmpeg's stderr that the ledger stores; the log itself is a blob. */
export const FAILURE_MESSAGE_BYTES = 2_000
/** The end of an ffmpeg log that is stored as a blob. */
export const LOG_BYTES_MAX = 64 * 1024
/** A worker that failed waits this long before it claims again, longer each time: a broken machine fails few tasks. */
export const OWN_FAILURE_MS = { base: 1_000, max: 60_000 } as const
/** Tasks in a row that a peer failed and others completed until it is quarantined: two may be chance. */
export const QUARANTINE_AFTER_FAILURES = 3
/** How long a quarantine lasts, doubled with each one that nothing completed came between. */
export const QUARANTINE_MS = { base: 60_000, max: 3_600_000 } as const
/** Tasks that ended last, from which quarantine is decided: reading so many took 3 ms in MongoDB and SQLite. */
export const OUTCOMES_READ = 500
/** How often it is decided. */
export const QUARANTINE_CHECK_MS = 2_000
/** Strikes of one code from this many different peers make a task FAILED … */
export const STRIKE_PEERS = 3
/** … or this many from each, where fewer capable peers exist. */
export const STRIKES_EACH = 2
/** Peers that died on a task, before it is FAILED: more than `STRIKES_EACH`, as the machine may be the cause. */
export const STRIKES_PEER_DIED = 6
/** Inserts go in batches of this many tasks: 6,000 in one SQLite transaction blocked the loop for 247 ms. */
export const INSERT_BATCH = 300
/** A plan is one document; MongoDB's own limit is 16 MB. */
export const PLAN_BYTES_MAX = 8_000_000
/** Holders named per blob: a hint, so a few do. */
export const HOLDERS_MAX = 4
/** Peers of one engine that its record names: one of them owns it, the others take over when that one goes. */
export const ENGINE_PEERS_MAX = 16
/** Events kept in the ledger, the newest: by number, and in MongoDB by bytes too. */
export const EVENTS_MAX = { bytes: 16 * 1024 * 1024, count: 20_000 } as const
/** Bytes of one event's text, or of another sentence in the ledger. With it the bound on events by number bounds their bytes (16 MB ÷ 20,000). */
export const EVENT_TEXT_BYTES = 600
/** A blob that no holder offers for this long is lost … */
export const LOST_AFTER_MS = 30_000
/** … and a source after this long: people reboot machines. */
export const SOURCE_LOST_AFTER_MS = 15 * 60_000
/** A missing blob that nobody asked about for this long is watched no more; a worker needs 80 s to hear nothing of 4 holders. */
export const LOSS_WATCH_MS = 2 * 60_000
/** Machines that hold a result before its video is COMPLETED, and a source once encoding runs: the loss of one then loses nothing. */
export const REPLICAS = 2
/** A peer that was asked for a replica has this long before another is asked … */
export const REPLICA_REQUEST_MS = 30_000
/** … and after this long without a replica a video is COMPLETED all the same, with a note. */
export const REPLICA_WAIT_MAX_MS = 5 * 60_000
/** From here on the leader takes an ingest task whose source peer does not. */
export const INGEST_TAKEOVER_MS = 10_000
/** A partly fetched blob is removed when no fetch has continued it for this long: as long as a source's holder may be unavailable. */
export const PARTIAL_RETENTION_MS = SOURCE_LOST_AFTER_MS
/** Blobs of a FAILED or CANCELLED video stay this long for a retry. */
export const FAILED_RETENTION_MS = 24 * 3_600_000
/** Pending submit: blobs of a video that the ledger has not confirmed are retained this long, as people try again. */
export const PENDING_SUBMIT_MS = 60_000
/** The sweep makes tasks agree with their videos this often. */
export const SWEEP_MS = 30_000
/** How often duties read the ledger when no hint comes. */
export const DUTY_MS = 500

// ── The mesh ───────────────────────────────────────────────────────────────────────────────────────────────────────
/** Heartbeats every max(1 s, N ÷ 8 s): about 2 % of a core per node. */
export const HEARTBEAT_MS = 1_000
/** Heartbeats that a peer handles each second, whatever the size of the mesh: see `heartbeatIntervalMs`. */
export const HEARTBEAT_PEERS_PER_S = 8
/** Silence that makes a peer suspect, for alive streams and (in intervals) heartbeats. */
export const SILENCE_MS = 2_500
/** How often each alive stream is written to: two writes fall within `SILENCE_MS`. */
export const ALIVE_MS = 1_000
/** A suspected peer that runs is heard within this: gossip both ways in a mesh of 1,000, and the 50–150 ms that it waits. */
export const REFUTE_MS = 400
/** A peer whose loss too few others have seen has this long to be heard again: TCP retransmits after 0.2, 0.6 and 1.4 s. */
export const UNCONFIRMED_MS = 2_000
/** Observers see a death within this: alive streams beat once a second. */
export const TOGETHER_MS = 1_000
/** An event-loop stall beyond this suspends this node's failure detection … */
export const STALL_MS = 750
/** … for so long after the stall: what waited in its queues is read first. */
export const STALL_GRACE_MS = 5_000
/** A peer that was silent for longer is not present; where heartbeats are slower, after three intervals. */
export const PRESENT_MS = 10_000
/** Heartbeats that may be missed before a peer is not present, see `PRESENT_MS`. */
export const PRESENT_BEATS = 3
/** How long `status` goes on to show a peer that left, and one that fell silent: one that failed at night is still shown in the morning. */
export const SHOWN_MS = { left: 60_000, silent: 24 * 3_600_000 } as const
/** Videos in a snapshot, the newest of each; what is known of the plans of so many is kept. */
export const SHOWN_VIDEOS = { working: 500, queued: 500, undelivered: 500, ended: 200, known: 2_000 } as const
/** Largest gossip message. */
export const GOSSIP_BYTES_MAX = 64 * 1024
/** Connections a node keeps; up to this many all nodes are connected to all. */
export const CONNECTIONS_MAX = 32
/** Addresses remembered of a peer, and named in its heartbeats. */
export const ADDRESSES_PER_PEER = 8
/** Attempts that a heartbeat lists: three renditions in 85 slots. With the longest strings beside them it has 42 KiB, below `GOSSIP_BYTES_MAX`. */
export const RUNNING_LISTED_MAX = 256
/** Peers whose addresses and last heartbeats a node remembers. */
export const PEERS_REMEMBERED = 1_024
/** Redials never end; the wait between them grows to this. */
export const REDIAL_MS = { base: 250, max: 10_000 } as const
/** An attempt to connect that takes longer has failed. */
export const DIAL_TIMEOUT_MS = 5_000
/** Inbound streams of one protocol that one peer may hold open at once. */
export const STREAMS_PER_PEER = 32
/** yamux window, below its read buffer of 4 MiB: what makes back-pressure real. */
export const STREAM_WINDOW_BYTES = 1024 * 1024
/** Blob and status exchange: header lines, silence, and blob sizes. */
export const HEADER_BYTES_MAX = 16 * 1024
/** A stream on which nothing comes for this long is broken. */
export const STREAM_SILENCE_MS = 15_000
/** Largest blob that is fetched, 1 TiB. */
export const BLOB_BYTES_MAX = 2 ** 40
/** Largest status snapshot that is read from another peer. */
export const STATUS_BYTES_MAX = 8 * 1024 * 1024
/** Blobs that a node fetches, or verifies, at once. */
export const BLOB_FETCHES_AT_ONCE = 4

// ── Media ──────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Chunk length: at 2 s chunks cost 16 % more CPU, at 6 s none; 8 s keep the loss of a killed worker small. */
export const CHUNK_S = { min: 6, max: 8 } as const
/** Inside a GOP longer than `longGop` cut no finer than max(8 s, GOP ÷ 4): each cut decodes from the keyframe. */
export const LONG_GOP_S = 10
/** Keyframes every 3 s: 2 s costs 8 % of the bytes. */
export const KEYFRAME_S = 3
/** Chunks cut ahead of the encoders: max(32, 4 × the mesh's slots) PENDING. */
export const WINDOW_CHUNKS = { min: 32, perSlot: 4 } as const
/** Ingests of one peer share that window, so that many videos take no more of its disk than one; each gets this much, chunks. */
export const WINDOW_SHARE_MIN = 8
/** Ingests of one priority that may wait at one peer for the encoders: each holds its share of cut chunks, and a claim. */
export const INGESTS_WAITING = 16
/** Largest side of a picture, pixels: beyond it the encoders refuse, and memory is not bounded. */
export const PICTURE_SIDE_MAX = 16_384
/** ffmpeg without any progress for this long is stopped. */
export const FFMPEG_STALL_MS = 120_000
/** A trial run or probe of a user's file. */
export const PROBE_TIMEOUT_MS = 60_000
/** Address space of one ffmpeg. */
export const FFMPEG_MEMORY_BYTES = 8 * 2 ** 30
/** Characters of messages of one ffmpeg: a damaged source of hours brings a few MB. */
export const FFMPEG_STDERR_MAX = 64 * 2 ** 20
/** Encoders run at this nice: no throughput lost, the node stays responsive. */
export const FFMPEG_NICE = 10
/** A node with less free disk than max(5 %, the next step's bytes) claims nothing; this caps the 5 % on huge disks. */
export const FREE_DISK = { share: 0.05, capBytes: 2 * 2 ** 30 } as const
/** A watched folder is looked through this often; polling also sees what network and container mounts do not notify. */
export const INPUT_SCAN_MS = 2_000
/** A file counts once its size and time have not changed for this long: copies in progress pause, too. */
export const INPUT_SETTLED_MS = 4_000
/** One that cannot be used is rejected only after this long without a change: a copy over a network pauses for many seconds. */
export const INPUT_REFUSED_MS = 30_000
/** Beyond so many remembered files of a watched folder those that no longer lie there are forgotten. */
export const INPUT_FILES_MAX = 100_000
/** How often the node reads whether files of the input folder were refused as videos. */
export const INPUT_OUTCOME_MS = 10_000
/** How long a graceful stop waits for running attempts before it releases them. */
export const DRAIN_TIMEOUT_MS = 0

// ── The fleet ──────────────────────────────────────────────────────────────────────────────────────────────────────
/** The leader looks again at how many workers are wanted. */
export const SCALE_MS = 5_000
/** Before a delivery that failed is tried again: a full disk is not filled and emptied all the time. */
export const DELIVERY_BACKOFF_MS = { base: 1_500, max: 20_000 } as const
/** The owner of an engine compares what runs there with what is wanted. */
export const RECONCILE_MS = 2_000
/** Workers of the fleet: none when nothing waits, four at most, until the owner says otherwise. */
export const SCALE = { min: 0, max: 4, targetS: 600, cooldownS: 300 } as const
/** What a launched container may use: one core, and an encode of all three renditions at preset medium with room to spare. */
export const WORKER_LIMITS = { cpus: 1, memoryMb: 2_048 } as const
/** A started worker that is not in the mesh after this long (trial runs of ffmpeg take most of it) is replaced … */
export const WORKER_JOIN_MS = 120_000
/** … and one whose peer was not heard for this long. Its claims went back long before. */
export const WORKER_VANISHED_MS = 30_000
/** A started worker that ends sooner than this failed, and the next start waits … */
export const WORKER_HEALTHY_MS = 30_000
/** … `base · 2^failures`, so that an image that cannot run is not started in a loop. */
export const WORKER_RESTART_MS = { base: 2_000, max: 120_000 } as const
/** The owner of an engine that cannot do what is wanted for so long goes on standby, where others can … */
export const ENGINE_TROUBLE_MS = 30_000
/** … and tries again after `base · 2^times`. */
export const ENGINE_STANDBY_MS = { base: 60_000, max: 30 * 60_000 } as const
/** A drained peer stays this long at most for others to fetch what only it holds. */
export const HANDOVER_MS = 120_000
