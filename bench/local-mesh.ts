/**
 * A mesh to hurt: node processes on loopback, bundled as they are shipped, one SQLite ledger, and an observer in this process
 * that is a peer of the mesh itself (it receives, detects failures and publishes as any node does, and encodes nothing).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import { createSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { createLibp2pMesh } from '../mesh/libp2p-mesh.ts'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import { connectControl, controlSocketPath } from '../node/http/control-socket.ts'
import { createPeerTable, type HeardTable } from '../node/peers/peer-table.ts'
import { createSuspicions } from '../node/peers/suspicions.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { silentLog as log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { Task } from '../protocol/task.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { buildProgram } from '../testing/tools/program.ts'
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

export interface LocalMesh {
  readonly dir: string
  readonly ledger: Ledger
  readonly mesh: Mesh
  readonly table: HeardTable
  readonly nodes: ReadonlyMap<string, LocalNode>
  /** Starts it, or starts it again under its identity; resolves when it says that it is up. */
  start(name: string, flags: readonly string[]): Promise<LocalNode>
  submit(node: LocalNode, path: string, recipe: Readonly<Record<string, unknown>>): Promise<VideoId>
  /** Attempts that run now, by who runs them. */
  running(): Promise<{ task: Task; worker: PeerId }[]>
  /** How often something happened, of the last 1,000 events. */
  countOf(what: string): Promise<number>
  until<T>(what: string, look: () => Promise<T | null | undefined | false>, seconds: number): Promise<T>
  stop(): Promise<void>
}

const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']
const LOOK_MS = 4
const STOP_MS = 10_000

export async function openLocalMesh(name: string): Promise<LocalMesh> {
  const tools = await ensureFfmpeg()
  const dir = await mkdtemp(join(tmpdir(), `reelmesh-${name}-`))
  const main = join(dir, 'reelmesh.mjs')
  await buildProgram(main)
  const ledger = createSqliteLedger({ path: join(dir, 'ledger.db'), clock, rng, log })
  await ledger.open()
  const nodes = new Map<string, LocalNode>()
  await mkdir(join(dir, 'observer'))
  const options = {
    dataDir: join(dir, 'observer'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    clock,
    rng,
    log,
  }
  const mesh = await createLibp2pMesh({ ...options, join: [] })
  await mesh.start()
  const table = createPeerTable({ clock, self: mesh.self })
  mesh.listen({
    onGossip(message) {
      const heard = message.topic === 'heartbeat' ? table.accept(message) : null
      if (heard?.verdict === 'accept') mesh.learn(message.author, heard.message.addresses)
    },
  })
  const suspicions = createSuspicions({ mesh, clock, table })
  suspicions.start()

  async function start(name: string, flags: readonly string[]): Promise<LocalNode> {
    const dataDir = join(dir, name)
    await mkdir(dataDir, { recursive: true })
    const own = ['--name', name, '--data-dir', dataDir, '--ledger', `sqlite:${join(dir, 'ledger.db')}`]
    const shared = ['--self-test-dir', join(dir, 'self-tests'), '--ffmpeg', tools.ffmpeg, '--ffprobe', tools.ffprobe]
    const join_ = ['--listen', '/ip4/127.0.0.1/tcp/0', '--join', mesh.addresses()[0] ?? '']
    const args = [...NODE_FLAGS, main, 'node', ...own, ...shared, ...join_, ...flags]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => appendFileSync(join(dataDir, 'log'), data))
    const node: LocalNode = {
      name,
      peer: await peerOf(child, name),
      pid: child.pid ?? 0,
      dataDir,
      signal: (signal) => void child.kill(signal),
      async freeze(isFrozen) {
        for (const pid of await treeOf(child.pid ?? 0)) process.kill(pid, isFrozen ? 'SIGSTOP' : 'SIGCONT')
      },
      ended: new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve()
        else child.once('close', () => resolve())
      }),
    }
    nodes.set(name, node)
    void node.ended.then(() => nodes.get(name) === node && nodes.delete(name))
    return node
  }

  return {
    dir,
    ledger,
    mesh,
    table,
    nodes,
    start,
    async submit(node, path, recipe) {
      const client = await connectControl(controlSocketPath(node.dataDir))
      if (!client) throw new Error(`${node.name} does not answer`)
      return (await parseResponse(client.v1.videos.$post({ json: { path, recipe } }))).id
    },
    async running() {
      const tasks = await ledger.tasks({ kinds: ['video'], statuses: ['PROCESSING'] })
      return tasks.flatMap((task) => task.claims.map((claim) => ({ task, worker: claim.worker_id })))
    },
    countOf: async (what) => (await ledger.events(1_000)).filter((event) => event.what === what).length,
    async until(what, look, seconds) {
      const giveUpAt = performance.now() + seconds * 1000
      for (;;) {
        const found = await look()
        if (found) return found
        if (performance.now() > giveUpAt)
          throw new Error(`${what} did not happen within ${seconds} s (the mesh's folder: ${dir})`)
        await sleep(LOOK_MS)
      }
    },
    async stop() {
      suspicions.stop()
      await Promise.all(
        [...nodes.values()].map(async (node) => {
          node.signal('SIGCONT')
          node.signal('SIGTERM')
          const kill = setTimeout(() => node.signal('SIGKILL'), STOP_MS)
          await node.ended
          clearTimeout(kill)
        }),
      )
      await mesh.stop()
      await ledger.close()
      if (!process.env.REELMESH_BENCH_KEEP) await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
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
