/**
 * The README's commands, taken from it and run: a block of shell after `<!-- runnable: WORD, WORD -->` is one that a reader can type
 * as it stands, beside a `film.mp4`. `stays`: it runs until it is stopped. `mesh`: it belongs to the part about several hosts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface Block {
  readonly script: string
  readonly words: readonly string[]
}

export const readReadme = (): Promise<string> => readFile(join(ROOT, 'README.md'), 'utf8')

export function runnableBlocks(markdown: string): Block[] {
  const marked = /<!-- runnable(?:: ([a-z, ]+))? -->\n```sh\n([\s\S]*?)```/g
  return [...markdown.matchAll(marked)].map(([, words = '', script = '']) => ({
    script,
    words: words.split(/, */).filter(Boolean),
  }))
}

export interface Place {
  readonly cwd: string
  readonly dataDir: string
}

export interface Ran {
  readonly code: number | null
  /** Everything it said, both streams. */
  readonly text: string
}

/** Runs a block to its end. */
export async function runBlock(script: string, place: Place): Promise<Ran> {
  const { child, text } = start(script, place)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text: text() }
}

export interface Staying {
  stop(): Promise<Ran>
}

/** Runs a block that stays, until it has said `ready`. Throws what it said where it ends before. */
export async function stayBlock(script: string, place: Place, ready: RegExp): Promise<Staying> {
  // Without a shell in between, the signal and the exit code are its own.
  const { child, text } = start(`exec ${script}`, place)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  await new Promise<void>((resolve, reject) => {
    const look = (): void => void (ready.test(text()) && resolve())
    child.stdout?.on('data', look)
    void ended.then((code) => reject(new Error(`ended with exit code ${code}: ${text()}`)))
  })
  return {
    async stop() {
      child.kill('SIGTERM')
      return { code: await ended, text: text() }
    },
  }
}

/** With `reelmesh` on the path as `npm link` puts it there. */
function start(script: string, { cwd, dataDir }: Place): { child: ChildProcess; text: () => string } {
  const path = [join(ROOT, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH: path, REELMESH_DATA_DIR: dataDir, NO_COLOR: '1' }
  const child = spawn('sh', ['-e', '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text))
  return { child, text: () => said }
}
