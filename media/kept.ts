/**
 * What only Matroska results hold, on its way from the ingest to the merge: pictures and subtitles copied by ffmpeg and attached files, in one Matroska
 * file. It follows the JSON of the text extra, from its first line break on. Its title lists ffmpeg's indexes of the streams that its tracks are copies of,
 * each with the number of pictures that are left out: `1:12,4:0`.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { appendFile, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { AttachmentFacts, FurtherPicture, Kept, Plan } from '../protocol/plan.ts'
import { cutOffset } from './chunk-plan.ts'
import { keptArgs } from './commands/split.ts'
import { exactPackets, filmPictures, isInOrder } from './copied-picture.ts'
import { elementsIn, elementsOf } from './ebml.ts'
import { element, ID } from './matroska/elements.ts'
import {
  type Attached,
  attachedIn,
  MatroskaBroken,
  type MatroskaTrack,
  readMatroska,
} from './matroska/read-matroska.ts'
import { writeMatroska } from './matroska/write-matroska.ts'
import { type Packets, readingOf } from './packet-index.ts'
import { listPackets } from './packet-list.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

interface KeptJob {
  readonly plan: Plan
  readonly source: string
  readonly outDir: string
  readonly signal: AbortSignal
}

const SLACK_BYTES = 1024 * 1024
/** Elements of a segment that are passed over at most: those of a day of film, and time for a hostile file. */
const ELEMENTS_MAX = 200_000

/** Appends the file to the text extra. A track that ffmpeg does not copy is missing in it: no film fails by these. */
export async function appendKept(programs: Programs, job: KeptJob, extra: string): Promise<void> {
  const { plan, source, outDir, signal } = job
  const { pictures = [], subtitles, attachments } = plan.kept!
  const tracks: (CopiedTrack & { readonly stream: number })[] = []
  for (const picture of pictures) {
    const copied = await copyPicture(programs, job, picture)
    if (copied) tracks.push({ ...copied, stream: picture.stream })
  }
  for (const { stream } of subtitles) {
    const copied = await copyTrack(programs, job, { kind: 'subtitle', stream, genpts: false })
    if (copied) tracks.push({ ...copied, stream, lost: 0 })
  }
  const out = join(outDir, 'kept.mkv')
  const attached = pick(await attachedTo(source, signal), attachments)
  const title = tracks.map(({ stream, lost }) => `${stream}:${lost}`).join(',')
  const written = tracks.map(({ entry, packets }) => ({ entry: withoutElements(entry, NUMBERS), packets }))
  await writeMatroska(out, { tracks: written, duration: 0, title, attached, ...NOTHING }, { signal })
  await appendFile(extra, '\n')
  await pipeline(createReadStream(out), createWriteStream(extra, { flags: 'a' }))
  await rm(out)
}

const NOTHING = { chapters: Buffer.alloc(0), tags: Buffer.alloc(0) } as const

/** What the writer gives the entry of a track. */
const NUMBERS: readonly number[] = [ID.trackNumber, ID.trackUid]

const withoutElements = (entry: Buffer, ids: readonly number[]): Buffer =>
  Buffer.concat([...elementsOf(entry)].filter(({ id }) => !ids.includes(id)).map(({ id, body }) => element(id, body)))

type CopiedTrack = MatroskaTrack & { readonly lost: number }

/** A picture of the source with its exact times on the clock of the results; null where it cannot be copied with these. */
async function copyPicture(programs: Programs, job: KeptJob, facts: FurtherPicture): Promise<CopiedTrack | null> {
  const { plan } = job
  const source = await picturePackets(programs, job, facts)
  const wanted = source && filmPictures(source.packets, plan)
  if (!source || !wanted) return null
  const copied = await copyTrack(programs, job, { kind: 'picture', stream: facts.stream, genpts: source.genpts })
  const packets = copied && exactPackets(copied.packets, wanted, cutOffset(plan))
  if (!packets || !isInOrder(packets)) return null
  // ffmpeg writes the average where the rate is variable.
  const entry = wanted.variable_rate ? withoutElements(copied.entry, [ID.frameDuration]) : copied.entry
  return { ...copied, entry, packets, lost: wanted.lost }
}

