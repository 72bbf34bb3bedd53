/**
 * The program as it is shipped, one file with parts beside it: it starts in 0.1 s, needs half the CPU time of the sources until it is up, and stays
 * what it was while the sources change. `npm test` builds it once for all test files and names it in REELMESH_TEST_PROGRAM.
 */
import { rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

const BUILD = join(import.meta.dirname, '..', '..', 'scripts', 'build.ts')

/**
 * Writes it to `outfile`, in a process of its own; with `main`, a module of ours in its place, from the repository's root. Rejects with what the build
 * printed where it fails.
 */
export async function buildProgram(outfile: string, main?: string): Promise<void> {
  await execa(process.execPath, [BUILD, outfile, ...(main === undefined ? [] : [main])], { stdin: 'ignore' })
}

const builds = new Map<string | undefined, Promise<string>>()

/** Its path, or that of `main` as above: the program that `npm test` built, else what this process builds once and removes when it ends. */
export function programFile(main?: string): Promise<string> {
  const { REELMESH_TEST_PROGRAM: shared } = process.env
  if (shared && main === undefined) return Promise.resolve(shared)
  const built = builds.get(main) ?? build(main)
  builds.set(main, built)
  return built
}

async function build(main?: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-program-'))
  // Some tests start it as another user.
  await chmod(dir, 0o755)
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'reelmesh.mjs')
  await buildProgram(file, main)
  return file
}
