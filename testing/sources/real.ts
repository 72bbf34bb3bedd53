/**
 * Sources as people have them, for tests of one case each: made by the system's ffmpeg in a folder of the test's own, run through
 * the media pipeline with the build that REELMESH_FFMPEG and REELMESH_FFPROBE name (else the one on the path). What came out is
 * asked of `measure.ts`; the command line is run by `real-run.ts`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { AttemptFailed, SourceRefused } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import type { Ends } from '../tools/at-end.ts'
import { cachePath } from '../tools/cache.ts'
import { ensureFfmpeg, type Ffmpeg } from '../tools/ffmpeg.ts'
import { folder } from '../tools/folder.ts'
import { TOOLS } from './make.ts'
import { ssim } from './measure.ts'
import { type PipelineResult, runPipeline } from './pipeline.ts'
import { unplanned } from './unplanned.ts'

/** One 480p rendition, as fast as it goes. */
export const FAST_480P: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
}

/** Quick H.264, as `ffmpeg` arguments. */
export const X264: readonly string[] = ['-c:v', 'libx264', '-preset', 'ultrafast']

/** An input of moving colours; 4 s of 320x180 at 25 frames per second where nothing is said. */
export function picture(said: { size?: string; rate?: string; seconds?: number; of?: string } = {}): string[] {
  const { size = '320x180', rate = '25', seconds = 4, of = 'testsrc2' } = said
  return ['-f', 'lavfi', '-i', `${of}=s=${size}:r=${rate}:d=${seconds}`]
}

/** An input of one sine, mono. */
export function tone(said: { hz?: number; rate?: number; seconds?: number } = {}): string[] {
  const { hz = 440, rate = 48_000, seconds = 4 } = said
  return ['-f', 'lavfi', '-i', `sine=${hz}:r=${rate}:d=${seconds}`]
}

/** An input of another sine, at another level, in each channel of `layout`: channel n has (n + 1) × 0.1 at 300 + 100 n Hz. */
export function tones(layout: string, channels: number, said: { rate?: number; seconds?: number } = {}): string[] {
  const { rate = 48_000, seconds = 4 } = said
  const each = Array.from({ length: channels }, (_, at) => `${amplitude(at)}*sin(2*PI*${300 + 100 * at}*t)`)
  return ['-f', 'lavfi', '-i', `aevalsrc=${each.join('|')}:c=${layout}:s=${rate}:d=${seconds}`]
}

/** The levels of `tones`, dB of RMS, as a decoder should give them back. */
export const toneLevels = (channels: number): number[] =>
  Array.from({ length: channels }, (_, at) => 20 * Math.log10(amplitude(at) / Math.SQRT2))

/** Nine levels, so that sixteen channels stay below full scale. */
const amplitude = (at: number): number => 0.1 * ((at % 9) + 1)

/** The folder of a test. Every method that makes a file answers its path. */
export interface RealCase {
  readonly dir: string
  path(name: string): string
  read(name: string): Promise<Buffer>
  /** `ffmpeg -y ARGS NAME` by the system's ffmpeg, in the folder: other files in it need no path. */
  make(name: string, args: readonly string[]): Promise<string>
  write(name: string, content: string | Uint8Array): Promise<string>
  /** Files of the folder one after another, byte by byte. */
  join(name: string, parts: readonly string[]): Promise<string>
  /** Keeps the first `share` (0 to 1) of a file. */
  cutShort(name: string, share: number): Promise<string>
  /** Overwrites the `which`th place (from 0) where `from` stands by `to`, which is as long. Both are Latin-1. */
  patch(name: string, change: { from: string; to: string; which?: number }): Promise<string>
  /** Through the media pipeline. Rejects as that does; see `refusal`. */
  run(source: string, recipe?: Recipe): Promise<RealResult>
}

export interface RealResult extends PipelineResult {
  /** Path of the first output: the only one of `FAST_480P`. */
  readonly output: string
}

