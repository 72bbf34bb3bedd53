/**
 * Runs one test file in a process of its own and counts what it says. Beyond node:test it promises an end: a file that
 * has done its tests and does not exit left something open, which is a failure; so is a file that holds no test, or one
 * that takes longer than it may.
 */

import { run } from 'node:test'
import { inspect } from 'node:util'
import { execa } from 'execa'

export interface FileResult {
  readonly path: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly ms: number
  /** What its tests told of themselves (`t.diagnostic`): figures, mostly. */
  readonly told: readonly string[]
  /** For people: each failure with its place, and what the file printed. Empty where nothing failed. */
  readonly report: string
}

export interface FileLimits {
  /** One test, unless it says otherwise itself. */
  readonly testMs: number
  readonly fileMs: number
  /** How long a file may live on after its last test. */
  readonly lingerMs: number
}

/** A killed process has this long to be gone before its file is given up. */
const KILL_MS = 2_000
const OUTPUT_LINES_MAX = 200
/** How node:test ends every run. */
const SUMMARY = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

export async function runTestFile(path: string, limits: FileLimits): Promise<FileResult> {
  const started = performance.now()
  const watch = new Watch(path, limits)
  const execArgv = ['--import', import.meta.resolve('./properties.ts')]
  const events = run({ files: [path], isolation: 'process', execArgv, timeout: limits.testMs, signal: watch.signal })
  const seen = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  const output: string[] = []
  const told: string[] = []
  const fail = (text: string): void => {
    seen.failed++
    failures.push(text)
  }
  for await (const { type, data } of events) {
    watch.saw(type)
    if (type === 'test:diagnostic' && !SUMMARY.test(data.message)) told.push(data.message)
    if (type === 'test:stdout' || type === 'test:stderr') output.push(data.message)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.details.type === 'suite' && type === 'test:pass') continue
    const isFile = data.name === path
    if (type === 'test:fail') {
      if (isFile) fail(watch.why ?? 'the file ended before its tests did: a crash, or an exit (its output is below)')
      else if (!isEcho(data.details.error)) fail(failureText(data))
    } else if (isFile) fail('the file holds no test')
    else if (data.skip !== undefined || data.todo !== undefined) seen.skipped++
    else seen.passed++
  }
  if (watch.why) await killLeftover(path)
  watch.stop()
  if (seen.passed + seen.failed + seen.skipped === 0) fail('the file holds no test')
  const printed = output.join('').trimEnd().split('\n').slice(-OUTPUT_LINES_MAX)
  const report =
    failures.length === 0 ? '' : [...failures, ...(output.length > 0 ? ['— it printed —', ...printed] : [])].join('\n')
  return { path, ...seen, ms: performance.now() - started, told, report }
}

/** Ends a file that is too slow, or that lives on although every test it began has ended. */
class Watch {
  readonly #controller = new AbortController()
  readonly #limits: FileLimits
  readonly #whole: NodeJS.Timeout
  #linger: NodeJS.Timeout | undefined
  #open = 0
  #began = false
  why: string | null = null

  constructor(path: string, limits: FileLimits) {
    this.#limits = limits
    this.#whole = setTimeout(() => this.#end(`${path} took longer than ${limits.fileMs / 1000} s`), limits.fileMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The file itself is the first test that begins. */
  saw(type: string): void {
    if (type === 'test:enqueue') this.#open++
    else if (type === 'test:complete') this.#open--
    else return
    this.#began ||= this.#open > 1
    clearTimeout(this.#linger)
    if (!this.#began || this.#open > 1) return
    const seconds = this.#limits.lingerMs / 1000
    const text = `its tests ended, but it did not within ${seconds} s: something was left open (a timer, a socket, a process)`
    this.#linger = setTimeout(() => this.#end(text), this.#limits.lingerMs)
  }

  stop(): void {
    clearTimeout(this.#whole)
    clearTimeout(this.#linger)
  }

  #end(why: string): void {
    this.why = why
    this.#controller.abort(new Error(why))
  }
}

/** A test that failed only because one inside it did is told by that one. */
function isEcho(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed'
}

function failureText(data: { name: string; file?: string; line?: number; details: { error: Error } }): string {
  const { error } = data.details
  const cause = inspect(error.cause ?? error, { depth: 6 })
  return `✖ ${data.name} (${data.file ?? '?'}:${data.line ?? 0})\n${cause.replace(/^/gm, '    ')}`
}

/** node:test asks a file to end with SIGTERM; one that handles that signal stays. Only our own child is ended. */
async function killLeftover(path: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, KILL_MS))
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,ppid=,args='], { reject: false, stdin: 'ignore' })
  for (const line of String(stdout ?? '').split('\n')) {
    const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    if (Number(parent) === process.pid && args?.endsWith(path)) process.kill(Number(pid), 'SIGKILL')
  }
}
