/**
 * The segments of a track of sound as far as it is encoded: out of the listed parts while its task runs, out of the encoded file afterwards. Both give
 * the same. Pure.
 */
import type { Artifact } from '../../protocol/artifact.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import { soundPartsOf } from '../../protocol/sound-part.ts'
import type { Track } from '../mp4.ts'
import { stretchesOf } from '../sample-bytes.ts'
import { canStream } from './entry.ts'
import { initOf } from './init.ts'
import { divideSound } from './sound-division.ts'
import { soundHead } from './sound-head.ts'

/** Bytes of a track: these, or a range of a blob. */
export type SoundPiece = Buffer | { readonly blob: HeldBlob; readonly start: number; readonly length: number }

/** A segment that cannot change. */
export interface ListedSegment {
  /** When it begins, ticks. */
  readonly start: number
  /** Ticks. */
  readonly duration: number
  readonly bytes: number
  /** Its bytes, in order. */
  pieces(): Iterable<SoundPiece>
}

/** A track of sound, as far as it can be played. */
export interface ListedSound {
  /** Number among the tracks of sound, from 1: that of `audio-1` in a package. */
  readonly track: number
  /** The codec as manifests name it. */
  readonly codecs: string
  /** Ticks per second. */
  readonly timescale: number
  /** What initialises a decoder, and the bytes that it has. */
  readonly init: SoundPiece
  readonly initBytes: number
  readonly segments: readonly ListedSegment[]
  /** Whether these are all. */
  readonly isWhole: boolean
}

/** The tracks of which a part is listed, by number. The first part is listed first. */
export function partedSounds(outputs: readonly Artifact[]): ListedSound[] {
  const tracks = Map.groupBy(soundPartsOf(outputs), ({ sound }) => sound.track)
  return [...tracks]
    .flatMap(([track, listed]): ListedSound[] => {
      const parts = listed.toSorted((a, b) => a.sound.part - b.sound.part)
      const behind = parts.findIndex(({ sound }, at) => sound.part !== at + 1)
      const first = parts[0]
      if (!first || behind === 0) return []
      const { codecs, timescale, init } = first.sound
      const segments = parts.slice(0, behind === -1 ? parts.length : behind).flatMap(segmentsOf)
      const piece = { blob: first, start: 0, length: init }
      return [{ track, codecs, timescale, init: piece, initBytes: init, segments, isWhole: false }]
    })
    .toSorted((a, b) => a.track - b.track)
}

function segmentsOf(part: ReturnType<typeof soundPartsOf<Artifact>>[number]): ListedSegment[] {
  let [start, offset] = [part.sound.start, part.sound.init]
  return part.sound.segments.map(([bytes, duration]) => {
    const piece = { blob: part, start: offset, length: bytes }
    const segment = { start, duration, bytes, pieces: () => [piece] }
    start += duration
    offset += bytes
    return segment
  })
}

/** The tracks of an encoded file of sound, by number: whole. `tracks`: those of the file, in its order. */
export function finishedSounds(tracks: readonly Track[], blob: HeldBlob): ListedSound[] {
  return tracks
    .filter(({ kind }) => kind === 'audio')
    .flatMap((track, at): ListedSound[] => {
      const { segments, delay } = divideSound(track)
      if (segments.length === 0 || !canStream(track)) return []
      const { head, codecs } = soundHead(track, delay)
      const init = initOf(head)
      return [
        {
          track: at + 1,
          codecs,
          timescale: head.timescale,
          init,
          initBytes: init.length,
          segments: segments.map((segment) => ({
            start: segment[0]!.start,
            duration: segment.at(-1)!.end - segment[0]!.start,
            bytes: segment.reduce((sum, { bytes }) => sum + bytes, 0),
            *pieces() {
              for (const { head: own, from, to } of segment) {
                yield own
                for (const { start, length } of stretchesOf(track, from, to)) yield { blob, start, length }
              }
            },
          })),
          isWhole: true,
        },
      ]
    })
}
