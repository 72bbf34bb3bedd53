/**
 * Loaded into every process of a test file, before it. Gives property tests their cases, and the process its bounds, which
 * the query of the import says in ms: `lingerMs` after the last test, `fileMs` for all of it; and its niceness.
 *
 * In `npm test` property tests draw the same cases each time, so that its verdict depends on the change alone; `npm run test:all`
 * is the search: other cases each time, and many more. A failure prints its seed, and `REELMESH_SEED` replays it.
 */
import { writeSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { after } from 'node:test'
import { isMainThread, Worker } from 'node:worker_threads'
import fc from 'fast-check'

const { REELMESH_ALL: all, REELMESH_SEED: seed = all ? undefined : '1' } = process.env
fc.configureGlobal({ numRuns: all ? 20_000 : 1_000, ...(seed === undefined ? {} : { seed: Number(seed) }) })

// What a test forks, and its threads, inherit this import.
if (isMainThread && process.argv[1]?.endsWith('.test.ts')) {
  const bounds = new URL(import.meta.url).searchParams
  setPriority(Math.min(19, getPriority() + Number(bounds.get('niceness'))))
  endAfter(Number(bounds.get('fileMs')))
  after(() => endIfOpen(Number(bounds.get('lingerMs'))))
}

/** From a thread of its own: a test that never gives this thread back is ended too. */
function endAfter(ms: number): void {
  const code = `setTimeout(() => {
    require('node:fs').writeSync(2, 'this file took longer than ${ms / 1000} s\\n')
    process.kill(process.pid, 'SIGKILL')
  }, ${ms})`
  new Worker(code, { eval: true, execArgv: [] }).unref()
}

/** A process with nothing left to do ends before this timer does; one that lives on has left something open. */
function endIfOpen(ms: number): void {
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].join(', ')
    writeSync(2, `its tests ended, but it did not within ${ms / 1000} s: something was left open (${open})\n`)
    process.exit(1)
  }, ms).unref()
}
