/**
 * What a node, as it is shipped, takes that has nothing to do: memory and CPU of each of four in one mesh, on loopback with one SQLite ledger, after
 * they have settled. Only where there is a /proc.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cpuSecondsOf, memoryOf } from './measure.ts'
import { mean, type Row } from './table.ts'

const ROOT = join(import.meta.dirname, '..')
/** What `npm pack` and the image ship. From the sources a node takes about 30 MB more. */
const MAIN = join(ROOT, 'dist', 'reelmesh.mjs')
const NODES = 4
const FULL = { settleS: 20, watchS: 60 } as const
const QUICK = { settleS: 3, watchS: 5 } as const
const STOP_MS = 10_000
const MB = 1e6

interface IdleNode {
  readonly pid: number
  readonly address: string
  stop(): Promise<void>
}

export async function benchIdle({ quick }: { quick: boolean }): Promise<Row[]> {
  const { settleS, watchS } = quick ? QUICK : FULL
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-idle-'))
  const nodes: IdleNode[] = []
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts', 'build.ts')])
  try {
    for (let at = 0; at < NODES; at++) nodes.push(await startNode(dir, at, nodes[0]?.address))
    await sleep(settleS)
    const before = await Promise.all(nodes.map(({ pid }) => cpuSecondsOf(pid)))
    await sleep(watchS)
    const spent = await Promise.all(nodes.map(async ({ pid }, at) => (await cpuSecondsOf(pid)) - (before[at] ?? 0)))
    const memory = await Promise.all(nodes.map(({ pid }) => memoryOf(pid)))
    return [
      ...rows('memory (RSS)', 'MB', memory.map((each) => (each?.rssBytes ?? Number.NaN) / MB)),
      ...rows('memory (PSS)', 'MB', memory.map((each) => (each?.pssBytes ?? Number.NaN) / MB)),
      ...rows('CPU', '%', spent.map((seconds) => (100 * seconds) / watchS)),
    ] // biome-ignore format: one line each
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await rm(dir, { recursive: true, force: true })
  }
}

function rows(what: string, unit: string, values: readonly number[]): Row[] {
  const each = (name: string, value: number): Row => ({
    what: `${name} idle node of ${NODES}, ${what}`,
    value,
    unit,
    ratio: null,
    against: null,
  })
  return [each('mean', mean(values)), each('largest', Math.max(...values))]
}

/** Started as an installed `reelmesh node` is. */
async function startNode(dir: string, at: number, known: string | undefined): Promise<IdleNode> {
  const flags = [
    '--data-dir',
    join(dir, String(at)),
    '--name',
    `node ${at + 1}`,
    '--ledger',
    `sqlite:${join(dir, 'ledger.db')}`,
    '--self-test-dir',
    join(dir, 'self-tests'),
  ]
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=1',
    MAIN,
    'node',
    ...flags,
    '--log-level',
    'error',
    ...(known ? ['--join', known] : []),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return { pid: child.pid ?? 0, address: await addressOf(child), stop: () => stopChild(child) }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString()
      const [address] = /\/ip4\/\S+\/p2p\/\S+/.exec(text) ?? []
      if (address) resolve(address)
    })
    child.once('close', (code) => reject(new Error(`a node ended with exit code ${code} before it was up`)))
  })
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
