/** The texts of a film while it is encoded, out of the file that its ingest makes at its beginning; as WebVTT, like those of the package. */

import { type TextFacts, textFacts } from '../../media/package/text-facts.ts'
import { filmTextOf } from '../../media/text/text-extra.ts'
import { webVtt } from '../../media/text/web-vtt.ts'
import { type Artifact, EXTRAS_PATH } from '../../protocol/artifact.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { packagePath } from '../../protocol/package.ts'
import { type Plan, planSeconds } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'

/** The texts of a film, and the content of each; null while a film has texts that are not read yet. */
export type GrowingTexts = readonly { readonly facts: TextFacts; readonly vtt: string }[] | null

/** Films whose texts are remembered. */
const FILMS_MAX = 16
/** Bytes of text, with covers, that are read; a film with more has its texts with its package. */
const EXTRA_BYTES_MAX = 32 * 1024 * 1024

/** Answers the texts of films. Rejects as the ledger and the reads. */
export function createGrowingTexts(
  ledger: Pick<Ledger, 'task'>,
  reads: ArtifactReads,
): (video: Video, plan: Plan, signal: AbortSignal) => Promise<GrowingTexts> {
  const known = new Map<VideoId, NonNullable<GrowingTexts>>()
  return async (video, plan, signal) => {
    const before = known.get(video._id)
    if (before || plan.subtitles.length === 0) return before ?? []
    const task = await ledger.task(taskId(video._id, 'ingest'))
    const extra = task?.outputs.find(({ path }) => path === EXTRAS_PATH)
    if (!extra) return task?.status === 'COMPLETED' ? [] : null
    const line = await lineOf(reads.read(video, extra, { from: 0, to: extra.bytes }, signal))
    const text = line === null ? null : filmTextOf(line, plan, Math.floor(planSeconds(plan) * 1_000))
    const facts = textFacts(text?.subtitles ?? [])
    const texts = facts.map((each, at) => ({ facts: each, vtt: webVtt(text!.samples[at]!) }))
    remember(known, video._id, texts, FILMS_MAX)
    return texts
  }
}

/** The texts among the files of a package, for those who have begun before; none where not all of the plan could be read. */
export function packagedTexts(plan: Plan, made: readonly Artifact[]): readonly { facts: TextFacts; file: Artifact }[] {
  const facts = textFacts(plan.subtitles)
  const texts = facts.flatMap((each) => {
    const file = made.find(({ path }) => path === packagePath(`${each.name}.vtt`))
    return file ? [{ facts: each, file }] : []
  })
  return texts.length === facts.length ? texts : []
}

/** The text up to the first line break; null where it is too long. */
async function lineOf(pieces: AsyncIterable<Uint8Array>): Promise<string | null> {
  const read: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    const end = piece.indexOf(10)
    read.push(end === -1 ? piece : piece.subarray(0, end))
    size += piece.byteLength
    if (end !== -1) break
    if (size > EXTRA_BYTES_MAX) return null
  }
  return Buffer.concat(read).toString('utf8')
}
