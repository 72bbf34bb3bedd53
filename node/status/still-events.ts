/**
 * The events of stillness: while this peer leads it looks at the open videos and emits `still` when one stands still, again when the reason is
 * another, and `moves` when it makes progress again. A queue is no event. What an earlier leader emitted is read from the ledger once.
 */
import type { Emit } from '../../protocol/emitter.ts'
import { isEvent } from '../../protocol/events.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { VideoRow } from '../../protocol/status.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'

/** The parts that the events are made from. */
export interface StillEventsOptions {
  readonly ledger: Pick<Ledger, 'events' | 'now'>
  readonly emit: Emit
  leads(): boolean
  /** The rows of the open videos. */
  openVideos(): Promise<readonly VideoRow[]>
}

/** What is usual: a long queue, a long step, or nothing that is known. */
const QUIET: ReadonlySet<StillRow['code']> = new Set(['queued', 'working', 'unknown'])
/** Events in which those of an earlier leader are looked for. */
const EVENTS_READ = 500

/** Makes one round: it looks, and emits. It rejects with `LedgerUnavailable`. */
export function createStillEvents({ ledger, emit, leads, openVideos }: StillEventsOptions): () => Promise<void> {
  /** The reasons that were emitted, by video; null where this peer did not lead. */
  let emitted: Map<VideoId, { readonly why: string; readonly since: number }> | null = null

  return async () => {
    if (!leads()) {
      emitted = null
      return
    }
    emitted ??= await emittedBefore(ledger)
    const rows = await openVideos()
    for (const video of emitted.keys()) if (!rows.some(({ id }) => id === video)) emitted.delete(video)
    for (const { id: video, name, still } of rows) {
      const before = emitted.get(video)
      if (still && !QUIET.has(still.code)) {
        const why = `${still.code} ${still.peers.join(' ')}`
        if (before?.why === why) continue
        emitted.set(video, { why, since: before?.since ?? still.since })
        await emit({ code: 'still', video, name, reason: still.text })
      } else if (!still && before) {
        emitted.delete(video)
        await emit({ code: 'moves', video, name, ms: Math.max(0, (await ledger.now()) - before.since) })
      }
    }
  }
}

/** Videos of which the last event says that they stand still. Why is not in it, so that this leader says it once more. */
async function emittedBefore(ledger: Pick<Ledger, 'events'>): Promise<Map<VideoId, { why: string; since: number }>> {
  const still = new Map<VideoId, { why: string; since: number }>()
  for (const event of await ledger.events(EVENTS_READ)) {
    if (event.video === null) continue
    if (isEvent(event, 'moves')) still.delete(event.video)
    if (isEvent(event, 'still') && !still.has(event.video)) still.set(event.video, { why: '', since: event.at })
  }
  return still
}
