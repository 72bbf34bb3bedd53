/** What rows of videos say about deadlines: what the leader has written (protocol/forecast.ts). */
import type { Clock } from '../../protocol/clock.ts'
import { deadlineText } from '../../protocol/deadline-text.ts'
import { FORECASTS_NOTE, type Forecast, readForecasts } from '../../protocol/forecast.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { isOpen, type Video } from '../../protocol/video.ts'

/** Reads the forecasts where one of the videos needs them. Rejects with `LedgerUnavailable`. */
export async function readDeadlines(
  videos: readonly Video[],
  { ledger, clock }: { readonly ledger: Pick<Ledger, 'notes'>; readonly clock: Pick<Clock, 'now'> },
): Promise<(video: Video) => VideoRow['forecast']> {
  if (!videos.some(isWaitedFor)) return () => null
  const { like, videos: known } = readForecasts((await ledger.notes('coordinator')).get(FORECASTS_NOTE))
  const now = clock.now()
  return (video) => {
    if (!isWaitedFor(video)) return null
    const forecast = fitting(known.get(video._id), video.deadline)
    const done_at = forecast?.done_at ?? null
    const spare_s = done_at === null ? null : Math.round((video.deadline - done_at) / 1000)
    const text = deadlineText({ deadline: video.deadline, forecast, like, now })
    return { done_at, spare_s, more: forecast?.more ?? null, like: forecast ? like : null, text }
  }
}

/** What is known of this deadline: a forecast may be about an earlier one, until the leader has decided again. */
function fitting(forecast: Forecast | undefined, deadline: number): Forecast | null {
  if (!forecast || forecast.done_at === null) return forecast ?? null
  if (forecast.done_at <= deadline) return { ...forecast, more: 0 }
  return forecast.more === 0 ? null : forecast
}

const isWaitedFor = (video: Video): video is Video & { deadline: number } =>
  video.deadline !== null && isOpen(video.status)
