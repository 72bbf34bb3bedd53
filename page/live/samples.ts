/** What plots show of a status. Pure. */
import type { StatusSnapshot } from '../../protocol/status.ts'
import { isOpen } from '../../protocol/video-status.ts'
import { SILENT_S } from './parts/peer-look.ts'

/** One moment of the mesh. */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number
  /** Source seconds encoded per second, of all peers. */
  readonly speed: number
  /** Tasks that wait, and that run. */
  readonly waits: number
  readonly runs: number
  /** Seconds until the last video that is encoded is done; null where none has an estimate. */
  readonly eta: number | null
}

/** The sample of a status. */
export function sampleOf({ at, peers, videos }: StatusSnapshot): Sample {
  const open = videos.filter(({ status }) => isOpen(status))
  const count = (wanted: string) =>
    open.flatMap(({ tasks }) => tasks).reduce((sum, { status, count }) => sum + (status === wanted ? count : 0), 0)
  const etas = open.flatMap(({ eta_s }) => eta_s ?? [])
  return {
    at: at / 1000,
    speed: peers.filter(isEncoding).reduce((sum, { speed }) => sum + speed, 0),
    waits: count('PENDING'),
    runs: count('PROCESSING'),
    eta: etas.length > 0 ? Math.max(...etas) : null,
  }
}

/** One that has failed goes on saying what it did last. */
const isEncoding = ({ self, busy, heard_s }: StatusSnapshot['peers'][number]): boolean =>
  busy > 0 && (self || heard_s <= SILENT_S)
