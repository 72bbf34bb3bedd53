/** What happens to a video now, or what it waits for, in a few words for the bar beside its name. Pure. */
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { durationText } from './output.ts'

/** `encoding`, `waits for a worker`: never empty. Reasons for a long stillness are sentences of their own (`VideoRow.still`). */
export function activityOf(row: VideoRow, { peers }: Pick<StatusSnapshot, 'peers'>): string {
  const running = peers.flatMap((peer) => peer.running).filter(({ task }) => task.startsWith(`${row.id}/`))
  switch (row.status) {
    case 'QUEUED':
      return running.length > 0 ? 'reading' : 'waits to be read'
    case 'PLANNING':
      return 'reading'
    case 'RUNNING':
      if (running.some(({ done }) => done > 0)) return 'encoding'
      if (running.length > 0) return 'starts to encode'
      return peers.some(({ slots }) => slots > 0) ? 'waits for a worker' : 'waits for the workers to start'
    case 'MERGING':
      return isOnlyPackaged(row) ? 'packaging' : 'joining'
    case 'COMPLETED':
      return row.deliveries.some(({ done_at }) => done_at === null) ? 'delivering' : 'done'
    case 'FAILED':
      return 'failed'
    case 'CANCELLED':
      return 'cancelled'
  }
}

/** Whether its files are joined, or are not wanted, and the package is being made. */
function isOnlyPackaged({ tasks }: VideoRow): boolean {
  const left = new Set(tasks.filter(({ status }) => status !== 'COMPLETED').map(({ kind }) => kind))
  return left.has('package') && !left.has('merge')
}

/** `57%`. */
export const percent = (row: VideoRow): string => `${Math.floor(row.done * 100)}%`
/** `57 fps  1.90x`; empty where nothing is encoded. */
export const rate = ({ fps, speed }: VideoRow): string =>
  fps === null || fps === 0 || speed === null ? '' : `${fps.toFixed(0)} fps  ${speed.toFixed(2)}x`
/** `ETA 1:05`; empty where nobody knows. */
export const eta = ({ eta_s }: VideoRow): string => (eta_s === null ? '' : `ETA ${durationText(eta_s)}`)