/** The packets of a picture, and whether their times were computed; null where they have none. */
async function picturePackets(
  programs: Programs,
  { source, signal }: KeptJob,
  { stream, codec }: FurtherPicture,
): Promise<{ readonly packets: Packets; readonly genpts: boolean } | null> {
  const list = async (genpts: boolean) => (await listPackets(programs, { source, stream, genpts, signal })).packets
  const packets = await list(false)
  const reading = readingOf(packets, codec)
  if (reading === 'decode') return null
  const genpts = reading === 'genpts'
  return { packets: genpts ? await list(true) : packets, genpts }
}

/** A track of the source as ffmpeg copies it, with all times later by `cutOffset`; null where it does not. */
async function copyTrack(
  { run, ffmpeg }: Programs,
  { plan, source, outDir, signal }: KeptJob,
  of: { readonly kind: 'picture' | 'subtitle'; readonly stream: number; readonly genpts: boolean },
): Promise<MatroskaTrack | null> {
  const out = join(outDir, `track-${of.stream}.mkv`)
  const { size } = await stat(fsPath(source))
  const outputBytesMax = 1.5 * size + SLACK_BYTES
  const args = keptArgs({ ...of, source, offset: cutOffset(plan), out })
  try {
    await runOrFail(run, { program: ffmpeg, args, signal, progress: true, outputBytesMax }, 'copying a track')
    return (await readMatroska(out)).tracks[0] ?? null
  } catch (error) {
    if (error instanceof MatroskaBroken) return null
    if (!(error instanceof AttemptFailed) || error.code === 'disk_full') throw error
    return null
  }
}

/** The files that are attached to a source. */
async function attachedTo(source: string, signal: AbortSignal): Promise<Attached[]> {
  const handle = await open(fsPath(source), 'r')
  try {
    const { size } = await handle.stat()
    const [, segment] = await Array.fromAsync(elementsIn(handle, 0, size, 2))
    if (segment?.id !== ID.segment) return []
    const found: Attached[] = []
    for await (const each of elementsIn(handle, segment.start, size, ELEMENTS_MAX)) {
      signal.throwIfAborted()
      if (each.id === ID.attachments) found.push(...(await attachedIn(handle, each, source)))
    }
    return found.filter(({ offset, size: bytes }) => offset + bytes <= size)
  } finally {
    await handle.close()
  }
}

/** The files of a plan, in its order, each once. */
function pick(found: readonly Attached[], wanted: readonly AttachmentFacts[]): Attached[] {
  const left = [...found]
  return wanted.flatMap(({ name, type }) => {
    const at = left.findIndex((file) => file.name === name && file.type === type)
    return at < 0 ? [] : left.splice(at, 1)
  })
}

/** What the merge finds of it: the tracks, by ffmpeg's index of their streams in the source, and the files. `lost`: number of pictures left out of a track. */
export interface FoundKept {
  readonly tracks: ReadonlyMap<number, CopiedTrack>
  readonly attached: readonly Attached[]
}

/**
 * Reads the file in a text extra from the position `from` on, bytes. Rejects with `verify_failed` where it is none that an ingest of this plan, with
 * these tracks, writes.
 */
export async function readKept(
  path: string,
  { from, pictures = [], subtitles }: Omit<Kept, 'attachments'> & { readonly from: number },
): Promise<FoundKept> {
  try {
    const { tracks, attached, title } = await readMatroska(path, from)
    const rows = [...title.matchAll(/(\d+)(?::(\d+))?/g)].map(
      ([, stream, lost = 0]) => [Number(stream), Number(lost)] as const,
    )
    const kinds = new Map([
      ...pictures.map(({ stream }) => [stream, 'video'] as const),
      ...subtitles.map(({ stream }) => [stream, 'subtitle'] as const),
    ])
    if (rows.length !== tracks.length || rows.some(([stream], at) => kinds.get(stream) !== tracks[at]!.kind))
      throw new MatroskaBroken('other tracks than those of the plan')
    if (tracks.some(({ kind, packets }) => kind === 'video' && !isInOrder(packets)))
      throw new MatroskaBroken('pictures that are far from their place')
    return { tracks: new Map(rows.map(([stream, lost], at) => [stream, { ...tracks[at]!, lost }])), attached }
  } catch (error) {
    if (!(error instanceof MatroskaBroken)) throw error
    const message = `the file of tracks and attachments is not what an ingest writes: ${error.message}`
    throw new AttemptFailed('verify_failed', message, { cause: error })
  }
}
