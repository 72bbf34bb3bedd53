/** What the sample entry of a track says of its codec, and the entry without what differs between builds. Pure. */
import { AttemptFailed } from '../../protocol/errors.ts'
import { SOUND_ENTRY_BYTES, VISUAL_ENTRY_BYTES } from '../boxes.ts'
import { codecOfEntry } from '../codecs/codecs.ts'
import { type Box, children, type Track } from '../mp4.ts'
import { box } from './box.ts'

/** Where a visual entry names the program that made it, and how many bytes that takes. */
const COMPRESSOR = { at: 42, bytes: 32 }
/** Boxes that a player needs beside the configuration of the decoder: colour, shape of pixels, and what HDR was mastered on. */
const KEPT = ['colr', 'pasp', 'mdcv', 'clli']

/** How an entry of sound configures its decoder, and its name in manifests. RFC 6381. */
const SOUND: Readonly<Record<string, { configuration: string; name: (record: Buffer) => string }>> = {
  mp4a: { configuration: 'esds', name: nameOfEsds },
  Opus: { configuration: 'dOps', name: () => 'opus' },
  fLaC: { configuration: 'dfLa', name: () => 'flac' },
  'ac-3': { configuration: 'dac3', name: () => 'ac-3' },
  'ec-3': { configuration: 'dec3', name: () => 'ec-3' },
}

/** What a sample entry says. */
export interface EntryFacts {
  /** The entry as a box: the same from every build of a family. */
  readonly entry: Buffer
  /** The codec as manifests name it, such as `avc1.64001F`. RFC 6381. */
  readonly codecs: string
  /** Transfer function, as HLS names it. */
  readonly range: 'SDR' | 'PQ' | 'HLG'
}

/** The name of the codec of a track of sound in manifests; null for one that streams cannot have. */
export const canStream = ({ entry }: Pick<Track, 'entry'>): boolean => Object.hasOwn(SOUND, entry)

/** Reads the entry of a picture or of sound. Throws `AttemptFailed('build_cannot')` for a codec that is not known here. */
export function entryFacts({ kind, entry, description }: Pick<Track, 'kind' | 'entry' | 'description'>): EntryFacts {
  const isVideo = kind === 'video'
  const head = Buffer.from(description.subarray(0, isVideo ? VISUAL_ENTRY_BYTES : SOUND_ENTRY_BYTES))
  if (isVideo) head.fill(0, COMPRESSOR.at, COMPRESSOR.at + COMPRESSOR.bytes)
  const boxes = children(description.subarray(head.length))
  const codec = isVideo ? codecOfEntry(entry) : null
  const known = codec ?? SOUND[entry]
  const record = known && boxes.find(({ type }) => type === known.configuration)?.body
  if (!known || !record)
    throw new AttemptFailed('build_cannot', `the codec ${entry} cannot be packaged by this version`)
  const kept = boxes.filter(({ type }) => type === known.configuration || KEPT.includes(type))
  return {
    entry: box(entry, head, ...kept.map(({ type, body }) => box(type, type === 'esds' ? withoutRates(body) : body))),
    codecs: codec ? codec.manifestName(record) : SOUND[entry]!.name(record),
    range: rangeOf(kept),
  }
}

/** Numbers of transfer functions, ISO/IEC 23091-2. */
const RANGES: Readonly<Record<number, EntryFacts['range']>> = { 16: 'PQ', 18: 'HLG' }

function rangeOf(boxes: readonly Box[]): EntryFacts['range'] {
  const color = boxes.find(({ type }) => type === 'colr')?.body
  return (color && color.length >= 8 && RANGES[color.readUInt16BE(6)]) || 'SDR'
}

/** Where the fields of two descriptors begin: of the configuration, and of what is specific to its codec. They lie in one another: a tag, a length of up to four bytes, and fields. ISO/IEC 14496-1. */
function descriptorsOf(esds: Buffer): { readonly configuration: number; readonly specific: number | null } {
  let configuration = 0
  for (let at = 4; at < esds.length; ) {
    const tag = esds.readUInt8(at++)
    while (esds.readUInt8(at++) & 0x80);
    if (tag === 3) at += 3
    else if (tag === 4) {
      configuration = at
      at += CONFIGURATION_BYTES
    } else return { configuration, specific: tag === 5 ? at : null }
  }
  return { configuration, specific: null }
}

/** Fields of the configuration: object type, kind of stream, size of a buffer (3 bytes), largest and average bit rate. */
const CONFIGURATION_BYTES = 13
const RATES = { at: 2, bytes: 11 }

/** `mp4a.40.2`: the object type, and of MPEG-4 sound the kind of it. */
function nameOfEsds(esds: Buffer): string {
  const { configuration, specific } = descriptorsOf(esds)
  const type = configuration === 0 ? 0 : esds.readUInt8(configuration)
  return type === 0x40
    ? `mp4a.40.${specific === null ? 0 : esds.readUInt8(specific) >> 3}`
    : `mp4a.${type.toString(16)}`
}

/** The descriptors without buffer and rates, 0 as of a stream whose rate varies: a muxer knows them only at the end of a file, and no player needs them. */
function withoutRates(esds: Buffer): Buffer {
  const { configuration } = descriptorsOf(esds)
  const plain = Buffer.from(esds)
  if (configuration > 0) plain.fill(0, configuration + RATES.at, configuration + RATES.at + RATES.bytes)
  return plain
}
