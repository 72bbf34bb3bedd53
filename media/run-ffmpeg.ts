/**
 * The only file that starts ffmpeg and ffprobe, with limits for all resources.
 *
 * Each run has its own session (killed whole on abort), nice 10, an address-space and an output bound, no stdin,
 * and does not outlive this process where `setpriv` exists; it is confined as `sandbox.ts` says. A run without progress for `stallMs` is
 * stopped.
 *
 * Promises: `run` resolves only after the process is gone, with its exit code; everything else rejects:
 *
 * | what happened                                   | rejects with                       |
 * |-------------------------------------------------|------------------------------------|
 * | `signal` aborted                                | the signal's reason                |
 * | killed by a signal that this node did not send  | `AttemptFailed('build_cannot')`    |
 * | no progress for `stallMs`                       | `AttemptFailed('stalled')`         |
 * | output, stderr or memory over its limit          | `AttemptFailed('out_of_bounds')` |
 * | no space left on the disk                       | `AttemptFailed('disk_full')`       |
 */
import { constants } from 'node:os'
import { execa } from 'execa'
import type { Clock, Rng } from '../protocol/clock.ts'
import { AttemptFailed, UsageError } from '../protocol/errors.ts'
import { FFMPEG_MEMORY_BYTES, FFMPEG_STALL_MS, FFMPEG_STDERR_MAX, LOG_BYTES_MAX } from '../protocol/limits.ts'
import { keptWrapping, type WrappingCache } from './kept-wrapping.ts'
import { withPlainPaths } from './plain-paths.ts'
import { type SandboxLevel, startsAt } from './sandbox.ts'
import { yieldSession } from './session-nice.ts'
import { findWrapping, type Wrapping, wrapped } from './wrapping.ts'

/** One run of a program, with its limits. */
export interface RunJob {
  /** Absolute path of the program. */
  readonly program: string
  readonly args: readonly string[]
  readonly signal: AbortSignal
  /** Each line of stdout, without its end. A throw stops the run and rejects it. */
  readonly onLine?: (line: string) => void
  /** stdout is `-progress pipe:1`: only a *changed* counter is progress there, as blocks come regardless. */
  readonly progress?: boolean
  readonly stallMs?: number
  /** Largest file that the run may write, bytes. */
  readonly outputBytesMax?: number
  /** Folders that the inputs refer to. */
  readonly folders?: readonly string[]
  /** Folders that it writes into, beside those of its outputs. */
  readonly writes?: readonly string[]
}

/** The end of a run: exit code and log. */
export interface RunEnd {
  /** Exit code of the program, 0–255. */
  readonly exitCode: number
  /** The tail of stderr, at most 64 KiB. */
  readonly log: string
}

/** Runs a program. It rejects as the table at the head of this file says. */
export type Run = (job: RunJob) => Promise<RunEnd>

/** The two programs, which may come from different builds, and what runs them. */
export interface Programs {
  readonly ffmpeg: string
  readonly ffprobe: string
  readonly run: Run
  readonly clock: Clock
  readonly rng: Rng
}

/** Longest line of stdout; those of ffprobe and ffmpeg are far below. A longer one stops the run. */
const LINE_CHARS_MAX = 4 * 1024 * 1024
/** Counters of a `-progress` block that only move when work is done. */
const PROGRESS_COUNTERS = /^(frame|total_size|out_time_us)=/

/** Seconds of its output that a line of `-progress` says are made; null for any other line. */
export function secondsMade(line: string): number | null {
  const made = /^out_time_us=(\d+)/.exec(line)?.[1]
  return made === undefined ? null : Number(made) / 1e6
}

/** The clock, limits where they differ from the defaults, and what is called when a program was started. */
export interface RunnerOptions {
  readonly clock: Clock
  /** Address space of one process, bytes. */
  readonly memoryBytes?: number
  /** Time without progress after which a process is stopped, ms, where its job does not set it. */
  readonly stallMs?: number
  /** `off`: ffmpeg is not confined. Default: as far as this machine can. */
  readonly sandbox?: 'auto' | 'off'
  /** Where it is kept which of the wrapping tools work; without it each runner tries them. */
  readonly kept?: WrappingCache | null
  readonly onStart?: (() => void) | undefined
}

