/**
 * Sound as ffmpeg's `framecrc` reports it: for each stream the layout and rate that its decoder answered, and time, length and checksum of
 * each frame. Pure.
 */

/** One stream. */
export interface DecodedSound {
  /** Hz. */
  readonly rate: number
  /** ffmpeg's name of the layout: `5.1(side)`, `3 channels (FL+FR+TFL)`, or `17 channels` where nothing is known. */
  readonly layout: string
  readonly channels: number
  readonly frames: readonly SoundFrame[]
}

/** One decoded frame. */
export interface SoundFrame {
  /** Seconds. */
  readonly time: number
  /** Number of samples of one channel. */
  readonly samples: number
  readonly checksum: string
}

/** Bytes of a sample of `pcm_f32le`. */
const SAMPLE_BYTES = 4

/** The streams by number. Those without a frame are not there. */
export function parseDecodedSound(lines: readonly string[]): Map<number, DecodedSound> {
  const heads = new Map<string, string>()
  const found = new Map<number, { rate: number; layout: string; channels: number; frames: SoundFrame[] }>()
  for (const line of lines) {
    const head = /^#(\w+) (\d+): (.*)$/.exec(line)
    if (head) heads.set(`${head[1]} ${head[2]}`, head[3]!.trim())
    const row = /^(\d+),\s*-?\d+,\s*(-?\d+),\s*(\d+),\s*(\d+),\s*(0x\w+)/.exec(line)
    if (!row) continue
    const [stream, pts, samples, bytes] = row.slice(1, 5).map(Number) as [number, number, number, number]
    const [numerator = 1, denominator = 1] = (heads.get(`tb ${stream}`) ?? '').split('/').map(Number)
    const sound = found.get(stream) ?? {
      rate: Number(heads.get(`sample_rate ${stream}`)),
      layout: heads.get(`channel_layout_name ${stream}`) ?? '',
      channels: Math.round(bytes / SAMPLE_BYTES / Math.max(1, samples)),
      frames: [],
    }
    sound.frames.push({ time: (pts * numerator) / denominator, samples, checksum: row[5]! })
    found.set(stream, sound)
  }
  return found
}

/** Times may differ by the rounding of two time bases; that of the first frame by what a demuxer guesses before it knows. Seconds. */
const SAME_TIME_S = 0.001
const FIRST_TIME_S = 0.02

/**
 * Whether a copy decodes to the same sound: every frame of `source` is in it, at its time. Frames at both ends may be longer in the copy,
 * which does not know how much of them an encoder has added, or was cut off there. `offset`: seconds added to the copy's times.
 */
export function isSameSound(source: DecodedSound, copy: DecodedSound | undefined, offset: number): boolean {
  if (copy?.rate !== source.rate || copy.channels !== source.channels) return false
  const moved = copy.frames.map((frame) => ({ ...frame, time: frame.time - offset }))
  const known = Math.min(1, source.frames.length - 1)
  const at = moved.findIndex((frame) => isNear(frame.time, source.frames[known]!.time)) - known
  return source.frames.every((frame, number) => isSameFrame(frame, moved[at + number], number, source))
}

function isSameFrame(frame: SoundFrame, other: SoundFrame | undefined, number: number, source: DecodedSound): boolean {
  if (!other) return false
  const isFirst = number === 0
  if (frame.checksum === other.checksum && frame.samples === other.samples)
    return isNear(frame.time, other.time, isFirst ? FIRST_TIME_S : SAME_TIME_S)
  const usual = source.frames[1]?.samples ?? 0
  if (frame.samples >= usual || other.samples < frame.samples) return false
  if (isFirst) return isNear(endOf(frame, source.rate), endOf(other, source.rate))
  return number === source.frames.length - 1 && isNear(frame.time, other.time)
}

const endOf = ({ time, samples }: SoundFrame, rate: number): number => time + samples / rate
const isNear = (a: number, b: number, within = SAME_TIME_S): boolean => Math.abs(a - b) <= within

/** Frames that show whether times go with samples, or one codec with another's bytes. */
const STEPS_MIN = 8

/** Whether the times of a track are no times: most frames begin before half of the one before is over. Its samples follow one another. */
export function isUntimed({ frames, rate }: DecodedSound): boolean {
  const early = frames.filter(({ time }, at) => {
    const before = frames[at - 1]
    return before !== undefined && time - before.time < before.samples / rate / 2
  }).length
  return frames.length > STEPS_MIN && early * 2 > frames.length
}

/** Whether a few frames only were found in what is no sound of this codec: noise that has the pattern of a header now and then. */
export function isNoise({ frames, rate }: DecodedSound): boolean {
  const seconds = frames.reduce((sum, { samples }) => sum + samples / rate, 0)
  const span = frames.at(-1)!.time - frames[0]!.time
  return frames.length <= STEPS_MIN || seconds * 2 < span
}
