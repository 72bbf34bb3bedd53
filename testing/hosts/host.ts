/**
 * One host of the lab: a network namespace with a host name and a folder of its own. Programs started on it end with this
 * process; its network can be cut, made lossy or slow; all of it can be stopped, or lose its power.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { LabHost, LabNode, NodeFlags } from './lab-types.ts'
import type { HostLink } from './lan.ts'
import { watchNode } from './node-process.ts'

/** What a host needs of its lab. */
export interface HostOptions {
  readonly index: number
  readonly name: string
  readonly dir: string
  readonly link: HostLink
  readonly main: string
  /** Default settings of every node. */
  defaults(): NodeFlags
  cuts(change: (blocked: Set<string>) => void): Promise<void>
  readonly others: () => readonly LabHost[]
  loss(share: number): Promise<void>
  rate(bits: number | null): Promise<void>
  forward(port: number): Promise<void>
  pids(): Promise<number[]>
}

const FIRST_PORT = 4001
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']

/** Writing the name needs no program of its own. */
const NAMED = 'echo "$0" >/proc/sys/kernel/hostname && exec "$@"'

/** What brings a program to that host; it replaces itself, so the process id is the program's own. */
export const enter = (link: HostLink, name: string): string[] => [
  'nsenter', `--net=/run/netns/${link.namespace}`, '--', 'unshare', '--uts', '--', 'sh', '-c', NAMED, name,
] // biome-ignore format: one command

/** Shows a folder at another path to the program that follows, and to no other. */
const BOUND = 'mount --bind "$0" "$1" && shift && exec "$@"'

export const arrow = (from: number, to: number): string => `${from}>${to}`

export function createHost(options: HostOptions): LabHost {
  const { index, name, dir, link, main } = options
  const nodes: LabNode[] = []
  const children = new Set<ChildProcess>()
  const ports = new Map<string, number>()
  /** Commands that bind folders, each in front of the next. */
  const binds: string[] = []
  mkdirSync(dir, { recursive: true })

  const spawnHere: LabHost['spawn'] = (command, { env = {}, cwd = dir, stdio } = {}) => {
    const [file = '', ...args] = [...enter(link, name), ...binds, 'setpriv', '--pdeathsig', 'KILL', '--', ...command]
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
    })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }

  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await options.pids()) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        // It ended meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  function portOf(node: string): number {
    const port = ports.get(node) ?? FIRST_PORT + ports.size
    ports.set(node, port)
    return port
  }

  const host: LabHost = {
    index,
    name,
    dir,
    link,
    nodes,
    spawn: spawnHere,
    bind(folder, path) {
      mkdirSync(path, { recursive: true })
      if (binds.length === 0) binds.push('unshare', '--mount', '--')
      binds.push('sh', '-c', BOUND, folder, path)
    },
    async node(flags = {}, env = {}) {
      const { name: given, ...rest } = flags
      const called = String(given ?? name)
      const dataDir = join(dir, called)
      mkdirSync(dataDir, { recursive: true })
      const listen = `/ip4/${link.inner}/tcp/${portOf(called)}`
      // All share this kernel, and are to be machines of their own.
      const all = { ...options.defaults(), machine: name, data_dir: dataDir, name: called, listen, ...rest }
      // On its own disk, as those of `reelmesh run`: where that is full, the log cannot be written either.
      const logFile = join(dataDir, 'log')
      const child = spawnHere([process.execPath, ...NODE_FLAGS, main, 'node', ...argumentsOf(all)], {
        env,
        stdio: ['ignore', 'pipe', openSync(logFile, 'a')],
      })
      const node = await watchNode({ child, host, name: called, dataDir, logFile })
      nodes.push(node)
      return node
    },
    async cli(args, env = {}) {
      const child = spawnHere([process.execPath, ...NODE_FLAGS, main, ...args], { env })
      const [stdout, stderr] = [child.stdout, child.stderr].map(collect)
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' }
    },
    cut: () =>
      options.cuts((blocked) => {
        for (const other of options.others()) blocked.add(arrow(index, other.index)).add(arrow(other.index, index))
      }),
    cutFrom: (other) =>
      options.cuts((blocked) => void blocked.add(arrow(index, other.index)).add(arrow(other.index, index))),
    dropFrom: (other) => options.cuts((blocked) => void blocked.add(arrow(other.index, index))),
    heal: () =>
      options.cuts((blocked) => {
        for (const each of [...blocked]) if (each.split('>').includes(String(index))) blocked.delete(each)
      }),
    loss: options.loss,
    rate: options.rate,
    forward: options.forward,
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async powerOff() {
      // A child that was started this very moment is not in its namespace yet.
      const gone = [...children].map((child) => once(child, 'exit'))
      for (const child of children) child.kill('SIGKILL')
      await signalAll('SIGKILL')
      await Promise.all(gone)
    },
  }
  return host
}

function argumentsOf(flags: NodeFlags): string[] {
  return Object.entries(flags).flatMap(([key, value]) => {
    if (value === null || value === false) return []
    const flag = `--${key.replaceAll('_', '-')}`
    return value === true ? [flag] : [flag, String(value)]
  })
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return () => text
}
