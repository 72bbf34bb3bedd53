/**
 * Sound whose position can be read back to a fraction of a sample: short rising chirps in silence, at irregular known
 * times, each in one channel. A chirp's correlation with itself has one narrow peak (a plain tone's has one per
 * period), and it survives AAC, AC-3, Opus and the like. Every track has a band of its own, so swapped tracks show.
 */

export interface Beeps {
  /** Which band: 0, 1, 2 … */
  readonly track: number
  readonly channels: 1 | 2 | 6
  readonly rate: number
  readonly seconds: number
  /** Samples that everything comes later: what the tests of the checker use. */
  readonly lateSamples?: number
}

/** Samples of a decoded track that follow each other without a gap, and when the first of them is heard. */
export interface Run {
  readonly start_s: number
  /** Interleaved. */
  readonly samples: Float32Array
}

export interface Beep {
  readonly at_s: number
  readonly channel: number
  /** 1 is a perfect likeness of the track's chirp; another track's gives under 0.5. */
  readonly likeness: number
}

const CHIRP_S = 0.03
const LOUD = 0.5
/** A beep begins where silence ends: louder than this after `QUIET_S` below it. Codecs leave a little noise before. */
const ONSET = 0.08
const QUIET_S = 0.1
/** How far around the rough onset the exact one is looked for; AAC's echo before a sound is up to 1,024 samples. */
const SEARCH_S = 0.03

const beepTime = (index: number): number => 0.4 + index + ((index * 7) % 5) * 0.05

/** A WAV file (16 bit) with a beep about every second, going round the channels (never the LFE: it is low-passed). */
export function beepsWav(beeps: Beeps): Uint8Array {
  const { channels, rate, seconds, lateSamples = 0 } = beeps
  const frames = Math.round(seconds * rate)
  const data = new Int16Array(frames * channels)
  const chirp = chirpAt(beeps.track, rate)
  const audible = audibleChannels(channels)
  for (let index = 0; beepTime(index) + 2 * CHIRP_S < seconds; index++) {
    const from = Math.round(beepTime(index) * rate) + lateSamples
    const channel = audible[index % audible.length] ?? 0
    chirp.forEach((value, at) => {
      const target = (from + at) * channels + channel
      if (target < data.length) data[target] = Math.round(value * LOUD * 32767)
    })
  }
  return Buffer.concat([wavHeader(channels, rate, data.byteLength), Buffer.from(data.buffer)])
}

/** Every beep in a decoded track, in order. */
export function findBeeps(runs: readonly Run[], format: { track: number; rate: number; channels: number }): Beep[] {
  const chirp = chirpAt(format.track, format.rate)
  return runs.flatMap((run) =>
    roughOnsets(run.samples, format).map(({ frame, channel }) => {
      const { at, likeness } = alignChirp({ ...format, samples: run.samples, channel }, chirp, frame)
      return { at_s: run.start_s + at / format.rate, channel, likeness }
    }),
  )
}

interface Sound {
  readonly samples: Float32Array
  readonly rate: number
  readonly channels: number
  readonly channel: number
}

function chirpAt(track: number, rate: number): Float32Array {
  const from = 500 + 1_700 * track
  const rise = 1_500
  return Float32Array.from({ length: Math.round(CHIRP_S * rate) }, (_, index) => {
    const t = index / rate
    const fade = Math.min(1, (CHIRP_S - t) / 0.005)
    return fade * Math.sin(2 * Math.PI * (from * t + (rise * t * t) / (2 * CHIRP_S)))
  })
}

const audibleChannels = (channels: number): number[] => (channels === 6 ? [0, 1, 2, 4, 5] : [...Array(channels).keys()])

function roughOnsets(samples: Float32Array, { rate, channels }: { rate: number; channels: number }) {
  const found: { frame: number; channel: number }[] = []
  let quietFrom = -rate
  for (let frame = 0; frame * channels < samples.length; frame++) {
    let loud = false
    for (let channel = 0; channel < channels; channel++) {
      if (Math.abs(samples[frame * channels + channel] ?? 0) > ONSET) loud = true
    }
    if (!loud) continue
    if (frame - quietFrom > QUIET_S * rate)
      found.push({ frame, channel: loudestChannel(samples, frame, { rate, channels }) })
    quietFrom = frame
  }
  return found
}

function loudestChannel(samples: Float32Array, frame: number, { rate, channels }: { rate: number; channels: number }) {
  const energy = Array.from({ length: channels }, (_, channel) => {
    let sum = 0
    for (let at = frame; at < frame + CHIRP_S * rate; at++) sum += (samples[at * channels + channel] ?? 0) ** 2
    return sum
  })
  return energy.indexOf(Math.max(...energy))
}

/** Normalised correlation at every shift around `near`; the peak, refined by a parabola through its neighbours. */
function alignChirp(sound: Sound, chirp: Float32Array, near: number): { at: number; likeness: number } {
  const reach = Math.round(SEARCH_S * sound.rate)
  const window = Float32Array.from({ length: 2 * reach + chirp.length }, (_, at) => {
    return sound.samples[(near - reach + at) * sound.channels + sound.channel] ?? 0
  })
  const scores = Array.from({ length: 2 * reach }, (_, shift) => likeness(window, chirp, shift))
  const peak = scores.indexOf(Math.max(...scores))
  const [before = 0, top = 0, after = 0] = [scores[peak - 1], scores[peak], scores[peak + 1]]
  const curve = before - 2 * top + after
  return { at: near - reach + peak + (curve < 0 ? (before - after) / (2 * curve) : 0), likeness: top }
}

function likeness(sound: Float32Array, chirp: Float32Array, shift: number): number {
  let [product, energy, own] = [0, 1e-9, 0]
  for (let at = 0; at < chirp.length; at++) {
    const value = sound[shift + at] ?? 0
    const want = chirp[at] ?? 0
    product += value * want
    energy += value * value
    own += want * want
  }
  return product / Math.sqrt(energy * own)
}

function wavHeader(channels: number, rate: number, bytes: number): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + bytes, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(bytes, 40)
  return header
}
