/**
 * Every test of the project: `npm test`, `npm run test:all` (long ones too), `npm test -- ledger media/probe` (some).
 *
 * Brings first what the chosen files need and no more: a pure test waits for neither ffmpeg nor a database. Files run in processes
 * of their own, one more at a time than there are cores, since many wait more than they work, and simulations beside them. Shows each file as it ends, each
 * failure whole, what each suite took, and ends with the plain line `N passed, N failed`. Exits 0 only if nothing failed and no
 * suite was without a test.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { cachePath } from '../testing/tools/cache.ts'
import { type FileLimits, type FileResult, printFile, runTestFile } from './test-file.ts'
import { toolsOf } from './test-needs.ts'
import { chooseFiles, findTestFiles, suiteOf } from './test-suites.ts'
import { bringTools } from './test-tools.ts'
import { withConcurrency } from './with-concurrency.ts'

const ROOT = `${import.meta.dirname}/..`
/** The longest file, 100 simulations, takes 190 s on two cores; where others use them too, more than 300 s were seen. */
const LIMITS: FileLimits = { testMs: 240_000, fileMs: 600_000, lingerMs: 15_000 }
/** Beside three others, which go first on the processors. */
const COMPUTING_LIMITS: FileLimits = { testMs: 300_000, fileMs: 1_200_000, lingerMs: 15_000, niceness: 5 }
const LONG_LIMITS: FileLimits = { testMs: 1_800_000, fileMs: 3_600_000, lingerMs: 30_000 }
/** A file of nodes and encoders takes up to 1 GB. */
const FILES_AT_ONCE_MAX = 4

process.chdir(ROOT)
const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})
// Leaves by `exit`, so that what was made for this run is removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
if (values.all) process.env.REELMESH_ALL = '1'
// Types are stripped and code is compiled once for all processes; half of what a small file takes.
process.env.NODE_COMPILE_CACHE ??= cachePath('compiled')

const { chosen, unknown } = chooseFiles(await findTestFiles('.', { long: values.all }), positionals)
if (unknown.length > 0) {
  console.error(
    `no suite or test file is called ${unknown.join(', ')}; a suite is a folder, a file the start of its path`,
  )
  process.exit(2)
}
const giveBack = await bringTools([...(await toolsOf(chosen, ROOT)).values()])
// Simulations only compute, on a clock of their own: in turn they take what the others leave of the processors.
const { true: computing = [], false: others = [] } = Object.groupBy(
  chosen,
  (file) => `${suiteOf(file) === 'simulation'}`,
)
const lists = await Promise.all([
  runFiles(others, LIMITS, Math.min(availableParallelism() + 1, FILES_AT_ONCE_MAX)),
  runFiles(computing, COMPUTING_LIMITS, others.length > 0 ? 1 : availableParallelism()),
])
const results = lists.flat()
await giveBack()
const empty = printSuites(results)
const [passed, failed] = [total(results, 'passed'), total(results, 'failed') + empty]
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

function runFiles(
  files: readonly string[],
  limits: FileLimits,
  atOnce: number,
): Promise<(FileResult & { file: string })[]> {
  return withConcurrency(atOnce, files, async (file) => {
    const result = await runTestFile(`${process.cwd()}/${file}`, values.all ? LONG_LIMITS : limits)
    printFile(file, result)
    return { ...result, file }
  })
}

/** A line for each suite, the time of all its files together, and those that failed; answers how many suites ran no test. */
function printSuites(all: readonly (FileResult & { file: string })[]): number {
  const suites = Object.entries(Object.groupBy(all, ({ file }) => suiteOf(file))) as [string, FileResult[]][]
  const row = (name: string, cells: readonly string[]) =>
    console.log(name.padEnd(14) + cells.map((cell) => cell.padStart(8)).join(''))
  console.log('')
  row('suite', ['passed', 'failed', 'skipped', 'time'])
  for (const [name, files] of suites) {
    const counts = (['passed', 'failed', 'skipped'] as const).map((count) => String(total(files, count)))
    row(name, [...counts, `${(total(files, 'ms') / 1000).toFixed(1)} s`])
  }
  const empty = suites.filter(([, files]) => total(files, 'passed') + total(files, 'failed') === 0)
  for (const [name] of empty) console.log(`✖ the suite ${name} ran no test`)
  for (const { file, failed } of all) if (failed > 0) console.log(`✖ ${file}`)
  return empty.length
}

function total(files: readonly FileResult[], count: 'passed' | 'failed' | 'skipped' | 'ms'): number {
  return files.reduce((sum, file) => sum + file[count], 0)
}
