/** One node process on loopback that a benchmark can signal and freeze. Its output is appended to `log` in its data folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '../protocol/ids.ts'
import { treeOf } from './measure.ts'

export interface LocalNode {
  readonly name: string
  readonly peer: PeerId
  readonly pid: number
  readonly dataDir: string
  signal(signal: NodeJS.Signals): void
  /** SIGSTOP, or SIGCONT, to it and every process below it: as if its machine were frozen. */
  freeze(isFrozen: boolean): Promise<void>
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>
}

const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']
const STOP_MS = 10_000

/** Starts `main node` with these flags; resolves when it says that it is up, rejects where it ends before. */
export async function startLocalNode(job: {
  name: string
  /** The bundled program. */
  main: string
  dataDir: string
  flags: readonly string[]
  /** More variables than this process has. */
  env?: NodeJS.ProcessEnv
}): Promise<LocalNode> {
  const { name, main, dataDir, flags, env } = job
  await mkdir(dataDir, { recursive: true })
  const args = [...NODE_FLAGS, main, 'node', '--name', name, '--data-dir', dataDir, ...flags]
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => appendFileSync(join(dataDir, 'log'), data))
  const pid = child.pid ?? 0
  return {
    name,
    peer: await peerOf(child, name),
    pid,
    dataDir,
    signal: (signal) => void child.kill(signal),
    async freeze(isFrozen) {
      for (const each of await treeOf(pid)) process.kill(each, isFrozen ? 'SIGSTOP' : 'SIGCONT')
    },
    ended: endOf(child),
  }
}

/** Asks it to end, also where it is frozen, and kills it after `STOP_MS`. Resolves when it is gone. */
export async function endLocalNode(node: LocalNode): Promise<void> {
  node.signal('SIGCONT')
  node.signal('SIGTERM')
  const kill = setTimeout(() => node.signal('SIGKILL'), STOP_MS)
  await node.ended
  clearTimeout(kill)
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('close', () => resolve()))
}

function peerOf(child: ChildProcess, name: string): Promise<PeerId> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      const [, peer] = /is up: peer (\S+)\n/.exec(text) ?? []
      if (peer) resolve(peer as PeerId)
    })
    child.once('close', (code, signal) => reject(new Error(`${name} ended before it was up (${signal ?? code})`)))
  })
}
