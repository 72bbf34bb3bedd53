/**
 * Every test of the project: `npm test`, `npm run test:all` (long ones too), `npm test -- ledger media/probe` (some).
 *
 * Brings what is missing first (ffmpeg, a MongoDB server). Light suites share the machine two at a time, heavy ones
 * have it for themselves. Shows each file as it ends, each failure whole, the time of each suite, and ends with the plain
 * line `N passed, N failed`. Exits 0 only if nothing failed and no suite was without a test.
 */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { ensureMongod } from '../testing/tools/mongod-binary.ts'
import { inLanes } from './lanes.ts'
import { tellFile } from './tell-file.ts'
import { type FileLimits, type FileResult, runTestFile } from './test-file.ts'
import { chooseSuites, findSuites, type Suite } from './test-suites.ts'

interface SuiteResult {
  readonly name: string
  readonly files: readonly FileResult[]
  readonly ms: number
}

const ROOT = `${import.meta.dirname}/..`
/** Two cores: what is light runs two at a time. */
const LIGHT_SUITES_AT_ONCE = 2
const LIMITS: FileLimits = { testMs: 120_000, fileMs: 300_000, lingerMs: 15_000 }
const LONG_LIMITS: FileLimits = { testMs: 1_800_000, fileMs: 3_600_000, lingerMs: 30_000 }

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})
process.chdir(ROOT)
if (values.all) process.env.REELMESH_ALL = '1'
const suites = await findSuites('.', { long: values.all })
const { chosen, unknown } = chooseSuites(suites, positionals)
if (unknown.length > 0) {
  console.error(
    `no suite or test file is called ${unknown.join(', ')}; suites: ${suites.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}
await bringTools()
const results = await runSuites(chosen)
printTable(results)
const passed = sum(results, ({ passed }) => passed)
const failed = sum(results, ({ failed }) => failed) + emptySuites(results).length
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** What cannot be brought is told here; the tests that need it then fail, they are not skipped. */
async function bringTools(): Promise<void> {
  const tools = await Promise.allSettled([ensureFfmpeg(), ensureMongod()])
  const [ffmpeg, mongod] = tools
  for (const tool of tools) if (tool.status === 'rejected') console.log(`✖ ${tool.reason?.message ?? tool.reason}`)
  const have = [
    `Node ${process.versions.node}`,
    ffmpeg.status === 'fulfilled' && `ffmpeg ${ffmpeg.value.version}`,
    mongod.status === 'fulfilled' && `MongoDB from ${mongod.value}`,
  ]
  console.log(have.filter(Boolean).join(', '))
}

async function runSuites(wanted: readonly Suite[]): Promise<SuiteResult[]> {
  const light = wanted.filter((suite) => suite.light)
  const heavy = wanted.filter((suite) => !suite.light)
  return [...(await inLanes(LIGHT_SUITES_AT_ONCE, light, runSuite)), ...(await inLanes(1, heavy, runSuite))]
}

async function runSuite({ name, files, concurrency }: Suite): Promise<SuiteResult> {
  const started = performance.now()
  const results = await inLanes(concurrency, files, async (file) => {
    const result = await runTestFile(`${process.cwd()}/${file}`, values.all ? LONG_LIMITS : LIMITS)
    tellFile(file, result, { figures: false })
    return result
  })
  return { name, files: results, ms: performance.now() - started }
}

function printTable(all: readonly SuiteResult[]): void {
  const rows = all.map(({ name, files, ms }) => {
    const total = (pick: (file: FileResult) => number): string => String(files.reduce((n, file) => n + pick(file), 0))
    return [
      name,
      total((file) => file.passed),
      total((file) => file.failed),
      total((file) => file.skipped),
      seconds(ms),
    ]
  })
  console.log('')
  for (const row of [['suite', 'passed', 'failed', 'skipped', 'time'], ...rows]) {
    console.log(row.map((cell, column) => (column === 0 ? cell.padEnd(14) : cell.padStart(8))).join(''))
  }
  for (const name of emptySuites(all)) console.log(`✖ the suite ${name} ran no test`)
  for (const file of all.flatMap(({ files }) => files))
    if (file.failed > 0) console.log(`✖ ${relative('.', file.path)}`)
}

function emptySuites(all: readonly SuiteResult[]): string[] {
  return all.filter(({ files }) => files.every(({ passed, failed }) => passed + failed === 0)).map(({ name }) => name)
}

function sum(all: readonly SuiteResult[], pick: (file: FileResult) => number): number {
  return all.flatMap(({ files }) => files).reduce((n, file) => n + pick(file), 0)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
