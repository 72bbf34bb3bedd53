/**
 * Finds out whether a source was cut off while it was recorded or copied, by what its own header or index promises: bytes that are not there.
 * ffprobe reads such a file to its end without a word.
 *
 * Only promises count, so that no whole file is called cut off: one of unknown length (live WebM, a pipe) promises nothing. A file cut
 * exactly between two packets of a format without an index is not noticed.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { fsPath } from '../protocol/path-text.ts'
import type { Fate } from '../protocol/plan.ts'
import { bodiesAt, bodyOf, boxesOf, bytesPromised, handlerOf, type TopBox } from './boxes.ts'
import { elementsIn, SEGMENT } from './ebml.ts'
import {
  asfPromise,
  aviPromise,
  flvPromise,
  mxfPromise,
  oggPromise,
  type Promised,
  programPromise,
  transportPromise,
} from './promises.ts'

/** What a file that was cut off promised; null for a whole one, and where its format (ffmpeg's name) promises nothing. */
export async function cutOff(
  path: string,
  { format, duration_s }: { readonly format: string; readonly duration_s: number },
  boxes = boxesOf(path),
): Promise<Promised | null> {
  const check = CHECKS.find(([name]) => format.split(',').includes(name))?.[1]
  if (check === undefined) return null
  const handle = await open(fsPath(path), 'r')
  try {
    return await check(handle, (await handle.stat()).size, duration_s, boxes)
  } catch (error) {
    // A field that lies beyond the end of a buffer: the header itself is damaged, and promises nothing.
    if (error instanceof RangeError) return null
    throw error
  } finally {
    await handle.close()
  }
}

type Check = (
  handle: FileHandle,
  fileBytes: number,
  duration_s: number,
  boxes: ReturnType<typeof boxesOf>,
) => Promise<Promised | null>

const CHECKS: readonly (readonly [string, Check])[] = [
  ['matroska', matroskaPromise],
  ['mp4', mp4Promise],
  ['avi', aviPromise],
  ['flv', flvPromise],
  ['asf', asfPromise],
  ['ogg', oggPromise],
  ['mxf', mxfPromise],
  ['mpegts', transportPromise],
  ['mpeg', programPromise],
]

const lengthOnly = (duration_s: number): Promised => ({ seconds: duration_s > 0 ? duration_s : null, frames: null })

async function matroskaPromise(handle: FileHandle, fileBytes: number, duration_s: number): Promise<Promised | null> {
  const segment = (await Array.fromAsync(elementsIn(handle, 0, fileBytes))).find(({ id }) => id === SEGMENT)
  if (segment?.length == null || segment.start + segment.length <= fileBytes) return null
  return lengthOnly(duration_s)
}

async function mp4Promise(...[handle, fileBytes, duration_s, read]: Parameters<Check>): Promise<Promised | null> {
  const { boxes, moov } = await read()
  const isFragmented = bodiesAt(moov, 'mvex').length > 0
  const isShort = bytesPromised(boxes) > fileBytes
  const sidx = isFragmented ? await segmentsPromise(handle, boxes) : null
  if (!isShort && !(sidx !== null && sidx.end > fileBytes) && lastChunk(moov) < fileBytes) return null
  if (isFragmented) return { seconds: sidx?.seconds ?? fragmentSeconds(moov), frames: null }
  return { ...lengthOnly(duration_s), frames: pictureSamples(moov) }
}

/** Position of the last chunk of samples, bytes. */
function lastChunk(moov: Buffer): number {
  let last = 0
  const table = 'trak/mdia/minf/stbl'
  for (const stco of bodiesAt(moov, `${table}/stco`)) {
    for (let at = 8; at + 4 <= stco.length; at += 4) last = Math.max(last, stco.readUInt32BE(at))
  }
  for (const co64 of bodiesAt(moov, `${table}/co64`)) {
    for (let at = 8; at + 8 <= co64.length; at += 8) last = Math.max(last, Number(co64.readBigUInt64BE(at)))
  }
  return last
}

/** Samples of the first track of pictures. */
function pictureSamples(moov: Buffer): number | null {
  for (const trak of bodiesAt(moov, 'trak')) {
    const [stsz] = bodiesAt(trak, 'mdia/minf/stbl/stsz')
    if (handlerOf(trak) === 'vide' && stsz) return stsz.readUInt32BE(8)
  }
  return null
}

/** The length that a fragmented file says it has (`mehd`). */
function fragmentSeconds(moov: Buffer): number | null {
  const [mvhd] = bodiesAt(moov, 'mvhd')
  const [mehd] = bodiesAt(moov, 'mvex/mehd')
  if (!mvhd || !mehd) return null
  const scale = mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12)
  const length = mehd[0] === 1 ? Number(mehd.readBigUInt64BE(4)) : mehd.readUInt32BE(4)
  return scale > 0 && length > 0 ? length / scale : null
}

/** End, bytes, and length of the segments that the first index (`sidx`) lists. */
async function segmentsPromise(
  handle: FileHandle,
  boxes: readonly TopBox[],
): Promise<{ end: number; seconds: number } | null> {
  const box = boxes.find(({ type }) => type === 'sidx')
  const sidx = box && (await bodyOf(handle, box))
  if (!box || !sidx) return null
  const at = sidx[0] === 1 ? 28 : 20
  const scale = sidx.readUInt32BE(8)
  const offset = sidx[0] === 1 ? Number(sidx.readBigUInt64BE(20)) : sidx.readUInt32BE(16)
  let [end, ticks] = [box.start + box.length + offset, 0]
  for (let left = sidx.readUInt16BE(at + 2), entry = at + 4; left > 0; left--, entry += 12) {
    end += sidx.readUInt32BE(entry) & 0x7fff_ffff
    ticks += sidx.readUInt32BE(entry + 4)
  }
  return { end, seconds: ticks / Math.max(1, scale) }
}

/** What becomes of a film that was cut off: with numbers, as far as they are known. `seconds` and `frames` are there. Pure. */
export function cutOffFates(promised: Promised | null, there: { seconds: number; frames: number }): Fate[] {
  return promised === null ? [] : [{ part: END_OF_FILE, fate: 'left_out', note: `${cutOffSentence(promised, there)}.` }]
}

/** The part of a source that was cut off. */
export const END_OF_FILE = 'end of the file'

/** The sentence, without its full stop. Pure. */
export function cutOffSentence({ seconds, frames }: Promised, there: { seconds: number; frames: number }): string {
  const missing = frames !== null && frames > there.frames ? ` (${there.frames} of ${frames} frames)` : ''
  if (seconds === null || seconds <= there.seconds)
    return `The file was cut off: ${there.seconds.toFixed(1)} s are there, and its last part is not whole`
  return `The file was cut off: ${there.seconds.toFixed(1)} of ${seconds.toFixed(1)} s are there${missing}`
}
