/**
 * Paths that are not UTF-8 as arguments of a program. Node writes arguments as UTF-8, so that such a path cannot be one: a link with a plain
 * name stands for it while the program runs.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fsPath, isEscaped } from '../protocol/path-text.ts'

const PREFIX = 'file:'

/** Calls `run` with the arguments, and removes the links afterwards. Rejects as `run` does, and with errors of the file system. */
export async function withPlainPaths<Result>(
  args: readonly string[],
  run: (args: readonly string[]) => Promise<Result>,
): Promise<Result> {
  if (!args.some(isEscaped)) return await run(args)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-names-'))
  try {
    const plain: string[] = []
    for (const [at, arg] of args.entries()) {
      const link = join(dir, `${at}${isEscaped(extname(arg)) ? '' : extname(arg)}`)
      const isPath = arg.startsWith(PREFIX) && isEscaped(arg)
      if (isPath) await symlink(fsPath(arg.slice(PREFIX.length)), link)
      plain.push(isPath ? `${PREFIX}${link}` : arg)
    }
    return await run(plain)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
