/**
 * What is encoded: short footage of several kinds, each in a recipe or two, as often as wanted under new ids (a box that
 * players pass over makes new bytes of the same film), and what one undisturbed host makes of it.
 */
import { createHash } from 'node:crypto'
import { appendFile, copyFile, mkdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hashFile } from '../../files/hash-file.ts'
import type { Lab } from '../../testing/hosts/lab.ts'
import { cachePath, fillFolderOnce } from '../../testing/tools/cache.ts'
import { countPictures } from '../../testing/tools/count-pictures.ts'
import { ensureFfmpeg, type Ffmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow } from '../../testing/tools/folder.ts'
import { encodeAlone, freeBox, type Painted, paint } from '../hosts/film.ts'

export interface Film {
  /** Absolute. */
  readonly file: string
  readonly kind: Kind
}

interface Kind extends Painted {
  readonly name: string
  readonly recipe: { readonly renditions: readonly ('480p' | '720p')[]; readonly preset: string }
}

const TONE = 'sine=frequency=330:sample_rate=48000'
const NOISE = 'anoisesrc=color=pink:amplitude=0.2:seed=7:sample_rate=44100'
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'] as const

/** Long enough for several chunks, quick enough that a chunk takes a second or so on a busy machine of two cores. */
const KINDS: readonly Kind[] = [
  {
    name: 'plain',
    seconds: 30,
    picture: 'testsrc2=size=1280x720:rate=10',
    codec: [...X264, '-g', '20'],
    sounds: [TONE],
    recipe: { renditions: ['480p', '720p'], preset: 'veryfast' },
  },
  {
    name: 'long-gop',
    seconds: 26,
    picture: 'testsrc=size=960x720:rate=12',
    codec: [...X264, '-bf', '3', '-b_strategy', '0', '-g', '84', '-keyint_min', '84', '-sc_threshold', '0'],
    sounds: [NOISE],
    recipe: { renditions: ['480p'], preset: 'fast' },
  },
  {
    name: 'silent',
    seconds: 32,
    picture: 'smptehdbars=size=1280x720:rate=10',
    codec: [...X264, '-g', '20'],
    sounds: [],
    recipe: { renditions: ['480p', '720p'], preset: 'veryfast' },
  },
  {
    name: 'portrait',
    seconds: 24,
    picture: 'testsrc2=size=720x1280:rate=10',
    codec: [...X264, '-g', '30'],
    sounds: [TONE, NOISE],
    recipe: { renditions: ['480p', '720p'], preset: 'ultrafast' },
  },
  {
    name: 'mpeg4',
    seconds: 20,
    picture: 'testsrc=size=854x480:rate=24000/1001',
    codec: ['-c:v', 'mpeg4', '-q:v', '4', '-g', '24', '-bf', '2'],
    sounds: [NOISE],
    recipe: { renditions: ['480p'], preset: 'medium' },
  },
  {
    name: 'short',
    seconds: 4,
    picture: 'testsrc2=size=640x360:rate=30000/1001',
    codec: [...X264, '-g', '60'],
    sounds: [TONE],
    recipe: { renditions: ['480p'], preset: 'veryfast' },
  },
]

export interface Footage {
  /** The nth film: kinds in turn, bytes that no mesh has met. */
  film(n: number): Promise<Film>
  /** Path below an output folder → sha256 and frames. What nobody has encoded yet takes as long as its encode. */
  expected(film: Film): Promise<ReadonlyMap<string, Expected>>
}

export interface Expected {
  readonly sha256: string
  readonly frames: number
}

export async function makeFootage(lab: Lab, dir: string, print: (line: string) => void): Promise<Footage> {
  const tools = await ensureFfmpeg()
  const folder = await folderOf(tools)
  const painted = ({ name }: Kind) => join(folder, 'films', `${name}.mp4`)
  await fillFolderOnce(join(folder, 'films'), async (draft) => {
    for (const kind of KINDS) await paint(kind, join(draft, `${kind.name}.mp4`), tools.ffmpeg)
  })
  const undisturbed = async (kind: Kind): Promise<Map<string, Expected>> => {
    const made = join(folder, kind.name)
    await fillFolderOnce(made, async (draft) => {
      print(`encoding ${kind.name} undisturbed`)
      const { renditions, preset } = kind.recipe
      const recipe = ['--renditions', renditions.join(','), '--preset', preset, '--upscale']
      await encodeAlone(lab.main, painted(kind), draft, recipe)
    })
    const expected = new Map<string, Expected>()
    for (const path of await filesBelow(join(made, 'out'))) {
      const file = join(made, 'out', path)
      expected.set(path, { sha256: (await hashFile(file)).sha256, frames: await countPictures(file, tools) })
    }
    return expected
  }
  const known = new Map<Kind, Promise<Map<string, Expected>>>()
  await mkdir(dir, { recursive: true })
  return {
    async film(n) {
      const kind = KINDS[n % KINDS.length] ?? KINDS[0]!
      const file = join(dir, `${kind.name}-${n}.mp4`)
      await copyFile(painted(kind), file)
      await appendFile(file, freeBox(`${process.pid} ${n}`))
      return { file, kind }
    },
    async expected({ file, kind }) {
      const expected = known.get(kind) ?? undisturbed(kind)
      known.set(kind, expected)
      return new Map(
        [...(await expected)].map(([path, value]) => [path.replace(`${kind.name}.mp4`, basename(file)), value]),
      )
    },
  }
}

async function folderOf({ version }: Ffmpeg): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify([version, KINDS, await codeThatMakesFiles()]))
  return cachePath('chaos', key.digest('hex').slice(0, 16))
}

/** What decides the bytes of a file: all that is known about ffmpeg, and how it is asked for a chunk, the sound, a merge. */
async function codeThatMakesFiles(): Promise<string[]> {
  const root = join(import.meta.dirname, '..', '..')
  const folders = ['media', 'coordinator/tasks']
  const files = await Promise.all(
    folders.map(async (folder) => (await filesBelow(join(root, folder))).map((file) => join(root, folder, file))),
  )
  const sources = files.flat().filter((file) => /(?<!\.test)\.ts$/.test(file))
  return Promise.all(sources.map((file) => readFile(file, 'utf8')))
}
