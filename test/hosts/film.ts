/**
 * What the hosts encode, and what must come out of it: 56 s of moving test pattern with sound (eight chunks or so, two
 * renditions, 2 MB, a few seconds of CPU; the small one: one rendition, 0.3 MB), as often as wanted under new ids; and the bytes that
 * one host alone, undisturbed, makes of it with this very code.
 */
import { createHash } from 'node:crypto'
import { appendFile, copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { hashFile } from '../../files/hash-file.ts'
import type { Lab } from '../../testing/hosts/lab.ts'
import { cachePath, fillFolderOnce } from '../../testing/tools/cache.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow } from '../../testing/tools/folder.ts'

/** Slow enough that a chunk takes a second or two: time to be hurt in. */
export const RECIPE = ['--renditions', '480p,720p', '--preset', 'medium'] as const
const SIZES = { usual: '1280x720', small: '480x270' } as const
const painted = (size: keyof typeof SIZES): Painted => ({
  seconds: 56,
  picture: `testsrc=size=${SIZES[size]}:rate=10`,
  codec: ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30', '-pix_fmt', 'yuv420p'],
  sounds: ['sine=frequency=330'],
})

export interface Films {
  /** A file with the film's pictures and sound that no mesh has met: its outputs are the same, its video id is new. */
  another(): Promise<string>
  /** The outputs of the undisturbed run, below a folder of each rendition. */
  readonly reference: string
  /** Name below the output folder (`480p/film-1.mp4`) → sha256, for that file. */
  expected(file: string): Readonly<Record<string, string>>
}

export async function makeFilms(lab: Lab, size: keyof typeof SIZES = 'usual'): Promise<Films> {
  const { ffmpeg, version } = await ensureFfmpeg()
  const facts = [version, RECIPE, painted(size)]
  const key = createHash('sha256')
    .update(await readFile(lab.main))
    .update(JSON.stringify(facts))
  const folder = cachePath('hosts', key.digest('hex').slice(0, 16))
  await fillFolderOnce(folder, async (draft) => {
    const film = join(draft, 'film.mp4')
    await paint(painted(size), film, ffmpeg)
    await encodeAlone(lab.main, film, draft, RECIPE)
  })
  const sums: Record<string, string> = {}
  for (const path of await filesBelow(join(folder, 'out'))) sums[path] = await sha256Of(join(folder, 'out', path))
  let made = 0
  return {
    reference: join(folder, 'out'),
    async another() {
      const file = join(lab.dir, `${size}-${++made}.mp4`)
      await copyFile(join(folder, 'film.mp4'), file)
      await appendFile(file, freeBox(`${process.pid} ${made}`))
      return file
    },
    expected(file) {
      const name = /([^/]+)$/.exec(file)?.[1] ?? ''
      return Object.fromEntries(Object.entries(sums).map(([path, sum]) => [path.replace('film.mp4', name), sum]))
    },
  }
}

/** Name below the folder → sha256. */
export async function sumsBelow(dir: string): Promise<Record<string, string>> {
  const paths = await filesBelow(dir)
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await sha256Of(join(dir, path))])))
}

const sha256Of = async (path: string): Promise<string> => (await hashFile(path)).sha256

/** What lavfi paints and plays, and how it is coded. */
export interface Painted {
  readonly seconds: number
  readonly picture: string
  readonly codec: readonly string[]
  /** One a track. */
  readonly sounds: readonly string[]
}

export async function paint({ seconds, picture, codec, sounds }: Painted, out: string, ffmpeg: string): Promise<void> {
  const inputs = [picture, ...sounds].flatMap((lavfi) => ['-f', 'lavfi', '-i', lavfi])
  const maps = [picture, ...sounds].flatMap((_, at) => ['-map', String(at)])
  const sound = sounds.length > 0 ? ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'] : []
  const args = ['-nostdin', '-v', 'error', ...inputs, ...maps, '-t', String(seconds), ...codec, ...sound, out]
  await execa(ffmpeg, args, { stdin: 'ignore' })
}

/** What one host alone makes of it, in `out` of this folder. */
export async function encodeAlone(
  main: string,
  file: string,
  folder: string,
  recipe: readonly string[],
): Promise<void> {
  const place = ['--out', join(folder, 'out'), '--data-dir', join(folder, 'data'), '--workers', '2']
  await execa(process.execPath, [main, 'run', file, ...place, ...recipe], { stdin: 'ignore' })
}

/** An MP4 box that players and encoders pass over: the same film under a new id. */
export function freeBox(text: string): Buffer {
  const content = Buffer.from(text)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + content.length)
  head.write('free', 4)
  return Buffer.concat([head, content])
}
