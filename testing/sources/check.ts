/**
 * Whether a finished MP4 is exactly its source: plain ffmpeg decodes both, `compare.ts` says where they differ. Nothing
 * of the pipeline is used here. Time: two decodes of each output, one of the source and one of each audio track.
 */
import { boxOfHeight } from '../../protocol/rendition.ts'
import { beepOffsets, compareBeeps, compareCues, compareFrames, comparePictures } from './compare.ts'
import { type Box, compareContainer } from './compare-container.ts'
import { type Container, filmStream, probeFile } from './probe.ts'
import { readComplaints } from './read.ts'
import { closeGap, readShown, type Shown } from './shown.ts'
import type { Source } from './source.ts'

export interface CheckedOutput {
  readonly output: string
  /** The rendition's box, before it is turned for portrait; that of 480p where nothing is said. */
  readonly box?: Box
  /** The rendition's bits per sample; 8 where nothing is said. */
  readonly bitDepth?: number
}

export interface CheckJob extends CheckedOutput {
  readonly source: Source
  /** Where the source lies. */
  readonly file: string
  readonly ffmpeg: string
  readonly ffprobe: string
}

export interface Facts {
  readonly size: string
  readonly frames: number
  readonly sourceFrames: number
  /** Of the output's video track. */
  readonly tick_s: number
  /** Largest move of a beep per audio track, in samples of 48 kHz, with its sign. */
  readonly beepSamples: readonly number[]
  readonly duration_s: number
}

export interface CheckResult {
  readonly ok: boolean
  /** One sentence each; empty when exact. */
  readonly problems: readonly string[]
  readonly facts: Facts
}

/** Sound may end this much later than its source's: an encoder fills its last frame, 1,024 samples and its delay. */
const TAIL_S = 0.1
/** Players show black, or the cover, before a first frame that is later. */
const START_S = 0.0005
/** No source here shows its last frame for longer. */
const LAST_FRAME_S = 1

export const checkOutput = async (job: CheckJob): Promise<CheckResult> =>
  (await checkOutputs({ ...job, outputs: [job] }))[0]!

/** Checks all outputs of one source, which is read once. */
export async function checkOutputs(
  job: Omit<CheckJob, keyof CheckedOutput> & { readonly outputs: readonly CheckedOutput[] },
): Promise<CheckResult[]> {
  const container = await probeFile(job)
  const shown = closeGap(await readShown({ ...job, container }), job.source.expect.gap)
  const results: CheckResult[] = []
  for (const output of job.outputs) results.push(await checkOne({ ...job, ...output }, { container, shown }))
  return results
}

async function checkOne(job: CheckJob, wanted: { container: Container; shown: Shown }): Promise<CheckResult> {
  const { source, ffmpeg, bitDepth = 8 } = job
  const { expect } = source
  const after = await probeFile({ ...job, file: job.output })
  const got = await readShown({ ...job, file: job.output, container: after })
  const film = filmStream(after)
  const tick_s = film ? film.timeBase[0] / film.timeBase[1] : 0
  const { shown } = wanted
  const isMapped = expect.hdr && bitDepth === 8
  const problems = [
    ...checkSource(source, shown),
    ...compareFrames(shown.frames, got.frames, tick_s),
    ...(shown.frames.length === got.frames.length && !isMapped
      ? comparePictures(shown.frames, got.frames, expect.lossMax)
      : []),
    ...compareBeeps(shown, got, expect.beepSamples),
    ...compareContainer(expect, { source: wanted.container, output: after }, job.box ?? boxOfHeight(480), bitDepth),
    ...compareCues('chapters', shown.chapters, got.chapters),
    ...shown.cues.flatMap((cues, track) => compareCues(`subtitles ${track}`, cues, got.cues[track] ?? [])),
    ...checkDuration(shown, got, after),
    ...(await readComplaints({ ffmpeg, file: job.output })).slice(0, 5).map((line) => `ffmpeg says: ${line}`),
  ]
  return { ok: problems.length === 0, problems, facts: gatherFacts(shown, got, after) }
}

/** Checks that a source is what its recipe says; another one would make the check useless. */
function checkSource({ expect, name }: Source, shown: Shown): string[] {
  const numbers = shown.frames.map((frame) => frame.number)
  if (expect.numbers) {
    const [from, to] = expect.numbers
    const right = numbers.length === to - from && numbers.every((number, at) => number === from + at)
    return right ? [] : [`the source ${name} does not show frames ${from}…${to - 1}: it has to be made again`]
  }
  const clean = numbers.filter((number) => number !== null).length
  return clean >= 100 && numbers.length - clean <= expect.lossMax ? [] : [`the source ${name} is damaged beyond use`]
}

/** The film begins with its picture, or with sound before it. The track of the picture ends behind its last frame, the sound where the source's ends. */
function checkDuration(wanted: Shown, got: Shown, output: Container): string[] {
  const first_s = got.frames[0]?.at_s ?? 0
  const last_s = (got.frames.at(-1)?.at_s ?? 0) - first_s
  const film_s = filmStream(output)?.duration_s ?? 0
  const problems = Math.abs(first_s - wanted.lead_s) > START_S ? [`the first frame is at ${first_s} s`] : []
  if (film_s <= last_s || film_s > last_s + LAST_FRAME_S) {
    problems.push(`a picture track of ${film_s} s, its last frame at ${last_s} s`)
  }
  const longer_s = got.soundEnd_s - wanted.soundEnd_s
  if (Math.abs(longer_s) > TAIL_S) problems.push(`the sound ends ${longer_s.toFixed(3)} s later than the source's`)
  return problems
}

function gatherFacts(wanted: Shown, got: Shown, output: Container): Facts {
  const film = filmStream(output)
  return {
    size: film ? `${film.width}x${film.height}` : 'none',
    frames: got.frames.length,
    sourceFrames: wanted.frames.length,
    tick_s: film ? film.timeBase[0] / film.timeBase[1] : 0,
    beepSamples: got.beeps.map((_, track) => largest(beepOffsets(wanted, got, track))),
    duration_s: output.duration_s,
  }
}

const largest = (offsets: readonly number[]): number =>
  Number(offsets.reduce((most, by) => (Math.abs(by) > Math.abs(most) ? by : most), 0).toFixed(3)) + 0