/** The folder is removed at the test's end. */
export async function realCase(t: Ends & { readonly signal: AbortSignal }): Promise<RealCase> {
  const dir = await folder(t)
  const path = (name: string): string => join(dir, name)
  const change = async (name: string, act: (bytes: Buffer) => Buffer): Promise<string> => {
    await writeFile(path(name), act(await readFile(path(name))))
    return path(name)
  }
  return {
    dir,
    path,
    read: (name) => readFile(path(name)),
    async make(name, args) {
      const quiet = ['-nostdin', '-hide_banner', '-nostats', '-v', 'error', '-y']
      await execa(TOOLS.ffmpeg, [...quiet, ...args, name], { cwd: dir, stdin: 'ignore' })
      return path(name)
    },
    async write(name, content) {
      await writeFile(path(name), content)
      return path(name)
    },
    async join(name, parts) {
      await writeFile(path(name), Buffer.concat(await Promise.all(parts.map((part) => readFile(path(part))))))
      return path(name)
    },
    async cutShort(name, share) {
      await truncate(path(name), Math.floor((await stat(path(name))).size * share))
      return path(name)
    },
    patch: (name, { from, to, which = 0 }) => change(name, (bytes) => patched(bytes, { from, to, which })),
    run: (source, recipe = FAST_480P) => runCase({ source, recipe, dir, signal: t.signal }),
  }
}

/** The sentence with which a source or a step of it is refused. Fails where the run ends well or by another kind of error. */
export async function refusal(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(error !== null, 'it was not refused')
  if (!(error instanceof SourceRefused || error instanceof AttemptFailed)) throw error
  return error.message
}

function patched(bytes: Buffer, { from, to, which }: { from: string; to: string; which: number }): Buffer {
  assert.equal(from.length, to.length, 'a patch moves nothing')
  let at = -1
  for (let count = 0; count <= which; count++) {
    at = bytes.indexOf(from, at + 1, 'latin1')
    assert.ok(at >= 0, `"${from}" is there only ${count} times`)
  }
  bytes.write(to, at, 'latin1')
  return bytes
}

/** The result; null where the build has no decoder for the source, or dies at it: the failure must say so, as another peer can then take it. */
export async function runOrCannot(film: RealCase, source: string, recipe = FAST_480P): Promise<RealResult | null> {
  if (await isDecoded(source)) return await film.run(source, recipe)
  await assert.rejects(film.run(source, recipe), { code: 'build_cannot' })
  return null
}

/** Whether the build that the test runs with decodes a picture of the file. */
export async function isDecoded(file: string): Promise<boolean> {
  const { ffmpeg } = await build()
  const one = ['-nostdin', '-v', 'error', '-i', file, '-map', '0:v:0', '-frames:v', '1', '-f', 'null', '-']
  return !(await execa(ffmpeg, one, { stdin: 'ignore', reject: false })).failed
}

/** Asserts that each of so many pictures is more than `least` like that of the reference at its time. */
export async function assertAlike(
  output: string,
  reference: string,
  { pictures, least = 0.97 }: { pictures: number; least?: number },
): Promise<void> {
  const likeness = await ssim(output, reference)
  assert.equal(likeness.length, pictures)
  assert.ok(Math.min(...likeness) > least, `SSIM ${Math.min(...likeness)}`)
}

let found: Promise<Ffmpeg> | undefined

/** The build that makes the results, found once. */
export const build = (): Promise<Ffmpeg> => (found ??= ensureFfmpeg())

let adapter: Promise<Media> | undefined

async function runCase(job: { source: string; recipe: Recipe; dir: string; signal: AbortSignal }): Promise<RealResult> {
  adapter ??= build().then(({ ffmpeg, ffprobe }) =>
    createFfmpegMedia({ ffmpeg, ffprobe, clock: systemClock, rng: systemRng, cacheDir: cachePath('self-tests') }),
  )
  // A source may be run more than once.
  const outDir = await mkdtemp(join(job.dir, `${basename(job.source)}.out-`))
  const result = await runPipeline(await adapter, { ...job, outDir })
  const [first] = result.outputs
  assert.ok(first, 'there is no output')
  const { ffprobe } = await build()
  assert.deepEqual(await unplanned({ ...job, output: first.path, plan: result.plan, ffprobe }), [])
  return { ...result, output: first.path }
}
