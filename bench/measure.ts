/**
 * Runs a command and measures all of it: wall time, CPU of the whole tree, peak memory.
 *
 * CPU is what the kernel counts in a control group of the command's own, down to the last ffmpeg; where this user may not make one (root on Linux
 * may), what a shell's `times` says of its children, which leaves out what bubblewrap does not wait for. Memory is the largest sum of PSS over the tree (shared pages counted once), looked at twice a second; null
 * where there is no /proc. The measuring itself is in neither.
 */
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { accountCpu, type CpuAccount } from './cpu-limit.ts'

export interface Measured {
  readonly wallS: number
  readonly cpuS: number
  readonly peakBytes: number | null
  /** Standard output. */
  readonly text: string
}

/** What to see of a command while it runs. */
export interface Watch {
  /** Called with each piece of standard output as it comes. */
  onText?(text: string): void
  /** Called every `lookMs`; one look at a time. */
  look?(running: Running): Promise<void>
  readonly lookMs?: number
}

/** A command that runs: what it consists of now, and what it has used. By its control group where it has one: to look at all of /proc takes the cores that are measured. */
export interface Running {
  processes(): Promise<number[]>
  cpuSeconds(): Promise<number>
}

const LOOK_MS = 500
const KB = 1024
let measures = 0

/** Rejects with what the command said where it does not end with 0. */
export async function measure(
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
  watch: Watch = {},
): Promise<Measured> {
  const startedAt = performance.now()
  const account = await accountCpu(`reelmesh-measure-${process.pid}-${measures++}`)
  const enter = account ? `echo $$ >'${account.processes}'; ` : ''
  const shell = ['-c', `${enter}"$@"; code=$?; times >&3; exit $code`, 'sh', ...command]
  const child = spawn('sh', shell, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const said = ['', '', '']
  child.stdout?.on('data', (data: Buffer) => watch.onText?.(data.toString()))
  for (const [at, stream] of [child.stdout, child.stderr, child.stdio[3]].entries()) {
    stream?.on('data', (data: Buffer) => {
      said[at] += data.toString()
    })
  }
  let peakBytes: number | null = null
  const running = runningOf(child.pid ?? 0, account)
  const lookAtMemory = async (): Promise<void> => {
    const bytes = await bytesOf(await running.processes())
    if (bytes !== null) peakBytes = Math.max(peakBytes ?? 0, bytes)
  }
  const looks = [every(LOOK_MS, lookAtMemory)]
  if (watch.look) looks.push(every(watch.lookMs ?? LOOK_MS, () => watch.look!(running)))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const wallS = (performance.now() - startedAt) / 1000
  await Promise.all(looks.map((end) => end()))
  const counted = await account?.usedSeconds()
  await account?.remove()
  const [text = '', errors = '', times = ''] = said
  if (code !== 0)
    throw new Error(`${command.slice(0, 3).join(' ')} … ended with exit code ${code}: ${errors.trim().slice(-1_000)}`)
  return { wallS, cpuS: counted ?? childSeconds(times), peakBytes, text }
}

/** Looks again and again, one look at a time. What is returned ends it and waits for the last look. */
function every(ms: number, look: () => Promise<void>): () => Promise<void> {
  let looking = Promise.resolve()
  let waiting = false
  const timer = setInterval(() => {
    if (waiting) return
    waiting = true
    looking = look().finally(() => {
      waiting = false
    })
  }, ms)
  return () => {
    clearInterval(timer)
    return looking
  }
}

/** The second line of `times`: user and system time of the children, `1m2.345s 0m0.678s`. */
function childSeconds(times: string): number {
  const [, line = ''] = times.trim().split('\n')
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}

function runningOf(root: number, account: CpuAccount | null): Running {
  if (account === null) return { processes: () => treeOf(root), cpuSeconds: () => treeSeconds(root) }
  const listed = () => readFile(account.processes, 'utf8').catch(() => '')
  return {
    processes: async () => (await listed()).split('\n').filter(Boolean).map(Number),
    cpuSeconds: account.usedSeconds,
  }
}

/** Of the processes that live, with their children that have ended: each counts once. */
async function treeSeconds(root: number): Promise<number> {
  const each = await Promise.all((await treeOf(root)).map((pid) => cpuSecondsOf(pid, 'with children').catch(() => 0)))
  return each.reduce((sum, seconds) => sum + seconds, 0)
}

async function bytesOf(processes: readonly number[]): Promise<number | null> {
  if (processes.length === 0) return null
  const mine = await Promise.all(processes.map(memoryOf))
  return mine.reduce((sum, memory) => sum + (memory?.pssBytes ?? 0), 0)
}

/** A process and all below it; none where there is no /proc. */
export async function treeOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    parents.set(Number(entry), Number(parent))
  }
  const isInTree = (pid: number | undefined): boolean =>
    pid === root || (pid !== undefined && pid > 1 && isInTree(parents.get(pid)))
  return [...parents.keys()].filter(isInTree)
}

/** Null for a process that is gone, or where the system does not report it. */
export async function memoryOf(pid: number): Promise<{ rssBytes: number; pssBytes: number } | null> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * KB
  return text === '' ? null : { rssBytes: field('Rss'), pssBytes: field('Pss') }
}

/** User and system time of one process so far, s: of itself, or with all its children that have ended. 100 ticks a second on every Linux. */
export async function cpuSecondsOf(pid: number, of: 'itself' | 'with children' = 'itself'): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const counted = of === 'itself' ? [11, 12] : [11, 12, 13, 14]
  return counted.reduce((sum, at) => sum + Number(fields[at]), 0) / 100
}
