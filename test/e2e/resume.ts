/** What the tests of resuming share: an undisturbed run, and runs that are killed and started again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow } from '../../testing/tools/folder.ts'
import { programFile } from '../../testing/tools/program.ts'
import { runCli } from '../../testing/tools/run-cli.ts'

/** The program with a fault in it: three processes of it run for each film, and built they take half of the time. */
const faulty = (): Promise<string> => programFile('test/e2e/faulty.ts')
/** Two to three chunks in three renditions: 7–10 tasks, each short. */
const SOURCE = 'multi'

export interface Attempted {
  readonly dir: string
  readonly out: string
  readonly dataDir: string
}

export const places = (dir: string): Attempted => ({ dir, out: join(dir, 'out'), dataDir: join(dir, 'data') })

/** sha256 of every delivered file, by its path. */
export async function hashes({ out }: Attempted): Promise<Record<string, string>> {
  const files = await filesBelow(out)
  const named = files.map(
    async (file) =>
      [
        file,
        createHash('sha256')
          .update(await readFile(join(out, file)))
          .digest('hex'),
      ] as const,
  )
  return Object.fromEntries(await Promise.all(named))
}

/** One whole run; with a fault, whoever reaches it first dies there, and what died is started again until the run is done. */
export async function runToTheEnd(
  place: Attempted,
  fault?: string,
): Promise<{ starts: number; seconds: number; isArmed: boolean }> {
  const source = await ensureSource(SOURCE)
  const marker = join(place.dir, 'armed')
  if (fault) await writeFile(marker, '')
  const env = fault ? { FAULT_IN_REELMESH: `${fault}@${marker}` } : {}
  for (let starts = 1; starts <= 3; starts++) {
    const result = await runCli(['run', place.out, source], {
      cwd: place.dir,
      dataDir: place.dataDir,
      main: await faulty(),
      env,
    })
    if (result.code === 0) {
      const isArmed = (await filesBelow(place.dir)).includes('armed')
      return { starts, seconds: result.seconds, isArmed }
    }
    assert.equal(result.code, null, `a killed process has no exit code: ${result.stderr}`)
  }
  throw new Error('the run did not end after three starts')
}

/** Starts a run and kills every process of it after `ms`; false when it had ended before. */
export async function killAllAfter(place: Attempted, ms: number): Promise<boolean> {
  const source = await ensureSource(SOURCE)
  const env = { ...process.env, REELMESH_DATA_DIR: place.dataDir }
  const child = spawn(process.execPath, [await faulty(), 'run', place.out, source], {
    cwd: place.dir,
    env,
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(child, 'exit')
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), ms)
  const [code] = (await ended) as [number | null]
  clearTimeout(timer)
  return code === null
}

/** Everything that a finished run must leave: the same files, and no blob. */
export async function assertFinished(place: Attempted, wanted: Record<string, string>): Promise<void> {
  assert.deepEqual(await hashes(place), wanted, 'the files of an undisturbed run')
  assert.deepEqual(await filesBelow(join(place.dataDir, 'store', 'blobs')), [], 'intermediate blobs are gone')
  assert.deepEqual(await filesBelow(join(place.dataDir, 'store', 'scratch')), [], 'scratch files are gone')
}
