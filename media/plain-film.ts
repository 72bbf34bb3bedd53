/**
 * Whether a file shows by its boxes alone that it is a film: a whole MP4 or QuickTime file of one H.264 or HEVC picture, as phones and cameras write
 * them. ffprobe finds the same, in a process that takes 20 times as long. Of any other file this says nothing.
 */
import { stat } from 'node:fs/promises'
import { PICTURE_SIDE_MAX } from '../protocol/limits.ts'
import { fsPath } from '../protocol/path-text.ts'
import { bodiesAt, boxesOf, handlerOf, type InnerBox, innerBoxes, sampleEntries, VISUAL_ENTRY_BYTES } from './boxes.ts'
import { checkSource, sniff } from './source-file.ts'
import { cutOff } from './truncation.ts'

/** Sample entries of pictures, and the box of each with its parameter sets. */
const PICTURES: Readonly<Record<string, string>> = { avc1: 'avcC', avc3: 'avcC', hvc1: 'hvcC', hev1: 'hvcC' }
/** Sample entries of sound. */
const SOUNDS: ReadonlySet<string> = new Set([
  'mp4a',
  'ac-3',
  'ec-3',
  'Opus',
  'fLaC',
  'alac',
  'lpcm',
  'sowt',
  'twos',
  'samr',
])
/** Rejects with `SourceRefused` where a source is no video; `probe` finds it out where the file does not show that it is one. */
export async function checkFilm(source: string, probe: () => Promise<unknown>): Promise<void> {
  await checkSource(source)
  const { refused, isMp4 } = await sniff(source)
  if (refused !== null || !isMp4 || !(await isPlainFilm(source))) await probe()
}

/** False where only ffprobe can say it. Rejects with the error of the file system. */
export async function isPlainFilm(path: string, read = boxesOf(path)): Promise<boolean> {
  const { size } = await stat(fsPath(path))
  const { boxes, moov } = await read()
  const only = (type: string) =>
    boxes.filter((box) => box.type === type).length === 1 ? boxes.find((box) => box.type === type) : null
  const index = only('moov')
  const isWhole =
    index != null && moov.length === index.length - index.header && boxes.at(-1)!.start + boxes.at(-1)!.length <= size
  if (boxes[0]?.type !== 'ftyp' || only('ftyp') == null || !isWhole || !boxes.some(({ type }) => type === 'mdat'))
    return false
  if (boxes.some(({ type }) => type === 'moof') || bodiesAt(moov, 'mvex').length > 0) return false
  try {
    return areFilm(moov) && (await cutOff(path, { format: 'mp4', duration_s: 0 }, read)) === null
  } catch (error) {
    // A field beyond the end of its box.
    if (error instanceof RangeError) return false
    throw error
  }
}

function areFilm(moov: Buffer): boolean {
  const tracks = bodiesAt(moov, 'trak')
  const pictures = tracks.filter((trak) => handlerOf(trak) === 'vide')
  const sounds = tracks.filter((trak) => handlerOf(trak) === 'soun')
  const [picture] = pictures
  if (!picture || pictures.length > 1 || tracks.some((trak) => sampleEntries(trak).length !== 1)) return false
  return (
    isPicture(sampleEntries(picture)[0]!) &&
    hasSamples(picture) &&
    tracks.every(isInFile) &&
    sounds.every((trak) => SOUNDS.has(sampleEntries(trak)[0]!.type)) &&
    tracks.every((trak) => !/^(enc|drm)/.test(sampleEntries(trak)[0]!.type))
  )
}

function isPicture({ type, body }: InnerBox): boolean {
  const [width, height] = [body.readUInt16BE(24), body.readUInt16BE(26)]
  const sets = innerBoxes(body.subarray(VISUAL_ENTRY_BYTES)).find((box) => box.type === PICTURES[type])
  // Version 1, and room for at least one parameter set.
  const isConfigured = sets !== undefined && sets.body[0] === 1 && sets.body.length > 10
  return isConfigured && width > 0 && height > 0 && width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX
}

function hasSamples(trak: Buffer): boolean {
  const [sizes] = bodiesAt(trak, 'mdia/minf/stbl/stsz')
  const [chunks] = ['stco', 'co64'].flatMap((type) => bodiesAt(trak, `mdia/minf/stbl/${type}`))
  return sizes !== undefined && sizes.readUInt32BE(8) > 0 && chunks !== undefined && chunks.readUInt32BE(4) > 0
}

/** Whether a track lies in this file, not in another one that it names. */
const isInFile = (trak: Buffer): boolean =>
  bodiesAt(trak, 'mdia/minf/dinf/dref')
    .flatMap((dref) => innerBoxes(dref.subarray(8)))
    .every(({ body }) => body.readUInt32BE(0) % 2 === 1)
