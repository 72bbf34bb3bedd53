/**
 * Common Encryption of a track, scheme `cbcs`: of each slice the first of ten blocks of 16 bytes, of sound every whole block, by AES-128 in CBC mode
 * that begins anew with each slice and each sample of sound. HLS names it `SAMPLE-AES`; DASH has it too, and players may ask for ranges. They are
 * given the key: it is no DRM. ISO/IEC 23001-7. Pure.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { AttemptFailed } from '../../protocol/errors.ts'
import { VISUAL_ENTRY_BYTES } from '../boxes.ts'
import type { SliceHeads } from '../codecs/codec.ts'
import { codecOfEntry } from '../codecs/codecs.ts'
import { type Box, children, need } from '../mp4.ts'
import { box, fullBox, u16, u32, u32s } from './box.ts'
import { sizesOf } from './fragment.ts'

/** A key, and what stands beside it in a track: 16 bytes each. */
export interface TrackKey {
  readonly key: Buffer
  /** The id by which players find the key. */
  readonly keyId: Buffer
  /** The initialisation vector of each encrypted range. */
  readonly iv: Buffer
}

/** What stands beside a key in the track of this name: it follows from both, so that every peer writes the same. */
export function trackKey(key: Buffer, name: string): TrackKey {
  const keyId = digestOf(key)
  return { key, keyId, iv: digestOf(Buffer.concat([keyId, Buffer.from(name)])) }
}

const digestOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest().subarray(0, BLOCK_BYTES)

/** Encrypts the parts of a track. */
export interface Cbcs {
  /** What initialises a decoder. */
  readonly init: Buffer
  /** A fragment, encrypted, and its bytes up to the end of its first sample. Throws `AttemptFailed`. */
  fragment(plain: Buffer): { readonly bytes: Buffer; readonly keyBytes: number }
  /** A segment, which is fragments, encrypted. Throws as `fragment`. */
  segment(plain: Buffer): Buffer
}

const BLOCK_BYTES = 16
/** Of ten blocks of a slice one is encrypted. */
const PATTERN = { encrypted: 1, clear: 9 }
const STRIPE_BYTES = (PATTERN.encrypted + PATTERN.clear) * BLOCK_BYTES
/** Names no system of DRM: the box lists the keys that a track needs. https://www.w3.org/TR/eme-initdata-cenc/ */
const COMMON_SYSTEM = Buffer.from('1077efecc0b24d02ace33c1e52e2fb4b', 'hex')
/** Where the description of the samples lies in a file. */
const TO_ENTRIES = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']
/** Most that an entry of clear and encrypted bytes holds of the first. */
const CLEAR_MAX = 0xffff

/** Encrypts the track that `init` begins. Throws `AttemptFailed('build_cannot')` for a codec of pictures whose slices are not known. */
export function createCbcs(init: Buffer, key: TrackKey): Cbcs {
  const entry = children(need(init, TO_ENTRIES.join('/')).subarray(8))[0]!
  const heads = headsOf(entry)
  const fragment = (plain: Buffer) => protectedFragment(plain, heads, key)
  return {
    init: protectedInit(init, entry, { ...key, isVideo: heads !== null }),
    fragment,
    segment: (plain) => Buffer.concat(fragmentsOf(plain).map((each) => fragment(each).bytes)),
  }
}

/** Each a `moof` and its `mdat`. */
function fragmentsOf(segment: Buffer): Buffer[] {
  const fragments: Buffer[] = []
  for (let at = 0; at < segment.length; ) {
    const moof = segment.readUInt32BE(at)
    const end = at + moof + segment.readUInt32BE(at + moof)
    fragments.push(segment.subarray(at, end))
    at = end
  }
  return fragments
}

/** Reads the slices of pictures; null of sound. */
function headsOf({ type, body }: Box): SliceHeads | null {
  const codec = codecOfEntry(type)
  if (codec === null) return null
  if (codec.sliceHeads === null)
    throw new AttemptFailed('build_cannot', `${codec.name} cannot be encrypted by samples by this version`)
  return codec.sliceHeads(need(body.subarray(VISUAL_ENTRY_BYTES), codec.configuration))
}

function protectedInit(init: Buffer, { type, body }: Box, of: TrackKey & { isVideo: boolean }): Buffer {
  const { keyId, iv, isVideo } = of
  const pattern = isVideo ? PATTERN.encrypted * 16 + PATTERN.clear : 0
  const [isProtected, ivBytes] = [1, 0]
  const sinf = box(
    'sinf',
    box('frma', Buffer.from(type, 'latin1')),
    fullBox('schm', 0, 0, Buffer.from('cbcs', 'latin1'), u32(0x00010000)),
    box(
      'schi',
      fullBox('tenc', 1, 0, Buffer.from([0, pattern, isProtected, ivBytes]), keyId, Buffer.from([iv.length]), iv),
    ),
  )
  const entry = box(isVideo ? 'encv' : 'enca', body, sinf)
  const described = changed(init, TO_ENTRIES, (stsd) => Buffer.concat([stsd.subarray(0, 8), entry]))
  const keys = fullBox('pssh', 1, 0, COMMON_SYSTEM, u32(1), keyId, u32(0))
  return changed(described, ['moov'], (moov) => Buffer.concat([moov, keys]))
}

