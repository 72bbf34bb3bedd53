/**
 * Who watches a folder. A private one is watched by its own peer. One in a shared folder is watched by one peer at a time of those that are
 * configured to, under a lease: what was taken in is in the ledger, as notes of that lease, so that the next peer submits nothing again.
 */
import { join, sep } from 'node:path'
import { createElection, type ElectionModules } from '../../coordinator/election.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS, INPUT_FILES_MAX, INPUT_SCAN_MS } from '../../protocol/limits.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { runRounds } from '../../protocol/rounds.ts'
import { type SharedFolders, type SharedPlace, watchLease } from '../../protocol/shared-folder.ts'
import { createInputFolder, type InputFolderOptions } from './input-folder.ts'
import { createSettling } from './input-folder-settling.ts'
import { decodeTakenIn, encodeTakenIn, openTakenFiles, type TakenFiles, type TakenIn } from './input-folder-state.ts'

/** The folders, and the parts that the watch uses. */
export interface WatchFolderOptions extends Omit<InputFolderOptions, 'openTaken' | 'ledger'> {
  readonly self: PeerId
  /** File with the submitted files of a private folder. */
  readonly stateFile: string
  readonly ledger: Ledger
  readonly rng: ElectionModules['rng']
  readonly hints: ElectionModules['hints']
  readonly folders: SharedFolders
}

/** The watch of one folder. */
export interface WatchFolder {
  /** Idempotent. */
  start(): void
  /** Resolves when nothing of it runs any more; the lease is released. Idempotent. */
  stop(): Promise<void>
}

/** Makes a watch that is not started. */
export function createWatchFolder(options: WatchFolderOptions): WatchFolder {
  const stopping = new AbortController()
  let running: Promise<void> | null = null
  const run = isInShared(options) ? watchShared : watchPrivate
  return {
    start() {
      running ??= run(options, stopping.signal)
    },
    async stop() {
      stopping.abort(new DOMException('the watch stops', 'AbortError'))
      await running
    },
  }
}

/** Whether the folder is, by its path, in a shared folder of the configuration, which may be away now. */
function isInShared({ input, folders }: WatchFolderOptions): boolean {
  return folders
    .states()
    .some(({ path, root }) => [path, root].some((each) => input === each || input.startsWith(join(each, sep))))
}

function watchPrivate(options: WatchFolderOptions, signal: AbortSignal): Promise<void> {
  return watch(options, () => openTakenFiles(options.stateFile), signal)
}

/** Runs for the lease of the folder's place while the shared folder is seen, and watches while it has it. */
async function watchShared(options: WatchFolderOptions, signal: AbortSignal): Promise<void> {
  const { self, ledger, clock, rng, log, hints, folders, input } = options
  let place = await folders.placeOf(input)
  while (place === null && !signal.aborted) {
    await clock.sleep(IDLE_POLL_MS, signal).catch(() => {})
    place = await folders.placeOf(input)
  }
  if (place === null || signal.aborted) return
  const lease = watchLease(place)
  // Kept from one term to the next: where leases are lost often, files settle all the same.
  const settling = createSettling(clock)
  const isSeen = () => folders.pathOf(place) !== null
  const election = createElection(
    { self, lease },
    {
      ledger,
      clock,
      rng,
      log,
      hints,
      mayLead: async () => (isSeen() ? null : `the shared folder of ${input} is not seen`),
      lead: (term, held) => watch({ ...options, settling }, () => openTakenNotes(ledger, place, term), held),
    },
  )
  election.start()
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await stopped
  await election.stop()
}

async function watch(
  options: WatchFolderOptions,
  openTaken: () => Promise<TakenFiles>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, hints } = options
  const folder = createInputFolder({ ...options, openTaken })
  const notifier = createNotifier(clock)
  const unsubscribe = hints.on(['video'], notifier.notify)
  const rounds = { name: 'input folder', everyMs: INPUT_SCAN_MS, round: folder.round }
  await runRounds(rounds, { notifier, log }, signal).finally(unsubscribe)
}

/** The submitted files of a shared folder: notes of the watch lease. `term`: of the lease as this peer holds it. */
async function openTakenNotes(ledger: Ledger, place: SharedPlace, term: number): Promise<TakenFiles> {
  const lease = watchLease(place)
  const notes = await ledger.notes(lease)
  const all = new Map<string, TakenIn>([...notes].map(([file, text]) => [file, decodeTakenIn(text)]))
  const set = (key: string, text: string | null) => ledger.setNote({ lease, key, text, term })
  return {
    all,
    async record(file, entry, present) {
      if (entry === null) all.delete(file)
      else all.set(file, entry)
      const written = await set(file, entry && encodeTakenIn(entry))
      if (written === 'unchanged' && entry !== null) throw new Error('another peer watches this folder now')
      if (all.size <= INPUT_FILES_MAX) return
      for (const known of [...all.keys()].filter((each) => !present.has(each))) {
        all.delete(known)
        await set(known, null)
      }
    },
  }
}
