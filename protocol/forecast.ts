/**
 * What the leader says about deadlines: written as a note of its lease, so that every peer shows the same. Of the past leader it stays until the
 * next has decided.
 */
import { z } from 'zod'
import type { VideoId } from './ids.ts'

/** When a video with a deadline will be done, at the speeds that are measured now. */
export interface Forecast {
  /** Ms since 1970; null where no peer can encode it. */
  readonly done_at: number | null
  /** How many more workers like the fastest would hold the deadline; 0 where it is held, null where no number would. */
  readonly more: number | null
}

/** All forecasts of a leader. `like`: the name of the fastest peer. */
export interface Forecasts {
  readonly like: string | null
  readonly videos: ReadonlyMap<VideoId, Forecast>
}

/** The key of the note. */
export const FORECASTS_NOTE = 'forecasts'
/** Most videos in it, those whose deadline is first: as many as `status` shows. */
export const FORECASTS_MAX = 500

const schema = z.object({
  like: z.string().max(64).nullable(),
  videos: z.record(z.string().length(16), z.tuple([z.number().int().nullable(), z.number().int().min(0).nullable()])),
})

/** The text of the note. */
export const forecastsText = ({ like, videos }: Forecasts): string =>
  JSON.stringify({
    like: like?.slice(0, 64) ?? null,
    videos: Object.fromEntries([...videos].map(([id, { done_at, more }]) => [id, [done_at, more]])),
  })

/** What a note says; nothing where it is missing or of another form. */
export function readForecasts(text: string | undefined): Forecasts {
  const parsed = schema.safeParse(text === undefined ? null : parsedJson(text))
  if (!parsed.success) return { like: null, videos: new Map() }
  const { like, videos } = parsed.data
  const all = Object.entries(videos).map(([id, [done_at, more]]) => [id as VideoId, { done_at, more }] as const)
  return { like, videos: new Map(all) }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** How a deadline stands. */
export type DeadlineState = 'held' | 'danger' | 'missed'

/** Spare time, ms, from which a deadline that was in danger is safe again: a tenth of what is left, at least half a minute. */
const spareMin = (left_ms: number): number => Math.max(30_000, left_ms / 10)

/** How a deadline stands now. `before`: how it stood, so that one at the edge does not go back and forth. Times are ms since 1970. */
export function deadlineState(of: {
  readonly now: number
  readonly deadline: number
  readonly forecast: Forecast | undefined
  readonly before: DeadlineState | undefined
}): DeadlineState {
  const { now, deadline, forecast, before } = of
  if (now > deadline) return 'missed'
  // Not planned yet: nothing is known.
  if (!forecast) return before === 'missed' ? 'held' : (before ?? 'held')
  const { done_at } = forecast
  if (done_at === null || done_at > deadline) return 'danger'
  const isClose = deadline - done_at < spareMin(deadline - now)
  return before === 'danger' && isClose ? 'danger' : 'held'
}