/** A runner. Its first run tests which of the wrapping tools (`setpriv`, `prlimit`, `nice`, `bwrap`, `unshare`) this machine has. */
export function createRunner(options: RunnerOptions): Run {
  const { sandbox = 'auto' } = options
  let wrapping: Promise<Wrapping> | undefined
  const levels = new Map<string, ProgramLevel>()
  return async (job) => {
    job.signal.throwIfAborted()
    wrapping ??= options.kept && sandbox === 'auto' ? keptWrapping(options.kept) : findWrapping(sandbox)
    const tools = await wrapping
    const level = levels.get(job.program) ?? { open: [...tools.levels], isKnown: tools.levels.length === 1 }
    levels.set(job.program, level)
    return withPlainPaths(job.args, (args) => superviseAt(level, { ...job, args }, tools, options))
  }
}

/** At which level a program runs. */
interface ProgramLevel {
  /** Levels not known to fail, strongest first. */
  readonly open: SandboxLevel[]
  /** Whether the first of them is known to work. */
  isKnown: boolean
}

/** Runs a job at the strongest level at which its program starts; a failure of one that never ran there is looked into. */
async function superviseAt(level: ProgramLevel, job: RunJob, tools: Wrapping, options: RunnerOptions): Promise<RunEnd> {
  const sandbox = level.open[0] ?? 'none'
  const running = supervise(job, tools, options, sandbox)
  const end = await running.catch(() => null)
  level.isKnown ||= end?.exitCode === 0 || (await startsAt(job.program, sandbox))
  if (level.isKnown || level.open.length === 1 || job.signal.aborted) return running
  if (level.open[0] === sandbox) level.open.shift()
  return superviseAt(level, job, tools, options)
}

/** Runs a job as `run` does, but a non-zero exit rejects with `encode_failed` and the last message of ffmpeg. */
export async function runOrFail(run: Run, job: RunJob, what: string): Promise<string> {
  const { exitCode, log } = await run(job)
  if (exitCode === 0) return log
  throw new AttemptFailed('encode_failed', `${what} failed with exit code ${exitCode}: ${lastLine(log)}`, { log })
}

/** The last line of a log that is not empty, for a sentence. */
export function lastLine(log: string): string {
  const lines = log.split(/[\r\n]+/).map((line) => line.trim())
  return (lines.filter((line) => line !== '' && line !== 'Conversion failed!').at(-1) ?? 'no message on stderr').slice(
    0,
    300,
  )
}

/** The environment of ffmpeg: only variables that it needs, as others change its behaviour (`FFREPORT`, `AV_LOG_FORCE_COLOR`). */
function environment(): Record<string, string> {
  const inherited = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'SYSTEMROOT', 'FONTCONFIG_PATH']
  const pairs = inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(pairs), LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' }
}

async function supervise(job: RunJob, tools: Wrapping, options: RunnerOptions, sandbox: SandboxLevel): Promise<RunEnd> {
  const memoryBytes = options.memoryBytes ?? FFMPEG_MEMORY_BYTES
  const [file = '', ...args] = await wrapped(job, tools, { sandbox, memoryBytes })
  const child = execa(file, args, {
    detached: true, cleanup: false, reject: false, buffer: false,
    stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', extendEnv: false, env: environment(),
  }) // biome-ignore format: groups
  let isRunning = true
  options.onStart?.()
  if (child.pid !== undefined) void yieldSession(child.pid, options.clock, () => isRunning)
  let stop: { reason: unknown } | undefined
  const kill: Kill = (reason) => {
    stop ??= { reason }
    killGroup(child.pid)
  }
  const life = watchLife(options.clock, job.stallMs ?? options.stallMs ?? FFMPEG_STALL_MS, kill)
  const aborted = () => kill(job.signal.reason)
  job.signal.addEventListener('abort', aborted, { once: true })
  if (job.signal.aborted) aborted()
  // With `-progress` only its counters are progress: messages may repeat without end.
  const log = appendToTail(child.stderr, job.progress ? () => {} : life.beat, kill)
  readLines(child.stdout, job, life.beat, kill)
  try {
    const end = await child
    if (stop) throw stop.reason
    return classifyEnd(sandbox === 'bubblewrap' ? withSignal(end, log()) : end, log(), job)
  } finally {
    isRunning = false
    life.end()
    job.signal.removeEventListener('abort', aborted)
    killGroup(child.pid)
  }
}

interface End {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly code?: string | undefined
}

