/**
 * The codecs of this version, and what a recipe may ask of them. A new codec is one file beside this one and its name in the list.
 */
import assert from 'node:assert/strict'
import { parseClass } from '../../protocol/capability.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { av1 } from './av1.ts'
import type { Codec, Encoder, Threads } from './codec.ts'
import { h264 } from './h264.ts'
import { hevc } from './hevc.ts'
import { vp9 } from './vp9.ts'

const table = new Map<string, Codec>([h264, hevc, av1, vp9].map((codec) => [codec.name, codec]))

/** All codecs of this process, H.264 first. */
export const codecs = (): Codec[] => [...table.values()]

/** The codec of this name; null for one that this version does not know. */
export const findCodec = (name: string): Codec | null => table.get(name) ?? null

/**
 * The codec of a plan. Throws `AttemptFailed('build_cannot')` for one that this version does not know: a newer peer may have planned with
 * it, and can encode it.
 */
export function codecOf(name: string): Codec {
  const codec = findCodec(name)
  if (codec === null)
    throw new AttemptFailed('build_cannot', `this version of Reelmesh does not know the codec ${name}`)
  return codec
}

/**
 * The encoder that makes a planned rendition, which its class names. Throws `AttemptFailed('build_cannot')` for a codec or an encoder that this
 * version does not know.
 */
export function encoderOf({ codec, class: of }: Pick<RenditionPlan, 'codec' | 'class'>): Encoder {
  return encoderOfWord(codec, parseClass(of)?.encoder ?? '')
}

/** The encoder of a word of a `SelfTestReport`. Throws as `encoderOf`. */
export function encoderOfWord(codec: string, word: string): Encoder {
  const encoder = codecOf(codec).encoders.find((each) => isWordOf(word, each))
  if (!encoder)
    throw new AttemptFailed('build_cannot', `this version of Reelmesh does not know the encoder ${word} of ${codec}`)
  return encoder
}

/**
 * The preset at which the encoder of this word makes a rendition: that of the rendition, but for one at which its build shows wrong pictures. Throws
 * as `encoderOf`.
 */
export function usedPreset({ codec, preset }: Pick<Rendition, 'codec' | 'preset'>, word: string): string {
  const { name, faulty } = encoderOfWord(codec, word)
  const family = word.slice(name.length + 1, word.endsWith(DEEP) ? -DEEP.length : undefined)
  return faulty?.presets.includes(preset) && !faulty.rightIn.includes(family) ? faulty.instead : preset
}

const ONE_THREAD: Threads = { threads: 1, cores: 1 }

/**
 * The threads that encode each of the last chunks of a film: several where they may, so that no core idles at its end. The bytes of a constant quality follow from
 * the number of threads; those of a capped one, or of an average, by libx264 also from which thread is first (findings/x264-capped-threads.sh).
 */
export const lastChunkThreads = ({ threaded }: Encoder, { rate }: Pick<Rendition, 'rate'>): Threads =>
  threaded !== null && 'crf' in rate && rate.maxrate_kbps === undefined ? threaded : ONE_THREAD

/** Cores of two that an encode of these renditions by several threads keeps busy at least, each by the preferred encoder of its codec. */
export const encodeCoresOf = (renditions: readonly Pick<Rendition, 'codec' | 'rate'>[]): number =>
  Math.min(...renditions.map((each) => lastChunkThreads(codecOf(each.codec).encoders[0], each).cores))

/** The codec whose sample entry in MP4 has this name, or null. */
export const codecOfEntry = (entry: string): Codec | null => codecs().find((codec) => codec.entry === entry) ?? null

/** The end of an encoder's word for more than 8 bits. */
const DEEP = '-10bit'

/** The word of an encoder in classes: its name, its build family where builds differ, and its bit depth where that is not 8: `x265-199-10bit`. */
export const encoderWord = ({ name }: Encoder, family: string | null, bitDepth: number): string =>
  `${name}${family === null ? '' : `-${family}`}${bitDepth === 8 ? '' : DEEP}`

const isWordOf = (word: string, { name }: Encoder): boolean => word === name || word.startsWith(`${name}-`)

const wordsOf = (words: readonly string[], { encoders }: Codec): string[] =>
  encoders.flatMap((encoder) => words.filter((word) => isWordOf(word, encoder)))

/** A codec without its preferred encoders, by their names in ffmpeg. `instead`: the one that works; undefined where none does. */
export interface MissingEncoders {
  readonly codec: string
  readonly libraries: readonly string[]
  readonly instead: string | undefined
}

/** The codecs of which these encoders (of a `SelfTestReport`) are none, or not the preferred one. */
export const missingEncoders = (words: readonly string[]): MissingEncoders[] =>
  codecs().flatMap(({ name: codec, encoders }) => {
    const first = encoders.findIndex((encoder) => words.some((word) => isWordOf(word, encoder)))
    const libraries = encoders.map(({ library }) => library)
    const missing = first < 0 ? libraries : libraries.slice(0, first)
    return missing.length === 0 ? [] : [{ codec, libraries: missing, instead: libraries[first] }]
  })

/** The encoders, of these of a `SelfTestReport`, that can encode a rendition: those that its codec prefers first. */
export function encoderWords(
  encoders: readonly string[],
  { codec, bit_depth }: Pick<Rendition, 'codec' | 'bit_depth'>,
): string[] {
  const known = findCodec(codec)
  return known === null ? [] : wordsOf(encoders, known).filter((word) => word.endsWith(DEEP) === (bit_depth !== 8))
}

