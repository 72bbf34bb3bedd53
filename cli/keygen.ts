/** `reelmesh keygen`: the secret that makes a mesh private. */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { UsageError } from '../protocol/errors.ts'
import { say } from './output.ts'

/** Adds the verb `keygen` to the program. */
export function addKeygen(program: Command): void {
  program
    .command('keygen')
    .argument('[file]', 'where to write it; standard output without one')
    .action(async (file: string | undefined) => {
      const { generateSwarmKey } = await import('../mesh/make-swarm-key.ts')
      const key = generateSwarmKey()
      if (file === undefined) return void process.stdout.write(key)
      try {
        await writeFile(file, key, { mode: 0o600, flag: 'wx' })
      } catch (cause) {
        const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST'
        throw new UsageError(
          taken
            ? `${file} exists; a key is never overwritten`
            : `${file} cannot be written: ${(cause as Error).message}`,
          { cause },
        )
      }
      say(`${file}: a new mesh key. Keep it secret; every machine needs the same one.`)
    })
}
