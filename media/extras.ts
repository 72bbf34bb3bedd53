/**
 * The extras of a source, beside its picture: the audio in one file; subtitles, chapters, covers and what only Matroska holds, which the merge
 * adds, in another.
 */
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Extras, SourceIndex } from '../protocol/media.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { Plan } from '../protocol/plan.ts'
import { takeAudio } from './audio-extra.ts'
import { coverArgs } from './commands/split.ts'
import { appendKept } from './kept.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { writeTextExtra } from './text/text-extra.ts'
import type { TextIndex } from './text-index.ts'

interface ExtrasJob {
  readonly plan: Plan
  readonly source: string
  readonly index: SourceIndex
  readonly outDir: string
  readonly signal: AbortSignal
}

/** Writes the extras into `outDir`; the audio may be the source itself, null is for what the plan does not have. Rejects with `AttemptFailed`. */
export async function takeExtras(programs: Programs, job: ExtrasJob): Promise<Extras> {
  const { plan, outDir } = job
  const { subtitles, chapters, metadata } = plan
  const audio = await takeAudio(programs, job)
  const { pictures = [], subtitles: held = [], attachments = [] } = plan.kept ?? {}
  const kept = pictures.length + held.length + attachments.length
  if (subtitles.length + chapters + metadata.covers.length + kept === 0) return { audio, other: null }
  const other = join(outDir, 'extras.json')
  await writeTextExtra(other, { text: (job.index as TextIndex).text, plan, covers: await takeCovers(programs, job) })
  if (kept > 0) await appendKept(programs, job, other)
  return { audio, other }
}

const SLACK_BYTES = 1024 * 1024

/** The covers in one Matroska file; null where the plan has none. */
async function takeCovers(
  { run, ffmpeg }: Programs,
  { plan, source, outDir, signal }: ExtrasJob,
): Promise<Buffer | null> {
  const covers = plan.metadata.covers.map(({ stream }) => stream)
  if (covers.length === 0) return null
  const out = join(outDir, 'covers.mkv')
  await rm(out, { force: true })
  const outputBytesMax = (await stat(fsPath(source))).size + SLACK_BYTES
  const args = coverArgs({ source, covers, out })
  await runOrFail(run, { program: ffmpeg, args, signal, progress: true, outputBytesMax }, 'copying the covers')
  return readFile(out)
}