/**
 * Adds a codec to those of this process; the returned function removes it. Throws `TypeError` where its name
 * or one of its encoders is taken, or an encoder is no word for a class.
 */
export function addCodec(codec: Codec): () => void {
  const taken = codecs().flatMap(({ encoders }) => encoders.map(({ name }) => name))
  const isNew = ({ name }: Encoder): boolean => !taken.includes(name) && /^[a-z0-9]{1,16}$/.test(name)
  if (table.has(codec.name) || !codec.encoders.every(isNew)) throw new TypeError(`not a new codec: ${codec.name}`)
  table.set(codec.name, codec)
  return () => void table.delete(codec.name)
}

/** Bit rates that ffmpeg takes, kb/s: its own bound is 2³¹ bit/s. */
const KBPS = { min: 1, max: 2_000_000 }

/** What of a rendition cannot be encoded: the field of a ladder file that asks for it, and a sentence. */
export interface Refusal {
  readonly field: 'codec' | 'preset' | 'bit_depth' | 'profile' | 'crf' | 'kbps' | 'maxrate_kbps' | 'bufsize_kb'
  /** It names the rendition and what to ask for instead. */
  readonly why: string
}

/** Why this cannot be encoded; null where it can. */
export function refusalOf(rendition: Rendition): Refusal | null {
  const { id, codec: name, preset, bit_depth, profile } = rendition
  const instead = (field: Refusal['field'], asked: string, allowed: string): Refusal => ({
    field,
    why: `The rendition ${id} asks for ${asked}: use ${allowed}.`,
  })
  const codec = findCodec(name)
  if (codec === null)
    return instead('codec', `the codec "${name}", which this version does not know`, oneOf(table.keys()))
  const [{ library, presets }] = codec.encoders
  if (!Object.hasOwn(presets, preset))
    return instead('preset', `the preset "${preset}", which ${library} does not have`, oneOf(Object.keys(presets)))
  if (!codec.bitDepths.includes(bit_depth))
    return instead('bit_depth', `${bit_depth} bits, which ${name} cannot have here`, oneOf(codec.bitDepths))
  if (profile !== undefined && !profilesOf(codec, bit_depth).includes(profile))
    return instead(
      'profile',
      `the profile "${profile}", which ${name} does not have with ${bit_depth} bits`,
      oneOf(profilesOf(codec, bit_depth)) || 'none',
    )
  return refusedRate(rendition, codec, instead)
}

/** Why this cannot be encoded, as a sentence that names the rendition and what to ask for instead; null where it can. */
export const whyRefused = (rendition: Rendition): string | null => refusalOf(rendition)?.why ?? null

const profilesOf = ({ profiles }: Codec, bits: number): string[] =>
  Object.keys(profiles).filter((name) => profiles[name]!.includes(bits))

/** An average or a cap that the encoder cannot reach however coarse it gets, or that contradicts the other, is a slip of the pen. */
function refusedRate(
  { rate, box }: Rendition,
  codec: Codec,
  instead: (field: Refusal['field'], asked: string, allowed: string) => Refusal,
): Refusal | null {
  const [{ library }] = codec.encoders
  if ('kbps' in rate && !codec.averages)
    return instead('kbps', `an average bit rate, which ${library} cannot have here`, 'crf with maxrate_kbps')
  if ('crf' in rate && !isWithin(rate.crf, codec.crf))
    return instead('crf', `crf ${rate.crf}, which ${library} does not have`, range(codec.crf))
  const { maxrate_kbps, bufsize_kb } = rate
  const kbps = 'kbps' in rate ? rate.kbps : undefined
  for (const [field, kb] of Object.entries({ kbps, maxrate_kbps, bufsize_kb }) as [Refusal['field'], number?][])
    if (kb !== undefined && !isWithin(kb, KBPS)) return instead(field, `a rate or buffer of ${kb} kb`, range(KBPS))
  const least = Math.ceil((codec.leastKbps * box.width * box.height) / 1e6)
  for (const [field, kb] of Object.entries({ kbps, maxrate_kbps }) as [Refusal['field'], number?][])
    if (kb !== undefined && kb < least)
      return instead(
        field,
        `${kb} kb/s, which is less than ${codec.name} of ${box.width}x${box.height} can have`,
        `at least ${least}`,
      )
  if (kbps !== undefined && maxrate_kbps !== undefined && maxrate_kbps < kbps)
    return instead('maxrate_kbps', `at most ${maxrate_kbps} kb/s and an average of ${kbps}`, `at least ${kbps}`)
  return null
}

/**
 * The work to encode one frame of a rendition, in megapixels of libx264 at preset medium: `RenditionPlan.cost`. Only for what `whyRefused`
 * allows. Of the preferred encoder where none is given. Throws `AttemptFailed('build_cannot')` for an unknown codec.
 */
export function costOf(
  rendition: Pick<RenditionPlan, 'codec' | 'preset' | 'width' | 'height'>,
  encoder: Encoder = codecOf(rendition.codec).encoders[0],
): number {
  const factor = encoder.presets[rendition.preset]
  assert(factor !== undefined, `no cost of ${encoder.name} at ${rendition.preset}`)
  return (rendition.width * rendition.height * factor) / 1e6
}

const isWithin = (value: number, { min, max }: { min: number; max: number }): boolean => value >= min && value <= max
const range = ({ min, max }: { min: number; max: number }): string => `${min} to ${max}`
const oneOf = (words: Iterable<string | number>): string => [...words].join(' or ').replaceAll(/ or (?=.* or )/g, ', ')
