/**
 * Sound that needs no trial, as cameras and encoders write it into MP4: AAC-LC in mono, stereo or 5.1, packets that follow one another and begin
 * as such sound does. Every build decodes it to the same samples, and its headers say all that a trial would.
 */
import type { AudioFacts } from '../protocol/plan.ts'
import { type AudioTrial, leadOf, type TriedAudio } from './audio-trial.ts'
import type { ProbedSound } from './probe/packets.ts'
import { parseRational, secondsOf } from './rational.ts'
import { everyHead } from './source-file.ts'

/** A source whose probe has read its packets. */
export interface SoundSource extends Pick<AudioTrial, 'source' | 'audio' | 'isStraight' | 'start'> {
  /** ffmpeg's names of the container, separated by commas. */
  readonly format: string
  readonly sounds: readonly ProbedSound[]
}

/** By number of channels the layout, and the element with which a packet begins: a single channel or a pair. ISO/IEC 14496-3, 4.4.2.1. */
const PLAIN: Readonly<Record<number, { readonly layout: string; readonly element: number }>> = {
  1: { layout: 'mono', element: 0 },
  2: { layout: 'stereo', element: 1 },
  6: { layout: '5.1', element: 0 },
}
/** Elements that may come before those of sound: data and filling. */
const BEFORE: readonly number[] = [4, 6]
/** Below it AAC-LC may be half of HE-AAC, whose decoder doubles the rate. Hz. */
const RATE_MIN = 32_000
const PACKET_SAMPLES = 1_024
/** Number of packets that are looked at: more than the second that a trial decodes. */
const LOOKED_AT = 100

/** The tracks as the audio task decodes them, from the source or from a copy; null where one needs a trial. Rejects with the error of the file system. */
export async function plainSound({
  source,
  format,
  audio,
  isStraight,
  start,
  sounds,
}: SoundSource): Promise<TriedAudio | null> {
  if (audio.length === 0 || !format.split(',').includes('mov')) return null
  const begins: number[] = []
  for (const track of audio) {
    const sound = sounds.find(({ stream }) => stream === track.stream)
    const first = sound && firstTime(track, sound)
    // Its first packet may only prepare the decoder: whether it is heard would move the beginning of the film.
    if (first === undefined || first === null || leadOf({ begins: first }, start, 1_000_000) > 0) return null
    if (!(await beginAsSound(source, sound!, PLAIN[track.channels]!.element))) return null
    begins.push(first)
  }
  const extra = isStraight ? 'none' : 'copied'
  return { audio: audio.map((track) => ({ ...track, extra })), begins: Math.min(...begins), fates: [] }
}

/** Time of the first packet of a plain track, seconds; null where it is another. */
function firstTime({ codec, channels, layout, sample_rate }: AudioFacts, sound: ProbedSound): number | null {
  const timeBase = parseRational(sound.timeBase)
  const isPlain = codec === 'aac' && sound.profile === 'LC' && sample_rate >= RATE_MIN
  if (!isPlain || layout !== PLAIN[channels]?.layout || !timeBase) return null
  const times = sound.packets.map(({ fields }) => secondsOf(Number(fields.get('pts') ?? NaN), timeBase))
  const step = PACKET_SAMPLES / sample_rate
  const slack = 1.5 * secondsOf(1, timeBase)
  const follow = times.every(
    (time, at) => Number.isFinite(time) && (at === 0 || Math.abs(time - times[at - 1]! - step) <= slack),
  )
  return times.length > 0 && follow ? times[0]! : null
}

function beginAsSound(source: string, { packets }: ProbedSound, element: number): Promise<boolean> {
  const position = packets.slice(0, LOOKED_AT).map(({ fields }) => Number(fields.get('pos')))
  return everyHead(source, { position, bytes: 1 }, (head) => {
    const first = head[0] === undefined ? null : head[0] >> 5
    return first === element || (first !== null && BEFORE.includes(first))
  })
}