/** The boxes, with the body of the one at a path changed. */
function changed(boxes: Buffer, [type, ...path]: readonly string[], change: (body: Buffer) => Buffer): Buffer {
  const changedBody = (body: Buffer) => (path.length === 0 ? change(body) : changed(body, path, change))
  return Buffer.concat(
    children(boxes).map((each) => box(each.type, each.type === type ? changedBody(each.body) : each.body)),
  )
}

/** So many clear bytes, and encrypted ones behind them. */
type Range = readonly [clear: number, encrypted: number]

function protectedFragment(plain: Buffer, heads: SliceHeads | null, key: TrackKey): ReturnType<Cbcs['fragment']> {
  const head = plain.readUInt32BE(0) + 8
  const sizes = sizesOf(need(plain, 'moof/traf/trun'))
  const samples = Buffer.from(plain.subarray(head))
  let at = 0
  const ranges = sizes.map((size) => {
    const sample = samples.subarray(at, at + size)
    at += size
    if (heads === null) {
      encryptBlocks(sample, key, BLOCK_BYTES)
      return []
    }
    const own = rangesOf(sample, heads)
    encryptRanges(sample, own, key)
    return own
  })
  const moof = heads === null ? plain.subarray(0, head - 8) : protectedMoof(plain, ranges)
  return {
    bytes: Buffer.concat([moof, plain.subarray(head - 8, head), samples]),
    keyBytes: moof.length + 8 + sizes[0]!,
  }
}

/** The units of a picture, each behind its length: heads of slices are clear, and units that are none. */
function rangesOf(sample: Buffer, heads: SliceHeads): Range[] {
  const ranges: Range[] = []
  let clear = 0
  const end = (encrypted: number) => {
    for (; clear > CLEAR_MAX; clear -= CLEAR_MAX) ranges.push([CLEAR_MAX, 0])
    ranges.push([clear, encrypted])
    clear = 0
  }
  for (let at = 0; at < sample.length; ) {
    const length = sample.readUInt32BE(at)
    const unit = sample.subarray(at + 4, at + 4 + length)
    if (length === 0 || unit.length < length) throw new AttemptFailed('verify_failed', 'a picture is cut off')
    const head = heads(unit)
    clear += 4 + head
    if (length > head) end(length - head)
    at += 4 + length
  }
  if (clear > 0) end(0)
  return ranges
}

function encryptRanges(sample: Buffer, ranges: readonly Range[], key: TrackKey): void {
  let at = 0
  for (const [clear, encrypted] of ranges) {
    at += clear + encrypted
    if (encrypted > 0) encryptBlocks(sample.subarray(at - encrypted, at), key, STRIPE_BYTES)
  }
}

/** Encrypts a block of every so many bytes, in place, as one chain; what is left of a block at the end stays clear. */
function encryptBlocks(bytes: Buffer, { key, iv }: TrackKey, every: number): void {
  const count = Math.ceil((bytes.length - BLOCK_BYTES + 1) / every)
  if (count <= 0) return
  const blocks = Buffer.alloc(count * BLOCK_BYTES)
  for (let at = 0; at < count; at++) bytes.copy(blocks, at * BLOCK_BYTES, at * every, at * every + BLOCK_BYTES)
  const encrypted = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false).update(blocks)
  for (let at = 0; at < count; at++) encrypted.copy(bytes, at * every, at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)
}

/** The `moof` with the ranges of its samples: how many bytes they take (`saiz`), where they lie (`saio`), and they (`senc`). */
function protectedMoof(plain: Buffer, ranges: readonly (readonly Range[])[]): Buffer {
  const sizes = ranges.map(({ length }) => 2 + 6 * length)
  if (sizes.some((size) => size > 255))
    throw new AttemptFailed('build_cannot', 'a picture has too many slices to be encrypted by this version')
  const isSame = sizes.every((size) => size === sizes[0])
  const about = ranges.map((own) =>
    Buffer.concat([u16(own.length), ...own.flatMap(([clear, encrypted]) => [u16(clear), u32(encrypted)])]),
  )
  const saiz = fullBox(
    'saiz',
    0,
    0,
    Buffer.from([isSame ? sizes[0]! : 0]),
    u32(ranges.length),
    Buffer.from(isSame ? [] : sizes),
  )
  const HAS_RANGES = 2
  const senc = fullBox('senc', 0, HAS_RANGES, u32(ranges.length), ...about)
  const moof = plain.subarray(0, plain.readUInt32BE(0))
  const saio = (offset: number) => fullBox('saio', 0, 0, u32s([1, offset]))
  const added = saiz.length + saio(0).length + senc.length
  // The boxes come last in `traf`, which is last in `moof`.
  const offset = moof.length + added - senc.length + 16
  return changed(moof, ['moof', 'traf'], (traf) =>
    Buffer.concat([changed(traf, ['trun'], (trun) => moved(trun, added)), saiz, saio(offset), senc]),
  )
}

/** A `trun` whose samples lie so many bytes further behind the beginning of the `moof`. */
function moved(trun: Buffer, bytes: number): Buffer {
  const copy = Buffer.from(trun)
  copy.writeInt32BE(trun.readInt32BE(8) + bytes, 8)
  return copy
}