/** Signals that end a program by its own fault, by a limit, or by the kernel. Their exit codes are none of ffmpeg's. */
const DEADLY = ['SIGILL', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS'] as const
const EXIT_OF_SIGNAL = 128
const QUOTA = /Disk quota exceeded/

/** The end of a program that bubblewrap reports: 128 + the number of the signal. */
function withSignal(end: End, log: string): End {
  // Its error code of the quota is the code of SIGABRT.
  if (QUOTA.test(log)) return end
  const signal = DEADLY.find((name) => end.exitCode === EXIT_OF_SIGNAL + constants.signals[name])
  return signal === undefined ? end : { signal }
}

/** The messages of ffmpeg, x264, x265 (C++) and the C library. */
const OUT_OF_MEMORY = /Cannot allocate memory|[Oo]ut of memory|memory exhausted|malloc of size \d+ failed|bad_alloc/

/** Turns an end that this node did not cause into a result, or throws the error that it means. */
function classifyEnd(end: End, log: string, job: RunJob): RunEnd {
  if (end.signal === 'SIGXFSZ' || /File too large/.test(log)) {
    throw new AttemptFailed('out_of_bounds', `ffmpeg wrote more than the ${job.outputBytesMax} bytes allowed`, { log })
  }
  if (end.exitCode !== 0 && OUT_OF_MEMORY.test(log)) {
    throw new AttemptFailed('out_of_bounds', 'ffmpeg exceeded its memory limit', { log })
  }
  if (end.signal !== undefined || /received signal \d+\.\s*$/.test(log)) {
    throw new AttemptFailed(
      'build_cannot',
      `ffmpeg was killed by ${end.signal ?? 'a signal'} that this node did not send`,
      { log },
    )
  }
  if (end.exitCode === undefined) throw new UsageError(`cannot start ${job.program}: ${end.code ?? 'unknown cause'}`)
  if (end.exitCode === 126 || end.exitCode === 127)
    throw new UsageError(`cannot start ${job.program}: ${lastLine(log)}`)
  if (end.exitCode !== 0 && /No space left on device|Disk quota exceeded/.test(log)) {
    throw new AttemptFailed('disk_full', 'the disk is full', { log })
  }
  return { exitCode: end.exitCode, log }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has ended already.
  }
}

type Kill = (reason: unknown) => void

/** Calls `kill` when `stallMs` pass without a beat. One timer, re-armed only when it fires, so that a beat costs nothing. */
function watchLife(clock: Clock, stallMs: number, kill: Kill): { beat(): void; end(): void } {
  let last = clock.mono()
  let cancel = () => {}
  const arm = (ms: number) => {
    cancel = clock.timer(ms, () => {
      const left = last + stallMs - clock.mono()
      if (left > 0) arm(left)
      else kill(new AttemptFailed('stalled', `ffmpeg made no progress for ${Math.round(stallMs / 1000)} s`))
    })
  }
  arm(stallMs)
  return {
    beat: () => {
      last = clock.mono()
    },
    end: () => cancel(),
  }
}

function appendToTail(stream: NodeJS.ReadableStream, beat: () => void, kill: Kill): () => string {
  let tail = ''
  let chars = 0
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    beat()
    tail = (tail + text).slice(-LOG_BYTES_MAX)
    chars += text.length
    if (chars > FFMPEG_STDERR_MAX)
      kill(
        new AttemptFailed('out_of_bounds', `ffmpeg stderr exceeded ${FFMPEG_STDERR_MAX / 2 ** 20} MiB`, { log: tail }),
      )
  })
  return () => tail
}

function readLines(stream: NodeJS.ReadableStream, job: RunJob, beat: () => void, kill: Kill): void {
  const counters = new Map<string, string>()
  const take = (line: string) => {
    const counter = job.progress ? PROGRESS_COUNTERS.exec(line)?.[1] : undefined
    if (!job.progress || (counter !== undefined && counters.get(counter) !== line)) beat()
    if (counter !== undefined) counters.set(counter, line)
    job.onLine?.(line)
  }
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    try {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LINE_CHARS_MAX)
        throw new AttemptFailed('out_of_bounds', `ffprobe wrote a line longer than ${LINE_CHARS_MAX} characters`)
      for (const line of lines) take(line)
    } catch (error) {
      kill(error)
    }
  })
  stream.on('end', () => rest !== '' && take(rest))
}
