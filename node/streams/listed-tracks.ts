/**
 * The tracks of videos as this node lists them: looked for once in a while, however many players ask, and never fewer segments than before. Where all copies of a chunk are lost
 * what was listed behind it stays so: players give up a playlist that shrinks, or that is not answered, and wait for a segment.
 */
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { remember } from '../../protocol/remember.ts'
import type { GrowingTracks } from './growing-tracks.ts'

/** How long an answer stands, ms: players ask every few seconds. */
const LOOK_MS = 1_000
/** Videos of which it is remembered. */
const VIDEOS_MAX = 16

interface Look {
  readonly at: number
  readonly tracks: Promise<readonly GrowingTrack[]>
}

/** The tracks of `growing`, remembered. */
export function createListedTracks(growing: GrowingTracks, clock: Pick<Clock, 'mono'>): GrowingTracks {
  const looks = new Map<VideoId, Look>()
  return {
    tracks(video, plan) {
      const { _id: id } = video
      const last = looks.get(id)
      if (last && clock.mono() - last.at < LOOK_MS) return last.tracks
      // Several requests may wait for it: the end of one does not end it.
      const found = growing.tracks(video, plan, new AbortController().signal)
      const tracks = last ? Promise.all([last.tracks, found]).then(([before, now]) => longer(before, now)) : found
      remember(looks, id, { at: clock.mono(), tracks }, VIDEOS_MAX)
      tracks.catch(() => (last ? looks.set(id, last) : looks.delete(id)))
      return tracks
    },
  }
}

/** Each track with the segments of whichever has more. */
const longer = (before: readonly GrowingTrack[], now: readonly GrowingTrack[]): readonly GrowingTrack[] =>
  (before.length > now.length ? before : now).map(({ name }) => {
    const [old, found] = [before, now].map((tracks) => tracks.find((track) => track.name === name))
    return found && !(old && old.segments.length > found.segments.length) ? found : old!
  })
