/**
 * `npm run test:players`: streaming packages in the players that sites use, in a real Chromium. Brings what is missing (ffmpeg, Chromium).
 * `-- --all`: the films of every case in every player; with `--node` from the HTTP server of a node; `-- page`: only files whose names begin so. Ends with `N passed, N failed`.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureChromium } from '../testing/tools/chromium.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { programFile } from '../testing/tools/program.ts'
import { type FileLimits, runInTurn, stopBefore } from './test-file.ts'

const FOLDER = 'test/players'
/** They begin first: else one of them runs on by itself. */
const LONGEST = ['cases', 'page', 'package']
/** A film is played at its own speed, and a player mostly waits for it: three take 1.5 of two cores. */
const AT_ONCE = 3
/** A large mesh takes a core, and how long the page takes for it is measured. */
const ALONE = ['live-large']
const LIMITS: FileLimits = { testMs: 120_000, fileMs: 900_000, lingerMs: 15_000 }

const { values, positionals: named } = parseArgs({
  options: { all: { type: 'boolean' }, node: { type: 'boolean' } },
  allowPositionals: true,
})
if (values.all) process.env.REELMESH_ALL = '1'
if (values.node) process.env.REELMESH_FROM_NODE = '1'
process.chdir(join(import.meta.dirname, '..'))
const began = performance.now()
try {
  await ensureFfmpeg()
  await ensureChromium()
  // One build for all files.
  process.env.REELMESH_TEST_PROGRAM = await programFile()
} catch (error) {
  stopBefore(error)
}
const isNamed = (name: string) => named.length === 0 || named.some((each) => name.startsWith(each))
const place = (name: string) => LONGEST.toReversed().indexOf(name)
const names = (await readdir(FOLDER))
  .filter((name) => name.endsWith('.test.ts') && isNamed(name))
  .map((name) => name.replace('.test.ts', ''))
  .sort((a, b) => place(b) - place(a) || (a < b ? -1 : 1))
const run = (some: readonly string[], atOnce: number) =>
  runInTurn(
    some.map((name) => `${FOLDER}/${name}.test.ts`),
    LIMITS,
    { atOnce },
  )
const { true: alone = [], false: beside = [] } = Object.groupBy(names, (name) => `${ALONE.includes(name)}`)
const sums = [await run(beside, AT_ONCE), await run(alone, 1)]
const sum = {
  passed: sums.reduce((all, { passed }) => all + passed, 0),
  failed: sums.reduce((all, { failed }) => all + failed, 0),
}
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s\n${sum.passed} passed, ${sum.failed} failed`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)
