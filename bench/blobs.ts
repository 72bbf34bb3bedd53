/**
 * Blobs from process to process: MB/s and CPU seconds per GB of both sides together, against plain TCP doing the least that
 * moves a file (read, send, write; no hash, no encryption, no resume), as ratios within one run; by mesh streams, and by bulk lines as nodes use
 * them. Then one blob of 4 GB by a bulk line, and the most memory that either side has taken. Run alone: `node bench/blobs.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { generateSwarmKey } from '../mesh/make-swarm-key.ts'
import { systemClock } from '../node/host/system-clock.ts'
import { type BlobProcess, startBlobProcess } from '../testing/hostile/blob-process.ts'
import { type Row, row } from './table.ts'

const BYTES = 256 * 1024 * 1024
const LARGE_BYTES = 4e9
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
    keyed: await startPair(join(root, 'keyed'), { swarmKey: generateSwarmKey() }),
    line: await startPair(join(root, 'line'), { swarmKey: generateSwarmKey(), lines: true }),
  }
  const [tcp, open, keyed, line] = [[], [], [], []] as [Measured[], Measured[], Measured[], Measured[]]
  try {
    // In turn, so that whatever else the machine does falls on all alike. The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      const path = join(root, 'open', 'giver', 'store', 'blobs', video)
      open.push(await exchanged(pairs.open))
      keyed.push(await exchanged(pairs.keyed))
      line.push(await exchanged(pairs.line))
      tcp.push(await overTcp(join(path, (await readdir(path))[0] ?? ''), join(root, `tcp-copy-${round}`)))
    }
    const base = mean(tcp)
    return [
      ...rows('plain TCP', base),
      ...rows('mesh stream', mean(open), base),
      ...rows('mesh stream with a swarm key', mean(keyed), base),
      ...rows('bulk line with a swarm key', mean(line), base),
      ...(await large(pairs.line, quick ? BYTES : LARGE_BYTES)),
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
  const against = (value: number, other: number | undefined, unit: string): Row =>
    other === undefined ? row(what, value, unit) : row(what, value, unit, value / other, 'plain TCP')
  return [
    against(mbPerS(measured), base && mbPerS(base), 'MB/s'),
    against(cpuSPerGb(measured), base && cpuSPerGb(base), 'CPU s/GB'),
  ]
}

interface Pair {
  readonly giver: BlobProcess
  readonly taker: BlobProcess
}

/** One node gives, one takes. */
async function startPair(root: string, key: { swarmKey?: string; lines?: boolean } = {}): Promise<Pair> {
  const giver = await startBlobProcess({ dataDir: join(root, 'giver'), ...key })
  const taker = await startBlobProcess({ dataDir: join(root, 'taker'), join: giver.addresses, ...key })
  await taker.connected(giver.self)
  return { giver, taker }
}

async function exchanged({ giver, taker }: Pair, bytes = BYTES): Promise<Measured> {
  const made = await giver.ask({ do: 'make', bytes, video })
  const before = await cpuSeconds(giver, taker)
  const fetched = await taker.ask({ do: 'fetch', ...made, video, holder: giver.self })
  return { ms: Number(fetched['ms']), cpuS: (await cpuSeconds(giver, taker)) - before }
}

/** One large blob, and the largest resident sets of the two processes since they started. */
async function large(pair: Pair, bytes: number): Promise<Row[]> {
  const { ms } = await exchanged(pair, bytes)
  const { giver, taker } = pair
  const what = `${(bytes / 1e9).toFixed(1)} GB by a bulk line`
  return [
    row(what, bytes / 1e3 / ms, 'MB/s'),
    row(`${what}, peak memory of the giver`, (await giver.peakRssBytes()) / 1e6, 'MB'),
    row(`${what}, peak memory of the taker`, (await taker.peakRssBytes()) / 1e6, 'MB'),
  ]
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
