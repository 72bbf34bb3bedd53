/**
 * A minute of 1080p to encode, out of real clips: each in turn, whole stretches mirrored, cropped and regraded so that no two are
 * alike, with noise for sound. Without clips, the demo's painted one (easier than film: say so with its figures). Kept in the cache.
 */
import { createHash } from 'node:crypto'
import { mkdir, rename, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { execa } from 'execa'
import { makeClip } from '../testing/sources/clip.ts'
import { cachePath } from '../testing/tools/cache.ts'
import type { Ffmpeg } from '../testing/tools/ffmpeg.ts'

export interface Footage {
  readonly path: string
  readonly seconds: number
  /** What it is made of, for the table. */
  readonly from: string
}

const STRETCH_S = 10
export const FPS = 30
/** So that chunks are short: 6 s, where the plan would else find keyframes every 8 s. */
export const SHORT_GOP_S = 2
const LOOKS = [
  'null',
  'hflip',
  'crop=iw*3/4:ih*3/4:0:0',
  'eq=gamma=1.25:saturation=1.3',
  'crop=iw*3/4:ih*3/4:iw/4:ih/4,hflip',
  'hue=h=40,crop=iw*4/5:ih*4/5:iw/10:ih/10',
  'vflip,eq=contrast=1.15',
  'crop=iw*2/3:ih*2/3:iw/3:0,eq=gamma=0.85',
] as const

/** From the environment where none are given: `REELMESH_BENCH_MEDIA`, file names separated by colons. */
export const givenClips = (named: readonly string[]): string[] =>
  (named.length > 0 ? named : (process.env.REELMESH_BENCH_MEDIA ?? '').split(':'))
    .filter(Boolean)
    .map((path) => resolve(path))

/** Without `gopS` keyframes come as x264 sets them, every 250 frames at the latest. */
export async function makeFootage(
  clips: readonly string[],
  seconds: number,
  tools: Ffmpeg,
  gopS: number | null = null,
): Promise<Footage> {
  const from = clips.length > 0 ? `${clips.length} clip${clips.length > 1 ? 's' : ''}` : 'a painted clip'
  const facts = await Promise.all(clips.map(async (clip) => `${clip} ${(await stat(clip)).mtimeMs}`))
  const name = createHash('sha256')
    .update(JSON.stringify([facts, LOOKS, seconds, ...(gopS === null ? [] : [gopS])]))
    .digest('hex')
    .slice(0, 12)
  const path = cachePath('bench', `${name}.mp4`)
  if (await stat(path).catch(() => null)) return { path, seconds, from }
  await mkdir(dirname(path), { recursive: true })
  if (clips.length === 0) await makeClip({ out: path, seconds, ffmpeg: tools.ffmpeg })
  else await cutTogether({ clips, seconds, tools, out: path, gopS })
  return { path, seconds, from }
}

async function cutTogether(job: {
  clips: readonly string[]
  seconds: number
  tools: Ffmpeg
  out: string
  gopS: number | null
}): Promise<void> {
  const { clips, seconds, tools, out, gopS } = job
  const stretches = await chooseStretches(clips, seconds, tools)
  const size = `scale=1920:1080:force_original_aspect_ratio=increase,crop=1920:1080,fps=${FPS},setsar=1,format=yuv420p`
  const chains = stretches.map(({ look }, at) => `[${at}:v:0]${look},${size}[v${at}]`)
  const graph = [
    ...chains,
    `${stretches.map((_, at) => `[v${at}]`).join('')}concat=n=${stretches.length}:v=1:a=0[v]`,
  ].join(';')
  const draft = `${out}.${process.pid}.draft.mp4`
  await execa(tools.ffmpeg, [
    '-nostdin', '-v', 'error', '-y',
    ...stretches.flatMap(({ clip, start }) => ['-ss', String(start), '-t', String(STRETCH_S), '-i', `file:${clip}`]),
    '-f', 'lavfi', '-i', `anoisesrc=color=pink:amplitude=0.2:seed=1:sample_rate=48000:duration=${seconds}`,
    '-filter_complex', graph, '-map', '[v]', '-map', `${stretches.length}:a`, '-t', String(seconds),
    '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '16', ...(gopS === null ? [] : ['-g', String(gopS * FPS)]), '-c:a', 'aac', '-ac', '2', '-b:a', '160k', draft,
  ], { stdin: 'ignore' }) // biome-ignore format: groups
  await rename(draft, out)
}

interface Stretch {
  readonly clip: string
  /** Seconds into the clip. */
  readonly start: number
  readonly look: string
}

/** Clips in turn, each time its next stretch with another look. */
async function chooseStretches(clips: readonly string[], seconds: number, tools: Ffmpeg): Promise<Stretch[]> {
  const lengths = await Promise.all(clips.map((clip) => lengthOf(clip, tools)))
  const stretches: Stretch[] = []
  for (let total = 0; total < seconds; ) {
    const [which, turn] = [stretches.length % clips.length, Math.floor(stretches.length / clips.length)]
    const length = lengths[which] ?? 0
    const parts = Math.max(1, Math.floor(length / STRETCH_S))
    const look = LOOKS[stretches.length % LOOKS.length] ?? 'null'
    stretches.push({ clip: clips[which] ?? '', start: (turn % parts) * STRETCH_S, look })
    total += Math.min(STRETCH_S, length)
  }
  return stretches
}

async function lengthOf(clip: string, { ffprobe }: Ffmpeg): Promise<number> {
  const { stdout } = await execa(ffprobe, [
    '-v',
    'error',
    '-show_entries',
    'format=duration',
    '-of',
    'default=nk=1:nw=1',
    `file:${clip}`,
  ])
  const seconds = Number(stdout)
  if (!(seconds > 0.5)) throw new Error(`${clip} is too short to measure with, or does not say how long it is`)
  return seconds
}
