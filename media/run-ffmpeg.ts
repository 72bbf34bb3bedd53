/**
 * The only place of `media/` that starts processes: ffmpeg and ffprobe, bounded in every direction.
 *
 * Each run has its own process group (killed whole on abort), nice 10, an address-space and an output bound, no stdin,
 * and does not outlive this process where `setpriv` exists. A run that shows no life for `stallMs` is stopped.
 *
 * Promises: `run` resolves only after the process is gone, with its exit code; everything else rejects:
 *
 * | what happened                                   | rejects with                       |
 * |-------------------------------------------------|------------------------------------|
 * | `signal` aborted                                | the signal's reason                |
 * | ended by a signal nobody here sent              | `AttemptFailed('build_cannot')`    |
 * | no sign of life for `stallMs`                   | `AttemptFailed('stalled')`         |
 * | wrote past `outputBytesMax`, talked without end, ran out of memory | `AttemptFailed('out_of_bounds')` |
 * | no space left on the disk                       | `AttemptFailed('disk_full')`       |
 */
import { execa } from 'execa'
import type { Clock, Rng } from '../protocol/clock.ts'
import { AttemptFailed, UsageError } from '../protocol/errors.ts'
import {
  FFMPEG_MEMORY_BYTES,
  FFMPEG_NICE,
  FFMPEG_STALL_MS,
  FFMPEG_STDERR_MAX,
  LOG_BYTES_MAX,
} from '../protocol/limits.ts'

export interface RunJob {
  /** Absolute path of the program. */
  readonly program: string
  readonly args: readonly string[]
  readonly signal: AbortSignal
  /** Each line of stdout, without its end. A throw stops the run and rejects it. */
  readonly onLine?: (line: string) => void
  /** stdout is `-progress pipe:1`: only a *changed* count is a sign of life there, since blocks come regardless. */
  readonly progress?: boolean
  readonly stallMs?: number
  /** Largest file the run may write. */
  readonly outputBytesMax?: number
}

export interface RunEnd {
  readonly exitCode: number
  /** The tail of stderr, at most 64 KiB. */
  readonly log: string
}

export type Run = (job: RunJob) => Promise<RunEnd>

/** The two programs, which may come from different builds, and what runs them. */
export interface Programs {
  readonly ffmpeg: string
  readonly ffprobe: string
  readonly run: Run
  readonly clock: Clock
  readonly rng: Rng
}

/** Longest line kept of stdout; ffprobe's and ffmpeg's own are far below. A longer one is not theirs: stop. */
const LINE_CHARS_MAX = 4 * 1024 * 1024
/** Counters of a `-progress` block that only move when work is done. */
const PROGRESS_COUNTERS = /^(frame|total_size|out_time_us)=/

export interface RunnerOptions {
  readonly clock: Clock
  /** Address space of one process. */
  readonly memoryBytes?: number
  /** Silence after which a process is stopped, where its job does not say. */
  readonly stallMs?: number
}

/** A runner; the first run finds out which of the wrapping tools this host has. */
export function createRunner(options: RunnerOptions): Run {
  let wrapping: Promise<Wrapping> | undefined
  return async (job) => {
    job.signal.throwIfAborted()
    wrapping ??= findWrapping()
    return supervise(job, await wrapping, options)
  }
}

/** As `run`, but a non-zero exit rejects with `encode_failed` and what ffmpeg said last. */
export async function runOrFail(run: Run, job: RunJob, what: string): Promise<string> {
  const { exitCode, log } = await run(job)
  if (exitCode === 0) return log
  throw new AttemptFailed('encode_failed', `${what} failed with exit code ${exitCode}: ${lastLine(log)}`, { log })
}

/** The last line that says something, for a sentence. */
export function lastLine(log: string): string {
  const lines = log.split(/[\r\n]+/).map((line) => line.trim())
  return (lines.filter((line) => line !== '' && line !== 'Conversion failed!').at(-1) ?? 'it said nothing').slice(
    0,
    300,
  )
}

interface Wrapping {
  readonly dieWithParent: boolean
  readonly bounds: boolean
  readonly nice: boolean
}

/** The command in front of ffmpeg. All of these `exec`, so that the pid stays and a death by signal is seen. */
export function wrapped(
  job: Pick<RunJob, 'program' | 'args' | 'outputBytesMax'>,
  tools: Wrapping,
  memoryBytes: number,
): string[] {
  const bounds = [
    `--as=${memoryBytes}`,
    '--core=0',
    ...(job.outputBytesMax ? [`--fsize=${Math.ceil(job.outputBytesMax)}`] : []),
  ]
  return [
    ...(tools.dieWithParent ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []),
    ...(tools.bounds ? ['prlimit', ...bounds, '--'] : []),
    ...(tools.nice ? ['nice', '-n', String(FFMPEG_NICE)] : []),
    job.program,
    ...job.args,
  ]
}

