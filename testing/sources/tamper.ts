/**
 * Changes to files that no muxer makes: damaged packets, a display matrix, metadata in another order. Done on the bytes,
 * so that they do not depend on an ffmpeg option that came or went between versions.
 */
import { execa } from 'execa'

interface Box {
  readonly type: string
  readonly start: number
  readonly end: number
}

/** A length of four bytes and the type; what follows says which picture it is. */
const NAL_HEADER_BYTES = 5
const CONTAINERS = new Set(['moov', 'trak'])

export type Turn = '90' | '180' | '270' | 'mirror' | 'mirror-90'

/** a, b, c, d of the display matrix (ISO 14496-12, 8.3.2) for each clockwise turn. */
const MATRICES: Readonly<Record<Turn, readonly number[]>> = {
  '90': [0, 1, -1, 0],
  '180': [-1, 0, 0, -1],
  '270': [0, -1, 1, 0],
  mirror: [-1, 0, 0, 1],
  'mirror-90': [0, 1, 1, 0],
}

/** `bytes` with the display matrix of the first video track set. */
export function turnMp4(bytes: Buffer, turn: Turn): Buffer {
  const header = allBoxes(bytes, 0, bytes.length).find((box) => box.type === 'tkhd')
  if (!header) throw new Error('no track header in this MP4')
  const version = bytes.readUInt8(header.start + 8)
  const matrix = header.start + 8 + (version === 1 ? 52 : 40)
  const [a = 0, b = 0, c = 0, d = 0] = MATRICES[turn]
  for (const [index, value] of [a, b, 0, c, d].entries()) bytes.writeInt32BE(value * 65536, matrix + 4 * index)
  return bytes
}

/** `bytes` with `udta` moved before the first track. Sizes stay, so chunk offsets do too. */
export function coverFirst(bytes: Buffer): Buffer {
  const moov = boxes(bytes, 0, bytes.length).find((box) => box.type === 'moov')
  if (!moov) throw new Error('no moov in this MP4')
  const children = boxes(bytes, moov.start + 8, moov.end)
  const rank = (box: Box) => ['mvhd', 'udta', 'trak'].indexOf(box.type) + 1 || 9
  const ordered = children.toSorted((left, right) => rank(left) - rank(right))
  const moved = Buffer.concat(ordered.map((box) => bytes.subarray(box.start, box.end)))
  return Buffer.concat([bytes.subarray(0, moov.start + 8), moved, bytes.subarray(moov.end)])
}

/**
 * Inverts bytes of video packets: in the middle of `packets`, where a picture is damaged, and behind the NAL header of
 * `heads`, where it is lost. Numbers count the packets whose place is known.
 */
export async function damagePackets(
  bytes: Buffer,
  job: { file: string; cwd: string; packets: readonly number[]; heads: readonly number[]; ffprobe: string },
): Promise<Buffer> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'packet=pos,size',
    '-of',
    'compact=p=0',
    job.file,
  ]
  const { stdout } = await execa(job.ffprobe, args, { cwd: job.cwd, stdin: 'ignore' })
  // In a transport stream some packets come out of a parser and have no place.
  const packets = stdout.split('\n').flatMap((line) => {
    const [pos, size] = [/pos=(\d+)/.exec(line), /size=(\d+)/.exec(line)]
    return pos && size ? [{ pos: Number(pos[1]), size: Number(size[1]) }] : []
  })
  for (const index of [...job.packets, ...job.heads]) {
    const packet = packets[index]
    if (!packet) throw new Error(`no place of video packet ${index} in ${job.file}`)
    const from = packet.pos + (job.heads.includes(index) ? NAL_HEADER_BYTES : Math.floor(packet.size / 2))
    for (let at = from; at < Math.min(from + 24, packet.pos + packet.size); at++) bytes[at] = 255 - (bytes[at] ?? 0)
  }
  return bytes
}

/** A transport stream without its first part (0–1), cut between two packets of 188 bytes. */
export const behead = (bytes: Buffer, drop: number): Buffer =>
  bytes.subarray(Math.floor((bytes.length * drop) / 188) * 188)

export function loseTsPackets(bytes: Buffer, every: number): Buffer {
  const packets = Array.from({ length: Math.floor(bytes.length / 188) }, (_, at) =>
    bytes.subarray(at * 188, (at + 1) * 188),
  )
  return Buffer.concat(packets.filter((_, at) => at % every !== every - 1))
}

export const zeroHole = (bytes: Buffer, hole: { at: number; bytes: number }): Buffer =>
  bytes.fill(0, Math.floor(bytes.length * hole.at), Math.floor(bytes.length * hole.at) + hole.bytes)

function boxes(bytes: Buffer, from: number, to: number): Box[] {
  const found: Box[] = []
  for (let start = from; start + 8 <= to; ) {
    const small = bytes.readUInt32BE(start)
    const size = small === 1 ? Number(bytes.readBigUInt64BE(start + 8)) : small || to - start
    found.push({ type: bytes.toString('latin1', start + 4, start + 8), start, end: start + size })
    start += size
  }
  return found
}

const allBoxes = (bytes: Buffer, from: number, to: number): Box[] =>
  boxes(bytes, from, to).flatMap((box) =>
    CONTAINERS.has(box.type) ? [box, ...allBoxes(bytes, box.start + 8, box.end)] : [box],
  )
