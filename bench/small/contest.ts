/**
 * Two sides that make the same files of the same clips: a shell loop of plain ffmpeg, and Reelmesh as it is shipped (bundled, by `bin/reelmesh`), or
 * from its sources. Each round has its own data folder, as Reelmesh does not encode twice what it knows; trial runs of ffmpeg and compiled code, which
 * a user has once, are made before.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'
import { DEFAULT_ENCODING, ladderOf } from '../../protocol/recipe.ts'
import { ensureFfmpeg, type Ffmpeg } from '../../testing/tools/ffmpeg.ts'
import { buildProgram } from '../../testing/tools/program.ts'
import { accountCpu } from '../cpu-limit.ts'
import { givenClips, makeFootage } from '../footage.ts'
import { endLocalNode, type LocalNode, startLocalNode } from '../local-node.ts'
import { cpuSecondsOf, type Measured, measure, type Watch } from '../measure.ts'
import { plainEncode } from '../plain.ts'
import { type Clips, makeClips } from './clips.ts'

export interface Work {
  readonly clips: readonly string[]
  readonly size: Clips['size']
  /** Lines of the renditions. */
  readonly heights: readonly number[]
  readonly preset: string
}

/** Wall, CPU and memory of one side, and the files that came of it. */
export interface Side extends Measured {
  /** By clip, then by rendition. */
  readonly files: readonly string[]
}

const ROOT = join(import.meta.dirname, '..', '..')

export class Contest {
  readonly #dir: string
  readonly #program: string
  readonly #main: string
  readonly #media: readonly string[]
  readonly tools: Ffmpeg
  #rounds = 0

  private constructor(of: { dir: string; root: string; main: string; tools: Ffmpeg; media: readonly string[] }) {
    this.#dir = of.dir
    this.#program = join(of.root, 'bin', 'reelmesh')
    this.#main = join(of.root, of.main)
    this.#media = of.media
    this.tools = of.tools
  }

