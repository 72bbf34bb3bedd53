/**
 * What only Matroska results hold, on its way from the ingest to the merge: subtitles copied by ffmpeg and attached files, in one Matroska file. It follows
 * the JSON of the text extra, from its first line break on.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { appendFile, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { AttachmentFacts, Plan, SubtitleFacts } from '../protocol/plan.ts'
import { cutOffset } from './chunk-plan.ts'
import { keptArgs } from './commands/split.ts'
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

/** Appends the file to the text extra. A track that ffmpeg does not copy is missing in it: no film fails by its subtitles. */
export async function appendKept(programs: Programs, job: KeptJob, extra: string): Promise<void> {
  const { plan, source, outDir, signal } = job
  const { subtitles, attachments } = plan.kept!
  const tracks: (MatroskaTrack & { stream: number })[] = []
  for (const { stream } of subtitles) {
    const copied = await copySubtitle(programs, job, stream)
    if (copied) tracks.push({ ...copied, stream })
  }
  const out = join(outDir, 'kept.mkv')
  const attached = pick(await attachedTo(source, signal), attachments)
  const title = tracks.map(({ stream }) => stream).join(',')
  const written = tracks.map(({ entry, packets }) => ({ entry: withoutNumber(entry), packets }))
  await writeMatroska(out, { tracks: written, duration: 0, title, attached, ...NOTHING }, { signal })
  await appendFile(extra, '\n')
  await pipeline(createReadStream(out), createWriteStream(extra, { flags: 'a' }))
  await rm(out)
}

const NOTHING = { chapters: Buffer.alloc(0), tags: Buffer.alloc(0) } as const

/** The entry of a track without what the writer gives it. */
const withoutNumber = (entry: Buffer): Buffer =>
  Buffer.concat(
    [...elementsOf(entry)]
      .filter(({ id }) => id !== ID.trackNumber && id !== ID.trackUid)
      .map(({ id, body }) => element(id, body)),
  )

/** A subtitle track of the source as ffmpeg copies it, with all times later by `cutOffset`; null where it does not. */
async function copySubtitle(
  { run, ffmpeg }: Programs,
  { plan, source, outDir, signal }: KeptJob,
  stream: number,
): Promise<MatroskaTrack | null> {
  const out = join(outDir, `subtitle-${stream}.mkv`)
  const outputBytesMax = (await stat(fsPath(source))).size + SLACK_BYTES
  const args = keptArgs({ source, stream, offset: cutOffset(plan), out })
  try {
    await runOrFail(run, { program: ffmpeg, args, signal, progress: true, outputBytesMax }, 'copying subtitles')
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

/** What the merge finds of it: the tracks, by ffmpeg's index of their streams in the source, and the files. */
export interface FoundKept {
  readonly tracks: ReadonlyMap<number, MatroskaTrack>
  readonly attached: readonly Attached[]
}

/**
 * Reads the file in a text extra from the position `from` on, bytes. `subtitles`: those of the plan. Rejects with `verify_failed` where it is none that an
 * ingest of this plan writes.
 */
export async function readKept(
  path: string,
  { from, subtitles }: { readonly from: number; readonly subtitles: readonly SubtitleFacts[] },
): Promise<FoundKept> {
  try {
    const { tracks, attached, title } = await readMatroska(path, from)
    const streams = title === '' ? [] : title.split(',').map(Number)
    if (streams.length !== tracks.length || streams.some((each) => !subtitles.some(({ stream }) => stream === each)))
      throw new MatroskaBroken('other tracks than those of the plan')
    return { tracks: new Map(streams.map((stream, at) => [stream, tracks[at]!])), attached }
  } catch (error) {
    if (!(error instanceof MatroskaBroken)) throw error
    const message = `the file of subtitles and attachments is not what an ingest writes: ${error.message}`
    throw new AttemptFailed('verify_failed', message, { cause: error })
  }
}
