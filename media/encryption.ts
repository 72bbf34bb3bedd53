/**
 * Finds out from the bytes of a source whether its tracks are encrypted: ffprobe shows encrypted tracks as ordinary ones, whose pictures then
 * look damaged. By the file's own flags only; whether somebody has the key does not matter, as none can be given.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { fsPath } from '../protocol/path-text.ts'
import { bodiesAt, boxesOf, sampleEntries } from './boxes.ts'
import { bodiesOf, bodyOf as elementBody, elementsIn, SEGMENT } from './ebml.ts'

/** Bytes at the beginning of a file that show of which kind it is. */
const START_BYTES = 4096
/** Bytes at the beginning of a file without an index that are looked at. */
const HEAD_BYTES = 4 * 1024 * 1024

/** Why a source cannot be decoded, as the end of a sentence; null where nothing says that it is encrypted. */
export async function whyEncrypted(path: string, boxes = boxesOf(path)): Promise<string | null> {
  const handle = await open(fsPath(path), 'r')
  try {
    const { size } = await handle.stat()
    const start = await beginning(handle, Math.min(size, START_BYTES))
    const scheme =
      (await mp4Scheme(start, boxes)) ??
      (await matroskaScheme(handle, start, size)) ??
      (hasFlags(start) ? flagOf(await beginning(handle, Math.min(size, HEAD_BYTES))) : null)
    return (
      scheme &&
      `is encrypted (DRM: ${scheme}): no decoder can read it without its key. Submit a copy that is not encrypted`
    )
  } finally {
    await handle.close()
  }
}

async function beginning(handle: FileHandle, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}

/** Sample entries of encrypted tracks: Common Encryption, and those of iTunes. */
const ENCRYPTED = new Set(['encv', 'enca', 'drmi', 'drms'])

async function mp4Scheme(head: Buffer, boxes: ReturnType<typeof boxesOf>): Promise<string | null> {
  if (!/^(ftyp|moov|mdat|wide|free|skip|styp)$/.test(head.toString('latin1', 4, 8))) return null
  const { moov } = await boxes()
  const entries = bodiesAt(moov, 'trak').flatMap(sampleEntries)
  const entry = entries.find(({ type }) => ENCRYPTED.has(type))
  if (!entry) return null
  const at = entry.body.indexOf('schm', 0, 'latin1')
  const scheme = at < 0 ? '' : entry.body.toString('latin1', at + 8, at + 12)
  return /^[a-z0-9 ]{4}$/i.test(scheme) ? scheme : entry.type
}

const EBML = 0x1a45dfa3
const TRACKS = 0x1654ae6b
const TRACK_ENTRY = 0xae
const CONTENT_ENCODINGS = 0x6d80
const CONTENT_ENCODING = 0x6240
const CONTENT_ENCRYPTION = 0x5035
/** A list of tracks is small, but each may have some kB of codec data. */
const TRACKS_BYTES_MAX = 16 * 1024 * 1024

async function matroskaScheme(handle: FileHandle, head: Buffer, size: number): Promise<string | null> {
  if (head.length < 4 || head.readUInt32BE(0) !== EBML) return null
  const segment = (await Array.fromAsync(elementsIn(handle, 0, size))).find(({ id }) => id === SEGMENT)
  const inner = segment ? await Array.fromAsync(elementsIn(handle, segment.start, size)) : []
  const tracks = inner.find(({ id }) => id === TRACKS)
  if (!tracks) return null
  const encodings = bodiesOf(await elementBody(handle, tracks, TRACKS_BYTES_MAX), TRACK_ENTRY)
    .flatMap((entry) => bodiesOf(entry, CONTENT_ENCODINGS).slice(0, 1))
    .flatMap((each) => bodiesOf(each, CONTENT_ENCODING))
  const isEncrypted = encodings.some((encoding) => bodiesOf(encoding, CONTENT_ENCRYPTION).length > 0)
  return isEncrypted ? 'ContentEncryption of Matroska' : null
}

const ASF_HEADER = Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex')
/** The content encryption object of ASF, and the extended one. */
const ASF_ENCRYPTION = ['fbb31122 23bdd211 b4b700a0c955fc6e', '14e68a29 2226174c b935dae07ee9289c'].map((hex) =>
  Buffer.from(hex.replaceAll(' ', ''), 'hex'),
)

const isAsf = (head: Buffer): boolean => head.subarray(0, 16).equals(ASF_HEADER)
const isProgram = (head: Buffer): boolean => head.length > 4 && head.readUInt32BE(0) === 0x1ba

const hasFlags = (head: Buffer): boolean => isAsf(head) || isTransport(head) || isProgram(head)

function flagOf(head: Buffer): string | null {
  if (isAsf(head)) {
    const header = head.subarray(0, head.length < 24 ? 0 : Number(head.readBigUInt64LE(16)))
    return ASF_ENCRYPTION.some((guid) => header.includes(guid)) ? 'Windows Media' : null
  }
  if (isTransport(head)) return scrambledShare(transportFlags(head)) > 0.5 ? 'scrambled transport stream' : null
  return isProgram(head) && scrambledShare(programFlags(head)) > 0.1 ? 'scrambled DVD (CSS)' : null
}

const TS_PACKET_BYTES = 188

const isTransport = (head: Buffer): boolean =>
  [0, 4].some((at) => [0, 1, 2].every((packet) => head[at + packet * (TS_PACKET_BYTES + at)] === 0x47))

/** Of each packet with a payload, whether it is scrambled. */
function transportFlags(head: Buffer): boolean[] {
  const prefix = head[0] === 0x47 ? 0 : 4
  const flags: boolean[] = []
  for (let at = prefix; at + TS_PACKET_BYTES <= head.length; at += TS_PACKET_BYTES + prefix) {
    const pid = head.readUInt16BE(at + 1) & 0x1fff
    // Tables (below 32) and padding are never scrambled.
    if (head[at] === 0x47 && pid >= 32 && pid !== 0x1fff && (head[at + 3]! & 0x10) !== 0)
      flags.push(head[at + 3]! >= 0x80)
  }
  return flags
}

/** Of each packet of picture in a program stream, whether it is scrambled. */
function programFlags(head: Buffer): boolean[] {
  const flags: boolean[] = []
  for (let at = head.indexOf(VIDEO_PACKET); at >= 0; at = head.indexOf(VIDEO_PACKET, at + 1)) {
    const control = head[at + 6] ?? 0
    if ((control & 0xc0) === 0x80) flags.push((control & 0x30) !== 0)
  }
  return flags
}

const VIDEO_PACKET = Buffer.from([0, 0, 1, 0xe0])

const scrambledShare = (flags: readonly boolean[]): number =>
  flags.length === 0 ? 0 : flags.filter((isScrambled) => isScrambled).length / flags.length