/** Tried, not looked up: busybox has a `setpriv` that does not know `--pdeathsig`. */
async function findWrapping(): Promise<Wrapping> {
  const works = async (...command: string[]) => {
    const [file = '', ...args] = command
    return (await execa(file, args, { reject: false, stdio: 'ignore', timeout: 5_000 })).exitCode === 0
  }
  const [dieWithParent, bounds, nice] = await Promise.all([
    works('setpriv', '--pdeathsig', 'KILL', '--', 'true'),
    works('prlimit', '--as=4294967296', '--core=0', '--', 'true'),
    works('nice', '-n', String(FFMPEG_NICE), 'true'),
  ])
  return { dieWithParent, bounds, nice }
}

/** Nothing of the caller's environment changes what ffmpeg does (`FFREPORT`, `AV_LOG_FORCE_COLOR`); the rest it needs. */
function environment(): Record<string, string> {
  const inherited = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH', 'SYSTEMROOT', 'FONTCONFIG_PATH']
  const pairs = inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(pairs), LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' }
}

async function supervise(job: RunJob, tools: Wrapping, options: RunnerOptions): Promise<RunEnd> {
  const [file = '', ...args] = wrapped(job, tools, options.memoryBytes ?? FFMPEG_MEMORY_BYTES)
  const child = execa(file, args, {
    detached: true, cleanup: false, reject: false, buffer: false,
    stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', extendEnv: false, env: environment(),
  }) // biome-ignore format: groups
  let stop: { reason: unknown } | undefined
  const kill = (reason: unknown) => {
    stop ??= { reason }
    killGroup(child.pid)
  }
  const life = watchLife(options.clock, job.stallMs ?? options.stallMs ?? FFMPEG_STALL_MS, kill)
  const aborted = () => kill(job.signal.reason)
  job.signal.addEventListener('abort', aborted, { once: true })
  if (job.signal.aborted) aborted()
  // Where progress is told, only that is a sign of life: words may go on for ever.
  const log = appendToTail(child.stderr, job.progress ? () => {} : life.beat, kill)
  readLines(child.stdout, job, life.beat, kill)
  try {
    const end = await child
    if (stop) throw stop.reason
    return classifyEnd(end, log(), job)
  } finally {
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

/** As ffmpeg, x264, x265 (C++) and the C library say it. */
const OUT_OF_MEMORY = /Cannot allocate memory|[Oo]ut of memory|memory exhausted|malloc of size \d+ failed|bad_alloc/

/** What an end that nobody here caused means. */
function classifyEnd(end: End, log: string, job: RunJob): RunEnd {
  if (end.signal === 'SIGXFSZ' || /File too large/.test(log)) {
    throw new AttemptFailed('out_of_bounds', `ffmpeg wrote more than the ${job.outputBytesMax} bytes allowed`, { log })
  }
  if (end.exitCode !== 0 && OUT_OF_MEMORY.test(log)) {
    throw new AttemptFailed('out_of_bounds', 'ffmpeg needed more memory than it may have', { log })
  }
  if (end.signal !== undefined || /received signal \d+\.\s*$/.test(log)) {
    throw new AttemptFailed(
      'build_cannot',
      `ffmpeg was ended by ${end.signal ?? 'a signal'} that this node did not send`,
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
    // The group is gone: nothing left to end.
  }
}

/** Calls `kill` once nothing has been heard for `stallMs`. One timer at a time, re-armed lazily: beats are cheap. */
function watchLife(clock: Clock, stallMs: number, kill: (reason: unknown) => void): { beat(): void; end(): void } {
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

function appendToTail(stream: NodeJS.ReadableStream, beat: () => void, kill: (reason: unknown) => void): () => string {
  let tail = ''
  let said = 0
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    beat()
    tail = (tail + text).slice(-LOG_BYTES_MAX)
    said += text.length
    if (said > FFMPEG_STDERR_MAX)
      kill(new AttemptFailed('out_of_bounds', 'ffmpeg wrote messages without end', { log: tail }))
  })
  return () => tail
}

function readLines(
  stream: NodeJS.ReadableStream,
  job: RunJob,
  beat: () => void,
  kill: (reason: unknown) => void,
): void {
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
      if (rest.length > LINE_CHARS_MAX) throw new AttemptFailed('out_of_bounds', 'ffprobe wrote a line without end')
      for (const line of lines) take(line)
    } catch (error) {
      kill(error)
    }
  })
  stream.on('end', () => rest !== '' && take(rest))
}
