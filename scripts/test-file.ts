/**
 * Runs one test file in a process of its own, counts its tests and prints the outcome. Beyond node:test it promises an end: a
 * file that has done its tests and does not exit left something open, which is a failure; so is a file that holds no test, one
 * that ends before its tests do, or one that takes longer than it may (test-process.ts).
 */
import { run } from 'node:test'
import { inspect } from 'node:util'
import { withConcurrency } from './with-concurrency.ts'

export interface FileResult {
  readonly path: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly ms: number
  /** What its tests reported of themselves (`t.diagnostic`): figures, mostly. */
  readonly figures: readonly string[]
  /** For people: each failure with its place, and what the file printed. Empty where nothing failed. */
  readonly report: string
}

export interface FileLimits {
  /** One test, unless it says otherwise itself. */
  readonly testMs: number
  readonly fileMs: number
  /** How long a file may live on after its last test. */
  readonly lingerMs: number
  /** How far it gives way to other processes; 0 where nothing is said. */
  readonly niceness?: number
}

const OUTPUT_LINES_MAX = 200

/** `path` is absolute. A run for each file, since Node 24 does not say which file an event of several belongs to. */
export async function runTestFile(
  path: string,
  { testMs, fileMs, lingerMs, niceness = 0 }: FileLimits,
): Promise<FileResult> {
  const started = performance.now()
  const preload = import.meta.resolve(`./test-process.ts?fileMs=${fileMs}&lingerMs=${lingerMs}&niceness=${niceness}`)
  const events = run({ files: [path], isolation: 'process', execArgv: ['--import', preload], timeout: testMs })
  const seen = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  const output: string[] = []
  const figures: string[] = []
  let tests: number | null = null
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file) tests = data.counts.tests
    if (type === 'test:diagnostic' && data.file) figures.push(data.message)
    if (type === 'test:stdout' || type === 'test:stderr') output.push(data.message)
    if (type === 'test:fail' && !isEcho(data.details.error)) failures.push(failureText(data, path))
    if (type !== 'test:pass' || data.details.type === 'suite' || data.name === path) continue
    seen[data.skip === undefined && data.todo === undefined ? 'passed' : 'skipped']++
  }
  if (tests === null && failures.length === 0) failures.push('the file ended before its tests did: it exits')
  if (tests === 0) failures.push('the file holds no test')
  seen.failed = failures.length
  const printed = output.join('').trimEnd().split('\n').slice(-OUTPUT_LINES_MAX)
  const report =
    failures.length === 0 ? '' : [...failures, ...(output.length > 0 ? ['— it printed —', ...printed] : [])].join('\n')
  return { path, ...seen, ms: performance.now() - started, figures, report }
}

/** Prints a line for the file, its report where something failed, and what its tests measured where `withFigures` says so. */
export function printFile(name: string, result: FileResult, { withFigures = false } = {}): void {
  const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} failed` : ''}`
  console.log(`${result.failed > 0 ? '✖' : '✔'} ${name}  ${counts}  ${(result.ms / 1000).toFixed(1)} s`)
  if (withFigures) for (const line of result.figures) console.log(`    ${line}`)
  if (result.report) console.log(result.report)
}

/** Ends this process before any test: says why, and counts as one that failed. */
export function stopBefore(why: unknown): never {
  console.error(`✖ ${why instanceof Error ? why.message : String(why)}`)
  console.log('\n0 passed, 1 failed')
  process.exit(1)
}

/**
 * Runs files in this order, `atOnce` of them beside each other, prints each with its figures as it ends, and answers the sums. Paths are from the
 * working directory.
 */
export async function runInTurn(
  paths: readonly string[],
  limits: FileLimits,
  { atOnce = 1 } = {},
): Promise<{ passed: number; failed: number }> {
  const sum = { passed: 0, failed: 0 }
  await withConcurrency(atOnce, paths, async (path) => {
    const result = await runTestFile(`${process.cwd()}/${path}`, limits)
    printFile(path, result, { withFigures: true })
    sum.passed += result.passed
    sum.failed += result.failed
  })
  return sum
}

/** A test that failed only because one inside it did is reported by that one. */
function isEcho(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed'
}

function failureText(
  data: { name: string; file?: string; line?: number; details: { error: Error } },
  path: string,
): string {
  const { error } = data.details
  if (data.name === path) {
    const { exitCode, signal } = error as { exitCode?: number; signal?: string }
    return `✖ the file failed as a whole (${signal ?? `exit code ${exitCode}`}); what it printed stands below`
  }
  const cause = inspect(error.cause ?? error, { depth: 6 })
  return `✖ ${data.name} (${data.file ?? '?'}:${data.line ?? 0})\n${cause.replace(/^/gm, '    ')}`
}
