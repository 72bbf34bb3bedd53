/** The program as it is shipped, as one file: starts in 0.1 s, and stays what it was while the sources change. */
import { join } from 'node:path'
import { execa } from 'execa'

const BUILD = join(import.meta.dirname, '..', '..', 'scripts', 'build.ts')

/** Writes it to `outfile`, in a process of its own. Rejects with what the build printed where it fails. */
export async function bundle(outfile: string): Promise<void> {
  await execa(process.execPath, [BUILD, outfile], { stdin: 'ignore' })
}
