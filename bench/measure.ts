/**
 * Runs a command and measures all of it: wall time, CPU of the whole tree, peak memory.
 *
 * CPU is what a shell's `times` says of its children: every process that was waited for, by whom it was started, down to the
 * last ffmpeg. Memory is the largest sum of PSS over the tree (shared pages counted once), looked at twice a second; null
 * where there is no /proc. The measuring itself is in neither.
 */
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'

export interface Measured {
  readonly wallS: number
  readonly cpuS: number
  readonly peakBytes: number | null
  /** Standard output. */
  readonly text: string
}

const LOOK_MS = 500
const KB = 1024

/** Rejects with what the command said where it does not end with 0. */
export async function measure(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const startedAt = performance.now()
  const shell = ['-c', '"$@"; code=$?; times >&3; exit $code', 'sh', ...command]
  const child = spawn('sh', shell, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const said = ['', '', '']
  for (const [at, stream] of [child.stdout, child.stderr, child.stdio[3]].entries()) {
    stream?.on('data', (data: Buffer) => {
      said[at] += data.toString()
    })
  }
  let peakBytes: number | null = null
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    looking = looking.then(async () => {
      const bytes = child.pid ? await treeBytes(child.pid) : null
      if (bytes !== null) peakBytes = Math.max(peakBytes ?? 0, bytes)
    })
  }, LOOK_MS)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearInterval(timer)
  await looking
  const [text = '', errors = '', times = ''] = said
  if (code !== 0)
    throw new Error(`${command.slice(0, 3).join(' ')} … ended with exit code ${code}: ${errors.trim().slice(-1_000)}`)
  return { wallS: (performance.now() - startedAt) / 1000, cpuS: childSeconds(times), peakBytes, text }
}

/** The second line of `times`: user and system time of the children, `1m2.345s 0m0.678s`. */
function childSeconds(times: string): number {
  const [, line = ''] = times.trim().split('\n')
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}

async function treeBytes(root: number): Promise<number | null> {
  const tree = await treeOf(root)
  if (tree.length === 0) return null
  const mine = await Promise.all(tree.map(memoryOf))
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