  /** `sources`: the checkout as it is, instead of what `npm pack` ships. */
  static async open({ media, sources }: { media: readonly string[]; sources: boolean }): Promise<Contest> {
    const dir = await mkdtemp(join(tmpdir(), 'reelmesh-small-'))
    const tools = await ensureFfmpeg()
    if (sources) return new Contest({ dir, root: ROOT, main: join('cli', 'main.ts'), tools, media })
    const root = join(dir, 'package')
    await mkdir(join(root, 'dist'), { recursive: true })
    await cp(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true })
    await buildProgram(join(root, 'dist', 'reelmesh.mjs'))
    return new Contest({ dir, root, main: join('dist', 'reelmesh.mjs'), tools, media })
  }

  async work(clips: Clips, of: Pick<Work, 'heights' | 'preset'>): Promise<Work> {
    // With keyframes as x264 sets them.
    const footage = await makeFootage(givenClips(this.#media), 60, this.tools)
    return { clips: await makeClips(clips, footage, this.tools), size: clips.size, ...of }
  }

  /** The environment of Reelmesh: data of its own for each name, caches in one home. */
  environment(name: string, home = 'home'): NodeJS.ProcessEnv {
    const { ffmpeg, ffprobe } = this.tools
    const own = join(this.#dir, home)
    return {
      HOME: own,
      XDG_CACHE_HOME: join(own, 'cache'),
      REELMESH_DATA_DIR: join(this.#dir, name, 'data'),
      REELMESH_FFMPEG: ffmpeg,
      REELMESH_FFPROBE: ffprobe,
      // The one that runs the benchmark: bin/reelmesh takes what is on the path.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    }
  }

  command(...args: readonly string[]): string[] {
    return [this.#program, ...args]
  }

  async plain(work: Work, watch: Watch = {}): Promise<Side> {
    const dir = await this.#newFolder('plain')
    const commands = work.clips.map((source) => {
      const name = basename(source, '.mp4')
      const renditions = ladderOf(work.heights, { ...DEFAULT_ENCODING, preset: work.preset })
      return plainEncode({ source, display: work.size, renditions, preset: work.preset, dir, name })
    })
    const script = join(dir, 'loop.sh')
    const quoted = (args: readonly string[]) => args.map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(' ')
    const lines = commands.map(({ args }) => quoted([this.tools.ffmpeg, ...args]))
    await writeFile(script, ['set -e', ...lines, ''].join('\n'))
    const measured = await measure(['sh', script], {}, watch)
    return { ...measured, files: commands.flatMap(({ files }) => files) }
  }

  /** `reelmesh run` of all clips. */
  async run(work: Work, of: { more?: readonly string[]; env?: NodeJS.ProcessEnv; watch?: Watch } = {}): Promise<Side> {
    const dir = await this.#newFolder('run')
    const out = join(dir, 'out')
    const args = this.command('run', '--json', ...recipeFlags(work), '--out', out, ...(of.more ?? []), ...work.clips)
    const measured = await measure(args, { ...this.environment(basename(dir)), ...of.env }, of.watch)
    return { ...measured, files: resultsIn(out, work) }
  }

  /** `reelmesh submit --wait` of all clips to a node that is there; its CPU counts, its start and end do not. */
  async throughNode(work: Work, of: { onText?: (text: string) => void; onUp?: () => void } = {}): Promise<Side> {
    const dir = await this.#newFolder('node')
    const env = this.environment(basename(dir))
    const out = join(dir, 'out')
    return await this.withNode(basename(dir), async (node) => {
      of.onUp?.()
      const used = await this.#countFromNow(node)
      const args = this.command('submit', '--wait', '--json', ...recipeFlags(work), '--out', out, ...work.clips)
      const measured = await measure(args, env, of.onText ? { onText: of.onText } : {})
      return { ...measured, cpuS: measured.cpuS + (await used()), files: resultsIn(out, work) }
    })
  }

  /** What a node and all that it starts from now on use, s. */
  async #countFromNow({ pid }: LocalNode): Promise<() => Promise<number>> {
    const account = await accountCpu(`reelmesh-node-${pid}`)
    if (account) await writeFile(account.processes, String(pid))
    const before = await cpuSecondsOf(pid, 'with children')
    return () => account?.usedSeconds() ?? cpuSecondsOf(pid, 'with children').then((seconds) => seconds - before)
  }

  /** With a node that is up, with the data of this name; it ends afterwards. */
  async withNode<T>(name: string, use: (node: LocalNode) => Promise<T>): Promise<T> {
    const env = this.environment(name)
    const dataDir = env.REELMESH_DATA_DIR!
    const node = await startLocalNode({ name: 'bench', main: this.#main, dataDir, flags: [], env })
    try {
      return await use(node)
    } finally {
      await endLocalNode(node)
    }
  }

  /** CPU of a command, with the data of this name, s. */
  async cpuOf(name: string, ...args: readonly string[]): Promise<number> {
    return (await measure(this.command(...args), this.environment(name))).cpuS
  }

  /** How many processes of each program `run` starts: counted in a run of its own, without a sandbox, in which no list could be written. */
  async processes(work: Work): Promise<{ ffmpeg: number; ffprobe: number }> {
    const dir = await this.#newFolder('count')
    const [ffmpeg, ffprobe] = await Promise.all(
      (['ffmpeg', 'ffprobe'] as const).map(async (program) => {
        const path = join(dir, program)
        await writeFile(
          path,
          `#!/bin/sh\nmktemp -p '${dir}' ${program}.XXXXXXXX >/dev/null\nexec '${this.tools[program]}' "$@"\n`,
        )
        await chmod(path, 0o755)
        return path
      }),
    )
    const env = { REELMESH_FFMPEG: ffmpeg, REELMESH_FFPROBE: ffprobe, REELMESH_SANDBOX: 'off' }
    // The trial runs of these programs, which are no part of it.
    await this.run({ ...work, clips: work.clips.slice(0, 1) }, { env })
    const count = async (program: string) =>
      (await readdir(dir)).filter((name) => name.startsWith(`${program}.`)).length
    const counts = async () => ({ ffmpeg: await count('ffmpeg'), ffprobe: await count('ffprobe') })
    const before = await counts()
    await this.run(work, { env })
    const after = await counts()
    return { ffmpeg: after.ffmpeg - before.ffmpeg, ffprobe: after.ffprobe - before.ffprobe }
  }

  /** Fills the caches that a user has after the first start. `more`: as in `run`. */
  async warm({ size, ...of }: Work, more: readonly string[] = []): Promise<void> {
    await this.run(await this.work({ count: 1, seconds: 1, size }, of), { more })
    await this.#free()
  }

  /** Throws where the two sides differ in files or in pictures; answers the bytes of each. `most`: number of files to read. */
  async compare(plain: Side, ours: Side, most: number): Promise<{ plain: number; ours: number }> {
    if (plain.files.length !== ours.files.length) throw new Error('the two sides made different files')
    for (const [at, file] of ours.files.slice(0, most).entries()) {
      const [want, have] = await Promise.all([plain.files[at]!, file].map((path) => picturesIn(path, this.tools)))
      if (want !== have) throw new Error(`${file} has ${have} pictures, where plain ffmpeg made ${want}`)
    }
    return { plain: await bytesOf(plain.files), ours: await bytesOf(ours.files) }
  }

  /** Removes the rounds so far; the caches stay. */
  async #free(): Promise<void> {
    for (const name of await readdir(this.#dir))
      if (/-\d+$/.test(name)) await rm(join(this.#dir, name), { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true })
  }

  async #newFolder(name: string): Promise<string> {
    const dir = join(this.#dir, `${name}-${this.#rounds++}`)
    await mkdir(dir)
    return dir
  }
}

const recipeFlags = ({ heights, preset }: Work): string[] => [
  '--renditions',
  heights.map((height) => `${height}p`).join(','),
  '--preset',
  preset,
]

const resultsIn = (out: string, { clips, heights }: Work): string[] =>
  clips.flatMap((clip) => [...heights].sort((a, b) => a - b).map((height) => join(out, `${height}p`, basename(clip))))

async function picturesIn(path: string, { ffprobe }: Ffmpeg): Promise<string> {
  const what = ['-select_streams', 'v:0', '-count_packets', '-show_entries', 'stream=width,height,nb_read_packets']
  const { stdout } = await execa(ffprobe, ['-v', 'error', ...what, '-of', 'csv=p=0', `file:${path}`])
  return stdout.trim()
}

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
