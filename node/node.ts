/**
 * One peer, as the list of its parts in the order of their start; they are stopped in reverse order.
 *
 * Promises: `start` releases the claims of an earlier process before it claims again; `stop` stops claiming, settles or releases
 * running attempts, releases the lease, sends a last heartbeat, and leaves nothing running. Both are idempotent. A start that fails leaves nothing running.
 */

import { type Clock, within } from '../protocol/clock.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { IDLE_POLL_MS, NOTIFIED_GAP_MS, SILENCE_MS, SWEEP_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import { createNotifier } from '../protocol/notifier.ts'
import { createPace } from '../protocol/pace.ts'
import { type Rounds, runRounds } from '../protocol/rounds.ts'
import type { Adapters } from './adapters.ts'
import type { Modules } from './modules.ts'
import { createPartList, type Part } from './parts.ts'
import { runHousekeeping } from './videos/housekeeping.ts'

/** How this node stops, and whether it does the housekeeping. */
export interface NodeRunOptions {
  /** How long a stop waits for running attempts, ms. */
  readonly drainMs: number
  /** Whether this process does the housekeeping of the store: one of those that share it. */
  readonly doesHousekeeping: boolean
}

/** The adapters that a node starts and stops, and those that its own parts use. */
type NodeAdapters = Pick<Adapters, 'clock' | 'log' | 'ledger' | 'mesh' | 'store' | 'membership'>

/** The modules that a node runs. */
type NodeModules = Pick<
  Modules,
  | 'self'
  | 'hints'
  | 'suspicions'
  | 'pendingSubmits'
  | 'admission'
  | 'coordinator'
  | 'worker'
  | 'heartbeat'
  | 'deliverer'
  | 'copier'
  | 'inputFolder'
  | 'sharedSources'
  | 'stillEvents'
>

/** The parts of a node as one. */
export interface ReelNode extends Part {
  readonly name: 'node'
  start(): Promise<void>
  stop(): Promise<void>
}

const LAST_HOUSEKEEPING_MS = 3_000
/** How long a stop waits for parts that use the ledger: claims and the lease expire otherwise. */
const LEDGER_STOP_MS = 6_000

/** Makes a node that is not started. */
export function createNode(options: NodeRunOptions, adapters: NodeAdapters, modules: NodeModules): ReelNode {
  const { clock, log, ledger, mesh, membership } = adapters
  const { self, hints, suspicions, heartbeat } = modules
  const work = listOf(workParts(options, adapters, modules), log)
  const node = listOf(
    [
      { name: 'hints', start: hints.start, stop: hints.stop },
      { name: 'suspicions', start: suspicions.start, stop: suspicions.stop },
      // Before it connects, so that nobody has to refuse it.
      { name: 'membership', start: membership.start, stop: membership.stop },
      { name: 'mesh', start: () => mesh.start(), stop: () => mesh.stop() },
      { name: 'earlier process', start: () => endEarlierProcess({ self, ledger, hints, log }) },
      { name: 'heartbeat', start: heartbeat.start, stop: heartbeat.stop },
      // Sent when this node has no claim and no lease any more.
      { name: 'last heartbeat', stop: () => heartbeat.beatNow() },
      { name: 'work', start: work.start, stop: () => within(clock, options.drainMs + LEDGER_STOP_MS, work.stop()) },
    ],
    log,
  )
  return { name: 'node', start: node.start, stop: node.stop }
}

/** The parts that claim, lead and deliver. All of them end before the last heartbeat. */
function workParts(
  { drainMs, doesHousekeeping }: NodeRunOptions,
  adapters: NodeAdapters,
  modules: NodeModules,
): Part[] {
  const { clock, log, ledger, store } = adapters
  const { self, hints, pendingSubmits, coordinator, inputFolder, deliverer, copier, sharedSources } = modules
  const { worker, admission, stillEvents } = modules
  const rounds = (job: Rounds, last?: () => Promise<unknown>) => roundsPart(job, { clock, log, hints }, last)
  const tidy = () => runHousekeeping({ self, ledger, store, pendingSubmits, clock })
  const pace = createPace(clock, NOTIFIED_GAP_MS, 0)
  const tidyInTurn = async () => {
    if (pace.isDue()) pace.looked(await tidy())
  }
  const parts: (Part | false | null)[] = [
    coordinator && { name: 'coordinator', start: coordinator.start, stop: coordinator.stop },
    // Blobs of a video that was just delivered are removed before the process ends.
    doesHousekeeping && rounds({ name: 'housekeeping', everyMs: SWEEP_MS, round: tidyInTurn }, tidy),
    rounds({ name: 'shared sources', everyMs: IDLE_POLL_MS, round: sharedSources.round }),
    inputFolder && { name: 'input folder', start: inputFolder.start, stop: inputFolder.stop },
    rounds({ name: 'stillness', everyMs: SILENCE_MS, round: stillEvents }),
    rounds({ name: 'delivery', everyMs: IDLE_POLL_MS, round: deliverer.round }),
    { name: 'copier', start: copier.start, stop: copier.idle },
    { name: 'worker', start: () => worker.start(), stop: () => worker.stop(drainMs) },
    { name: 'admission', start: () => admission.start(), stop: () => admission.close() },
  ]
  return parts.filter((part) => part !== null && part !== false)
}

/** Parts as one: started in order; where one fails, the started ones are stopped. */
function listOf(parts: readonly Part[], log: Log): { start(): Promise<void>; stop(): Promise<void> } {
  const list = createPartList(log)
  let starting: Promise<void> | null = null
  const startAll = async () => {
    for (const part of parts) await list.start(part)
  }
  return {
    start() {
      starting ??= startAll().catch(async (error: unknown) => {
        await list.stop()
        throw error
      })
      return starting
    },
    stop: list.stop,
  }
}

/** A job in rounds, also at every hint `video`; `last` runs once more at the stop, with a deadline. */
function roundsPart(
  job: Rounds,
  { clock, log, hints }: { readonly clock: Clock; readonly log: Log; readonly hints: Pick<Hints, 'on'> },
  last?: () => Promise<unknown>,
): Part {
  let running: Promise<void> | null = null
  return {
    name: job.name,
    start(stopping) {
      const notifier = createNotifier(clock)
      const unsubscribe = hints.on(['video'], notifier.notify)
      running = runRounds(job, { notifier, log }, stopping).finally(unsubscribe)
    },
    async stop() {
      await running
      if (last) await within(clock, LAST_HOUSEKEEPING_MS, last())
    },
  }
}

interface EarlierProcess {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly hints: Pick<Hints, 'publish'>
  readonly log: Log
}

/** Releases the claims of an earlier process of this peer, and ends its drain, which was for that process. */
async function endEarlierProcess({ self, ledger, hints, log }: EarlierProcess): Promise<void> {
  const mine = await ledger.claimsOf(self)
  if (mine.length > 0) {
    await ledger.releaseClaims(mine)
    log.info('released the claims of an earlier process', { claims: mine.length })
    hints.publish({ what: 'tasks', video: null })
  }
  if ((await ledger.peer(self)).draining) await ledger.setPeer(self, { draining: false, reason: null })
}
