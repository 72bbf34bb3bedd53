/**
 * Blobs from process to process: MB/s and CPU seconds per GB of both sides together, against plain TCP doing the least that
 * moves a file (read, send, write; no hash, no encryption, no resume), as ratios within one run. Run alone: `node bench/blobs.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { generateSwarmKey } from '../mesh/swarm-key.ts'
import { systemClock } from '../node/host/system-clock.ts'
import { type BlobProcess, startBlobProcess } from '../testing/hostile/blob-process.ts'
import type { Row } from './table.ts'

const BYTES = 256 * 1024 * 1024
const ROUNDS = 3
const video = '00000000000000bb'

/** One transfer of `BYTES`. */
interface Measured {
  readonly ms: number
  readonly cpuS: number
}
const mbPerS = ({ ms }: Measured) => BYTES / 1e3 / ms
const cpuSPerGb = ({ cpuS }: Measured) => cpuS / (BYTES / 1e9)

export async function benchBlobs({ quick = false }: { quick?: boolean } = {}): Promise<Row[]> {
  const rounds = quick ? 1 : ROUNDS
  const root = await mkdtemp(join(tmpdir(), 'reelmesh-bench-'))
  const pairs = {
    open: await startPair(join(root, 'open')),
    keyed: await startPair(join(root, 'keyed'), generateSwarmKey()),
  }
  const [tcp, open, keyed] = [[], [], []] as [Measured[], Measured[], Measured[]]
  try {
    // In turn, so that whatever else the machine does falls on all alike. The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const path = join(root, 'open', 'giver', 'store', 'blobs', video)
      open.push(await exchanged(pairs.open))
      keyed.push(await exchanged(pairs.keyed))
      tcp.push(await overTcp(join(path, (await readdir(path))[0] ?? ''), join(root, 'tcp-copy')))
    }
    const base = mean(tcp)
    return [
      ...rows('plain TCP', base),
      ...rows('blob exchange', mean(open), base),
      ...rows('blob exchange with a swarm key', mean(keyed), base),
    ]
  } finally {
    for (const { giver, taker } of Object.values(pairs)) for (const { child } of [giver, taker]) child.kill('SIGKILL')
    await rm(root, { recursive: true, force: true })
  }
}

const mean = ([, ...rounds]: Measured[]): Measured => ({
  ms: rounds.reduce((sum, { ms }) => sum + ms, 0) / rounds.length,
  cpuS: rounds.reduce((sum, { cpuS }) => sum + cpuS, 0) / rounds.length,
})

function rows(what: string, measured: Measured, base?: Measured): Row[] {
  const row = (unit: string, value: number, other: number | undefined): Row => ({
    what,
    value,
    unit,
    ratio: other === undefined ? null : value / other,
    against: other === undefined ? null : 'plain TCP',
  })
  return [
    row('MB/s', mbPerS(measured), base && mbPerS(base)),
    row('CPU s/GB', cpuSPerGb(measured), base && cpuSPerGb(base)),
  ]
}

interface Pair {
  readonly giver: BlobProcess
  readonly taker: BlobProcess
}

/** One node gives, one takes. */
async function startPair(root: string, swarmKey?: string): Promise<Pair> {
  const key = swarmKey === undefined ? {} : { swarmKey }
  const giver = await startBlobProcess({ dataDir: join(root, 'giver'), ...key })
  const taker = await startBlobProcess({ dataDir: join(root, 'taker'), join: giver.addresses, ...key })
  await taker.connected(giver.self)
  return { giver, taker }
}

async function exchanged({ giver, taker }: Pair): Promise<Measured> {
  const made = await giver.ask({ do: 'make', bytes: BYTES, video })
  const before = await cpuSeconds(giver, taker)
  const fetched = await taker.ask({ do: 'fetch', ...made, video, holder: giver.self })
  return { ms: Number(fetched['ms']), cpuS: (await cpuSeconds(giver, taker)) - before }
}

async function cpuSeconds(...processes: BlobProcess[]): Promise<number> {
  const used = await Promise.all(
    processes.map(async (each) => (await each.ask({ do: 'usage' }))['cpu'] as NodeJS.CpuUsage),
  )
  return used.reduce((sum, { user, system }) => sum + (user + system) / 1e6, 0)
}

/** A child reads the file and serves it over TCP, another takes it into a file; both say what CPU they used. */
async function overTcp(path: string, copy: string): Promise<Measured> {
  const giver = role('give', path)
  const { port } = await said(giver)
  const taker = role('take', copy, String(port))
  const [took, gave] = await Promise.all([said(taker), said(giver)])
  return { ms: Number(took['ms']), cpuS: Number(gave['cpuS']) + Number(took['cpuS']) }
}

const role = (...args: string[]) =>
  spawn(process.execPath, [import.meta.filename, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })

const said = (child: ChildProcess) =>
  new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Record<string, unknown>))
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })

const usedCpuS = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

function give(path: string): void {
  const server = createServer(async (socket) => {
    const before = process.cpuUsage()
    await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), socket)
    process.send?.({ cpuS: usedCpuS(before) }, () => process.exit(0))
  })
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
}

async function take(path: string, port: number): Promise<void> {
  const [before, startedAt] = [process.cpuUsage(), systemClock.mono()]
  await pipeline(connect(port, '127.0.0.1'), createWriteStream(path))
  process.send?.({ cpuS: usedCpuS(before), ms: systemClock.mono() - startedAt }, () => process.exit(0))
}

if (import.meta.main) {
  const [what, path = '', port] = process.argv.slice(2)
  if (what === 'give') give(path)
  else if (what === 'take') await take(path, Number(port))
  else console.table(await benchBlobs())
}
