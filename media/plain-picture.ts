/**
 * Pictures that need no decoding to be known, as cameras and encoders write them into MP4: H.264 in whole frames, one in each packet, the first
 * of which is decoded without others. Then packets, their times and the frames of the decoder are the same, and a decode of the beginning
 * would only show it again, at the price of a tenth of a clip's encode.
 */
import { createHash } from 'node:crypto'
import { pictureStart, sequenceOf } from './avc.ts'
import { bodiesAt, boxesOf, handlerOf, innerBoxes, sampleEntries, VISUAL_ENTRY_BYTES } from './boxes.ts'
import type { Packets } from './packet-index.ts'
import { everyHead } from './source-file.ts'

/** A source whose packets have been read. */
export interface PictureSource {
  readonly source: string
  /** ffmpeg's names of the container, separated by commas. */
  readonly format: string
  readonly codec: string
  readonly packets: Packets
}

/** Bytes read of each packet: what stands before its picture. */
export const PLAIN_HEAD_BYTES = 2_048
/** Packets of a clip; of a longer film a decode of the beginning costs less than to read each of them. */
const PACKETS_MAX = 2_000

/**
 * The sha256 of the decoder configuration of a source whose pictures are plain: all that their frames say beside the container. Null where they
 * are not. Rejects with the error of the file system.
 */
export async function plainPicture({ source, format, codec, packets }: PictureSource): Promise<string | null> {
  const { pts, dts, position, discarded } = packets
  if (codec !== 'h264' || !format.split(',').includes('mov') || packets.announced || pts.length > PACKETS_MAX)
    return null
  const isTimed = pts.every(Number.isFinite) && new Set(pts).size === pts.length && pts.every((time) => time >= pts[0]!)
  if (!isTimed || discarded.includes(true) || !position.every((at) => Number.isSafeInteger(at) && at > 0)) return null
  const record = (await pictureEntry(source))?.record
  const sequence = record && sequenceOf(record)
  if (!record || !sequence?.isProgressive) return null
  // Where the times of packets are those of decoding, pictures must be shown in that order.
  if (!sequence.isInOrder && pts.every((time, at) => time === dts[at])) return null
  const begins = (head: Buffer, number: number) => {
    const start = pictureStart(head)
    return start !== null && (number > 0 || start.isRefresh)
  }
  return (await everyHead(source, { position, bytes: PLAIN_HEAD_BYTES }, begins))
    ? createHash('sha256').update(record).digest('hex')
    : null
}

/**
 * The body of the sample entry of the only picture track of a file, and the decoder configuration in it; null where the file has other tracks of
 * pictures, or another description. Rejects with the error of the file system.
 */
export async function pictureEntry(source: string): Promise<{ entry: Buffer; record: Buffer } | null> {
  const { moov } = await boxesOf(source)()
  const tracks = bodiesAt(moov, 'trak').filter((trak) => handlerOf(trak) === 'vide')
  const entries = tracks.length === 1 ? sampleEntries(tracks[0]!) : []
  const [entry] = entries
  if (entries.length !== 1 || entry?.type !== 'avc1') return null
  const record = innerBoxes(entry.body.subarray(VISUAL_ENTRY_BYTES)).find(({ type }) => type === 'avcC')?.body
  return record ? { entry: entry.body, record } : null
}
