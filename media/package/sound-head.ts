/** The beginning of a track of sound in a package, by the track of the encoded file. Pure. */
import type { Track } from '../mp4.ts'
import { entryFacts } from './entry.ts'
import type { TrackHead } from './init.ts'

/** What the beginning says, and the codec as manifests name it. `delay`: as in `TrackHead`, ticks. Throws `AttemptFailed('build_cannot')` as `entryFacts`. */
export function soundHead(track: Track, delay: number): { readonly head: TrackHead; readonly codecs: string } {
  const { entry, codecs } = entryFacts(track)
  const { timescale, language } = track
  return { head: { kind: 'audio', timescale, language, width: 0, height: 0, entry, delay }, codecs }
}
