/**
 * Parts of the sound of a video: while its audio task runs, each is a blob, listed among the outputs of that task, so that the sound can be played
 * before all of it is encoded. Once the task is COMPLETED nothing is listed: its output holds all.
 */

/** What a part holds: the beginning of its track in the first part, then whole segments of the package, one behind the other. */
export interface SoundPartFacts {
  /** Number of its track among those of sound, from 1: that of `audio-1` in a package. */
  readonly track: number
  /** Number of the part in its track, from 1. */
  readonly part: number
  /** The codec as manifests name it: `mp4a.40.2`. */
  readonly codecs: string
  /** Ticks per second. */
  readonly timescale: number
  /** Bytes of the beginning, which initialises a decoder: 0 but in the first part. */
  readonly init: number
  /** When its first segment begins, ticks. */
  readonly start: number
  /** Bytes, and duration in ticks, of each segment; at least one. */
  readonly segments: readonly (readonly [bytes: number, duration: number])[]
}

/** Path of a part among the outputs of its task, and its media type. */
export const soundPartAt = ({ track, part }: Pick<SoundPartFacts, 'track' | 'part'>) => ({
  path: `sound-${track}/${String(part).padStart(5, '0')}`,
  media_type: 'video/mp4',
})

/**
 * The number of segments of the part that begins with this segment, from 0 on: few at the beginning, so that it can be played soon, and about a minute
 * later on. It depends on nothing else, so that all attempts make the same parts.
 */
export const segmentsFrom = (segment: number): number =>
  Math.max(1, Math.min(10, Math.floor(segment / 4)), Math.floor(segment / 100))

/** An output that is a part. */
type Parted<Output> = Output & { readonly sound: SoundPartFacts }

/** The parts among the outputs of a task. */
export const soundPartsOf = <Output extends { readonly sound?: SoundPartFacts | undefined }>(
  outputs: readonly Output[],
): Parted<Output>[] => outputs.filter((output): output is Parted<Output> => output.sound !== undefined)
