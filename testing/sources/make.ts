/**
 * Makes the nasty sources with real ffmpeg, once: each lies in a folder named by its name and a hash of its steps, in
 * `$REELMESH_TEST_SOURCES`, else in the cache beside what the scripts bring. A source is made in a folder of its own and
 * renamed into place, so processes may make the same one at once.
 */
import { createHash } from 'node:crypto'
import { access, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cachePath, fillFolder } from '../tools/cache.ts'
import { beepsWav } from './beeps.ts'
import { bitmapSubtitles } from './bitmap-subtitles.ts'
import { containerSources } from './catalogue/containers.ts'
import { damagedSources } from './catalogue/damaged.ts'
import { gopSources } from './catalogue/gops.ts'
import { longSources } from './catalogue/long.ts'
import { odditySources } from './catalogue/oddities.ts'
import { pictureSources } from './catalogue/pictures.ts'
import { refusedSources } from './catalogue/refused.ts'
import { soundSources } from './catalogue/sound.ts'
import { timeSources } from './catalogue/times.ts'
import { paint, rawInput } from './paint.ts'
import type { Source, Step } from './source.ts'
import { behead, coverFirst, damagePackets, loseTsPackets, turnMp4, zeroHole } from './tamper.ts'

export interface Tools {
  readonly ffmpeg: string
  readonly ffprobe: string
}

export const TOOLS: Tools = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' }

/** Raised when painting or tampering changes: old files are then made again. */
const MAKER_VERSION = 2

export const sources: readonly Source[] = [
  ...gopSources,
  ...containerSources,
  ...timeSources,
  ...pictureSources,
  ...soundSources,
  ...odditySources,
  ...damagedSources,
  ...refusedSources,
]

export function findSource(name: string): Source {
  const found = [...sources, ...longSources].find((source) => source.name === name)
  if (!found) throw new Error(`no source named ${name}`)
  return found
}

/** The path of a source, made now unless it is there. */
export async function ensureSource(name: string, tools: Tools = TOOLS): Promise<string> {
  const source = findSource(name)
  const folder = join(sourcesDir(), `${name}-${stepsHash(source)}`)
  const path = join(folder, source.file)
  if (await exists(path)) return path
  await fillFolder(folder, async (work) => {
    for (const step of source.steps) await run(step, work, tools)
    await dropAllBut([source.file, ...source.keep], work)
  })
  return path
}

const sourcesDir = (): string => process.env.REELMESH_TEST_SOURCES || cachePath('test-sources')

const stepsHash = ({ steps, keep, file }: Source): string =>
  createHash('sha256')
    .update(JSON.stringify([MAKER_VERSION, file, keep, steps]))
    .digest('hex')
    .slice(0, 12)

async function run(step: Step, cwd: string, tools: Tools): Promise<void> {
  const quiet = ['-hide_banner', '-nostats', '-v', 'error', '-y']
  switch (step.do) {
    case 'film': {
      const [from, to] = step.numbers
      const frames = paint({
        numbers: Array.from({ length: to - from }, (_, at) => from + at),
        fields: step.fields ?? false,
      })
      await execa(tools.ffmpeg, [...quiet, ...rawInput(step.fps), ...step.args], { cwd, stdin: frames })
      return
    }
    case 'ffmpeg':
      await execa(tools.ffmpeg, ['-nostdin', ...quiet, ...step.args], { cwd, stdin: 'ignore' })
      return
    default:
      await runOnBytes(step, cwd, tools)
  }
}

/** The steps that need no ffmpeg. */
async function runOnBytes(step: Exclude<Step, { do: 'film' | 'ffmpeg' }>, cwd: string, tools: Tools): Promise<void> {
  const path = join(cwd, step.file)
  switch (step.do) {
    case 'beeps':
      return writeFile(path, beepsWav(step.beeps))
    case 'text':
      return writeFile(path, step.text)
    case 'noise':
      return writeFile(path, noise(step.bytes))
    case 'truncate':
      return truncate(path, Math.floor((await readFile(path)).length * step.keep))
    case 'behead':
      return writeFile(path, behead(await readFile(path), step.drop))
    case 'lose':
      return writeFile(path, loseTsPackets(await readFile(path), step.every))
    case 'hole':
      return writeFile(path, zeroHole(await readFile(path), step))
    case 'damage':
      return writeFile(path, await damagePackets(await readFile(path), { ...step, cwd, ffprobe: tools.ffprobe }))
    case 'turn':
      return writeFile(path, turnMp4(await readFile(path), step.matrix))
    case 'join':
      return writeFile(path, Buffer.concat(await Promise.all(step.files.map((file) => readFile(join(cwd, file))))))
    case 'cover-first':
      return writeFile(path, coverFirst(await readFile(path)))
    case 'bitmap-subtitles':
      return writeFile(path, bitmapSubtitles(step.times))
  }
}

/** Bytes that look random and are the same every time. */
function noise(bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, at) =>
    createHash('sha256').update(`noise ${at}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, bytes)
}

async function dropAllBut(kept: readonly string[], folder: string): Promise<void> {
  const names = await readdir(folder)
  await Promise.all(names.filter((name) => !kept.includes(name)).map((name) => rm(join(folder, name))))
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
