/** Follows videos until each is delivered here or has ended: the loop of `run` and `submit --wait`. */

import { systemClock } from '../node/host/system-clock.ts'
import { isOfSource } from '../node/videos/delivery.ts'
import { ReelmeshError, UsageError } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import type { Delivery } from '../protocol/video.ts'
import { absolutePath } from './options.ts'
import type { Reporter } from './report.ts'

/** The videos to follow, and how to read and report them. */
export interface Followed {
  /** Videos to follow; each is deleted when it ends. */
  readonly wanted: { readonly size: number; keys(): Iterable<VideoId>; delete(id: VideoId): boolean }
  readonly out: string | null
  /** The names under which each was asked for; where there are none, the delivery that was done last counts. */
  readonly names?: ReadonlyMap<VideoId, readonly string[]>
  readonly reporter: Reporter
  /** Interval of snapshots, ms. */
  readonly lookMs: number
  readonly signal?: AbortSignal
  /** Waits so long, ms, or until there is something to see; absent: so long. Rejects where the signal aborts. */
  wait?(ms: number): Promise<void>
  snapshot(): Promise<StatusSnapshot>
  /** One video, as a snapshot of very many may not list it; null where the ledger has none. */
  row(id: VideoId): Promise<VideoRow | null>
  /** Looks at each snapshot. An error that it throws ends the loop. */
  check?(snapshot: StatusSnapshot): void | Promise<void>
  /** Why the delivery of a COMPLETED video is not waited for any more, in a sentence. */
  givesUp?(row: VideoRow): string | undefined
}

/** Number of videos that are read one by one at each snapshot. */
const HIDDEN_AT_ONCE = 5

/** Rest after a snapshot, as a multiple of the time that it took: one of very many videos takes some. The end of the last video is not waited for so long. */
const REST = { usual: 10, last: 1 } as const
const REST_MAX_MS = 2_000

/** Notes the name of a file that is this video: equal files are one. Rejects with `UsageError` where it is no name. */
export async function noteName(names: Map<VideoId, string[]>, id: VideoId, file: string): Promise<void> {
  const { openSource } = await import('../node/addresses.ts')
  names.set(id, [...(names.get(id) ?? []), openSource(absolutePath(file, 'a file name')).name])
}

/** Exit code: 0 where everything was delivered. Throws `UsageError` where the ledger no longer knows one of them. */
export async function follow(of: Followed): Promise<number> {
  const { wanted, out, reporter, signal } = of
  let code = 0
  for (let look = 0; wanted.size > 0 && !signal?.aborted; look++) {
    const began = systemClock.mono()
    const snapshot = await of.snapshot()
    const rested = wanted.size > 1 ? REST.usual : REST.last
    const restMs = Math.min(REST_MAX_MS, rested * (systemClock.mono() - began))
    const shown = new Map(snapshot.videos.map((row) => [row.id, row]))
    const [rows, hidden] = [[] as VideoRow[], [] as VideoId[]]
    for (const id of wanted.keys()) {
      const row = shown.get(id)
      if (row) rows.push(row)
      else hidden.push(id)
    }
    reporter.progress(rows, snapshot)
    await of.check?.(snapshot)
    if (!snapshot.ledger.away) rows.push(...(await hiddenRows(hidden, look, of)))
    for (const row of rows) {
      const here = row.deliveries.filter((each) => each.peer === snapshot.self && each.dir === out)
      const last = lastOf(here)
      const failure = failureOf(row, of)
      if (row.status === 'COMPLETED' && last?.done_at != null) {
        const names = of.names?.get(row.id) ?? []
        const asked = here.filter((each) => names.some((name) => isOfSource(each, row.id, name)))
        reporter.delivered(row, asked.length > 0 ? asked : [last])
      } else if (failure !== undefined) {
        reporter.failed(row, failure)
        code = 1
      } else continue
      wanted.delete(row.id)
    }
    if (wanted.size > 0) await rest(restMs, of).catch(() => {})
  }
  return code
}

/** Until the next look: at least `restMs`. Rejects where the signal aborts. */
async function rest(restMs: number, { lookMs, signal, wait }: Followed): Promise<void> {
  const sleep = (ms: number) => systemClock.sleep(ms, signal)
  await sleep(restMs)
  if (restMs < lookMs) await (wait ?? sleep)(lookMs - restMs)
}

/** Reads some of these videos, others at each snapshot. */
async function hiddenRows(ids: readonly VideoId[], look: number, { row }: Pick<Followed, 'row'>): Promise<VideoRow[]> {
  const from = (look % Math.max(1, Math.ceil(ids.length / HIDDEN_AT_ONCE))) * HIDDEN_AT_ONCE
  const rows: VideoRow[] = []
  for (const id of ids.slice(from, from + HIDDEN_AT_ONCE)) {
    try {
      const found = await row(id)
      if (!found)
        throw new UsageError(`the ledger no longer knows video ${id}; \`reelmesh videos\` lists what it knows`)
      rows.push(found)
    } catch (error) {
      if (error instanceof ReelmeshError && error.code === 'ledger_away') return rows
      throw error
    }
  }
  return rows
}

/** The delivery that was done last, or an open one: a video may have several under different names. */
const lastOf = (deliveries: readonly Delivery[]): Delivery | undefined =>
  deliveries.toSorted((one, other) => (one.done_at ?? Infinity) - (other.done_at ?? Infinity)).at(-1)

/** Why a video will have no files; undefined while it may have some. */
function failureOf(row: VideoRow, { givesUp }: Pick<Followed, 'givesUp'>): string | undefined {
  if (row.status === 'FAILED' || row.status === 'CANCELLED') return row.failure ?? `${row.name} was cancelled`
  return row.status === 'COMPLETED' ? givesUp?.(row) : undefined
}
