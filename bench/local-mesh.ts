/**
 * A mesh to hurt: node processes on loopback, bundled as they are shipped, one SQLite ledger, and an observer in this process
 * that is a peer of the mesh itself (it receives, detects failures and publishes as any node does, and encodes nothing).
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseResponse } from 'hono/client'
import { createSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { createLibp2pMesh } from '../mesh/libp2p-mesh.ts'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import { connectControl } from '../node/http/control-client.ts'
import { controlSocketPath } from '../node/http/control-path.ts'
import { createPeerTable, type HeardTable } from '../node/peers/peer-table.ts'
import { createSuspicions, type Suspicions } from '../node/peers/suspicions.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { silentLog as log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { Task } from '../protocol/task.ts'
import { ANY_PEER } from '../testing/any-peer.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { buildProgram } from '../testing/tools/program.ts'
import { endLocalNode, type LocalNode, startLocalNode } from './local-node.ts'

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

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const LOOK_MS = 4

export async function openLocalMesh(name: string): Promise<LocalMesh> {
  const tools = await ensureFfmpeg()
  const dir = await mkdtemp(join(tmpdir(), `reelmesh-${name}-`))
  await buildProgram(programIn(dir))
  const ledger = createSqliteLedger({ path: ledgerIn(dir), clock, rng, log })
  await ledger.open()
  return new NodeProcesses({ dir, tools, ledger, observer: await openObserver(join(dir, 'observer')) })
}

const programIn = (dir: string): string => join(dir, 'reelmesh.mjs')
const ledgerIn = (dir: string): string => join(dir, 'ledger.db')

interface Parts {
  readonly dir: string
  readonly tools: Ffmpeg
  readonly ledger: Ledger
  readonly observer: Observer
}

class NodeProcesses implements LocalMesh {
  readonly dir: string
  readonly ledger: Ledger
  readonly mesh: Mesh
  readonly table: HeardTable
  readonly nodes = new Map<string, LocalNode>()
  readonly #tools: Ffmpeg
  readonly #observer: Observer

  constructor({ dir, tools, ledger, observer }: Parts) {
    this.dir = dir
    this.ledger = ledger
    this.mesh = observer.mesh
    this.table = observer.table
    this.#tools = tools
    this.#observer = observer
  }

  async start(name: string, flags: readonly string[]): Promise<LocalNode> {
    const { dir, nodes } = this
    const { ffmpeg, ffprobe } = this.#tools
    const shared = ['--ledger', `sqlite:${ledgerIn(dir)}`, '--self-test-dir', join(dir, 'self-tests')]
    const tools = ['--ffmpeg', ffmpeg, '--ffprobe', ffprobe]
    const network = ['--listen', LOOPBACK, '--join', this.mesh.addresses()[0] ?? '']
    const all = [...shared, ...tools, ...network, ...flags]
    const node = await startLocalNode({ name, main: programIn(dir), dataDir: join(dir, name), flags: all })
    nodes.set(name, node)
    void node.ended.then(() => nodes.get(name) === node && nodes.delete(name))
    return node
  }

  async submit(node: LocalNode, path: string, recipe: Readonly<Record<string, unknown>>): Promise<VideoId> {
    const client = await connectControl(controlSocketPath(node.dataDir))
    if (!client) throw new Error(`${node.name} does not answer`)
    return (await parseResponse(client.v1.videos.$post({ json: { path, recipe } }))).id
  }

  async running(): Promise<{ task: Task; worker: PeerId }[]> {
    const tasks = await this.ledger.tasks({ kinds: ['video'], statuses: ['PROCESSING'] })
    return tasks.flatMap((task) => task.claims.map((claim) => ({ task, worker: claim.worker_id })))
  }

  async countOf(what: string): Promise<number> {
    return (await this.ledger.events(1_000)).filter((event) => event.what === what).length
  }

  async until<T>(what: string, look: () => Promise<T | null | undefined | false>, seconds: number): Promise<T> {
    const giveUpAt = performance.now() + seconds * 1000
    for (;;) {
      const found = await look()
      if (found) return found
      if (performance.now() > giveUpAt)
        throw new Error(`${what} did not happen within ${seconds} s (the mesh's folder: ${this.dir})`)
      await sleep(LOOK_MS)
    }
  }

  async stop(): Promise<void> {
    this.#observer.suspicions.stop()
    await Promise.all([...this.nodes.values()].map(endLocalNode))
    await this.mesh.stop()
    await this.ledger.close()
    if (!process.env.REELMESH_BENCH_KEEP) await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The peer in this process. */
interface Observer {
  readonly mesh: Mesh
  readonly table: HeardTable
  readonly suspicions: Suspicions
}

async function openObserver(dataDir: string): Promise<Observer> {
  await mkdir(dataDir)
  const mesh = await createLibp2pMesh({ dataDir, listen: [LOOPBACK], mdns: false, clock, rng, log, join: [] })
  await mesh.start()
  const table = createPeerTable({ clock, self: mesh.self, members: ANY_PEER, connections: () => [] })
  mesh.listen({
    onGossip(message) {
      const heard = message.topic === 'heartbeat' ? table.accept(message) : null
      if (heard?.verdict === 'accept') mesh.learn(message.author, heard.message.addresses)
    },
  })
  const suspicions = createSuspicions({ mesh, clock, table })
  suspicions.start()
  return { mesh, table, suspicions }
}
