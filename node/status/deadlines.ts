/** What rows of videos say about deadlines: what the leader has written (protocol/forecast.ts). */
import type { Clock } from '../../protocol/clock.ts'
import { deadlineText } from '../../protocol/deadline-text.ts'
import { FORECASTS_NOTE, readForecasts } from '../../protocol/forecast.ts'
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
    const forecast = known.get(video._id) ?? null
    const done_at = forecast?.done_at ?? null
    const spare_s = done_at === null ? null : Math.round((video.deadline - done_at) / 1000)
    const text = deadlineText({ deadline: video.deadline, forecast, like, now })
    return { done_at, spare_s, more: forecast?.more ?? null, like: forecast ? like : null, text }
  }
}

const isWaitedFor = (video: Video): video is Video & { deadline: number } =>
  video.deadline !== null && isOpen(video.status)
