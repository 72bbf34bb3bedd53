/**
 * Claims per second of each ledger with 1, 8 and 64 claimers, against the bare database call (one write by `_id`), with
 * 1,000 and 100,000 finished tasks beside the pending ones; what MongoDB looks at for a claim; and the longest block of an event loop
 * with 64 SQLite claimers, against SQLite's own way of waiting. Ratios within one run. Run alone: `node bench/ledger.ts [--quick]`.
 *
 * SQLite's claimers are processes; MongoDB's are spread over at most 8 processes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import { createLedger } from '../ledger/crowd-worker.fixture.ts'
import { asPeerId, asSha256, asToken, taskId, type VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { NewTask } from '../protocol/task.ts'
import { startMongod } from '../testing/tools/mongod.ts'
import type { ClaimerJob, ClaimerResult } from './ledger/claimer.ts'
import type { Row } from './table.ts'

interface Scale {
  readonly finished: readonly [few: number, many: number]
  readonly claimers: readonly number[]
  readonly runMs: number
  /** More than any ledger hands out in one run. */
  readonly pending: Readonly<Record<Kind, number>>
}
const FULL: Scale = {
  finished: [1_000, 100_000],
  claimers: [1, 8, 64],
  runMs: 2_000,
  pending: { sqlite: 20_000, mongo: 6_000 },
}
const QUICK: Scale = { finished: [100, 1_000], claimers: [1, 8], runMs: 200, pending: { sqlite: 3_000, mongo: 1_000 } }

type Kind = 'sqlite' | 'mongo'
const CLASS = 'h264>x264/480p'
const FINISHED_VIDEO = '00000000000000f1' as VideoId
const PENDING_VIDEO = '00000000000000f2' as VideoId

interface Store {
  readonly kind: Kind
  readonly at: string
  readonly ledger: Ledger
  finish(): Promise<void>
  /** Everything claimed is PENDING again. */
  reset(): Promise<void>
  close(): Promise<void>
}

export async function benchLedger({ quick = false }: { quick?: boolean } = {}): Promise<Row[]> {
  const scale = quick ? QUICK : FULL
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-'))
  try {
    const sqlite = await benchKind(scale, (name) => sqliteStore(join(dir, `${name}.sqlite`)))
    await using mongod = await startMongod()
    return [...sqlite, ...(await benchKind(scale, () => mongoStore(mongod.freshUri())))]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function sqliteStore(at: string): Promise<Store> {
  const ledger = createLedger({ kind: 'sqlite', at, claimMs: 600_000 })
  await ledger.open()
  const database = new DatabaseSync(at, { timeout: 30_000 })
  database.exec('CREATE TABLE bare (id TEXT PRIMARY KEY, n INTEGER)')
  return {
    kind: 'sqlite',
    at,
    ledger,
    finish: async () => database.exec(`UPDATE chunks SET status='COMPLETED' WHERE video_id='${FINISHED_VIDEO}'`),
    reset: async () => database.exec(`UPDATE chunks SET status='PENDING', claims='[]' WHERE status='PROCESSING'`),
    close: async () => {
      database.close()
      await ledger.close()
    },
  }
}

async function mongoStore(at: string): Promise<Store> {
  const ledger = createLedger({ kind: 'mongo', at, claimMs: 600_000 })
  await ledger.open()
  const client = new MongoClient(at)
  const chunks = client.db().collection('chunks')
  const set = async (filter: object, fields: object) => void (await chunks.updateMany(filter, { $set: fields }))
  return {
    kind: 'mongo',
    at,
    ledger,
    finish: () => set({ video_id: FINISHED_VIDEO }, { status: 'COMPLETED' }),
    reset: () => set({ status: 'PROCESSING' }, { status: 'PENDING', claims: [] }),
    close: async () => {
      await client.close()
      await ledger.close()
    },
  }
}

/** Two ledgers side by side, one with few and one with many finished tasks, asked in turn: noise falls on both alike. */
async function benchKind(scale: Scale, create: (name: string) => Promise<Store>): Promise<Row[]> {
  const stores = { few: await create('few'), many: await create('many') }
  const rows: Row[] = []
  try {
    await fill(stores.few, scale.finished[0], scale)
    await fill(stores.many, scale.finished[1], scale)
    for (const claimers of scale.claimers) rows.push(...(await benchPoint(stores, claimers, scale)))
    return stores.many.kind === 'mongo' ? [...rows, ...(await looks(stores.many))] : rows
  } finally {
    await stores.few.close()
    await stores.many.close()
  }
}

async function fill(store: Store, finished: number, scale: Scale): Promise<void> {
  await store.ledger.insertTasks(tasks(FINISHED_VIDEO, finished))
  await store.finish()
  await store.ledger.insertTasks(tasks(PENDING_VIDEO, scale.pending[store.kind]))
}

async function benchPoint({ few, many }: { few: Store; many: Store }, claimers: number, scale: Scale): Promise<Row[]> {
  const bare = await crowd(few, 'bare', claimers, scale)
  const ofFew = await crowd(few, 'claim', claimers, scale)
  const ofMany = await crowd(many, 'claim', claimers, scale)
  const who = `${few.kind}, ${claimers} claimer${claimers === 1 ? '' : 's'}`
  const [small, large] = scale.finished.map((n) => `${n.toLocaleString('en')} finished`) as [string, string]
  const rows = [
    row(`bare call: ${who}`, perSecond(bare, scale), '1/s'),
    row(`claims: ${who}, ${small}`, perSecond(ofFew, scale), '1/s', perSecond(bare, scale), 'the bare call'),
    row(`claims: ${who}, ${large}`, perSecond(ofMany, scale), '1/s', perSecond(ofFew, scale), small),
    row(`median of a claim: ${who}, ${small}`, median(ofFew), 'ms', median(bare), 'the bare call'),
    row(`median of a claim: ${who}, ${large}`, median(ofMany), 'ms', median(ofFew), small),
  ]
  const most = claimers === scale.claimers.at(-1)
  return few.kind === 'sqlite' && most ? [...rows, ...(await blocks(few, claimers, ofFew, scale))] : rows
}

async function blocks(store: Store, claimers: number, own: readonly ClaimerResult[], scale: Scale): Promise<Row[]> {
  const waiting = await crowd(store, 'waiting', claimers, scale)
  const longest = (results: readonly ClaimerResult[]): number => Math.max(...results.map(({ blockMs }) => blockMs))
  const what = `longest block of an event loop: ${claimers} sqlite claimers`
  return [
    row(`${what}, waiting inside SQLite`, longest(waiting), 'ms'),
    row(what, longest(own), 'ms', longest(waiting), 'waiting inside SQLite'),
  ]
}

/** Keys and documents the server looked at for one claim, by its profiler. */
async function looks({ at, ledger }: Store): Promise<Row[]> {
  await using client = new MongoClient(at)
  const db = client.db()
  await db.command({ profile: 2 })
  await ledger.claimNext({
    worker: asPeerId('12D3KooWlooks'),
    token: asToken('looks'),
    classes: [CLASS],
    from: 'pending',
  })
  await db.command({ profile: 0 })
  const seen = await db.collection('system.profile').findOne({ 'command.findAndModify': 'chunks' })
  return [
    row('documents examined for a claim: mongo', Number(seen?.docsExamined), 'documents'),
    row('keys examined for a claim: mongo', Number(seen?.keysExamined), 'keys'),
  ]
}

/** So many claimers for a while, all starting at once. */
async function crowd(
  store: Store,
  what: ClaimerJob['what'],
  claimers: number,
  { runMs }: Scale,
): Promise<ClaimerResult[]> {
  const processes = store.kind === 'sqlite' ? claimers : Math.min(8, claimers)
  const common = { kind: store.kind, at: store.at, what, claimers: claimers / processes, ms: runMs, class: CLASS }
  const members = Array.from({ length: processes }, (_, n) => start({ ...common, n }))
  await Promise.all(members.map(({ lines }) => next(lines)))
  for (const { child } of members) child.stdin?.end('go\n')
  const results = await Promise.all(members.map(async ({ lines }) => JSON.parse(await next(lines)) as ClaimerResult))
  await Promise.all(members.map(({ child, over }) => (child.exitCode === null ? over : null)))
  await store.reset()
  return results
}

async function next(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  if (done) throw new Error('a claimer of the benchmark ended before its time')
  return value
}

function start(job: ClaimerJob): { child: ChildProcess; lines: AsyncIterator<string>; over: Promise<unknown> } {
  const script = fileURLToPath(new URL('./ledger/claimer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'inherit'] })
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), over: once(child, 'exit') }
}

function tasks(video: VideoId, count: number): NewTask[] {
  const holders = [asPeerId('12D3KooWs')]
  const input = { sha256: asSha256('ab'.repeat(32)), bytes: 1, holders, start_pts: 0, end_pts: 1, time_base: '1/25' }
  const whole = {
    kind: 'video',
    class: CLASS,
    video_id: video,
    resolution: '480p',
    time_base: '1/25',
    frames: 1,
  } as const
  return Array.from({ length: count }, (_, n) => ({
    ...whole,
    _id: taskId(video, '480p', n),
    chunk_id: n,
    start_pts: n,
    end_pts: n + 1,
    input,
    priority: 0,
    due: n,
    rank: n,
  }))
}

const perSecond = (results: readonly ClaimerResult[], { runMs }: Scale): number =>
  (results.reduce((sum, { calls }) => sum + calls, 0) * 1_000) / runMs
const median = (results: readonly ClaimerResult[]): number =>
  results.map(({ p50 }) => p50).sort((a, b) => a - b)[results.length >> 1] ?? 0

const round = (value: number): number => Number(value.toPrecision(3))
function row(what: string, value: number, unit: string, base?: number, against?: string): Row {
  const ratio = base === undefined ? null : round(value / base)
  return { what, value: round(value), unit, ratio, against: against ?? null }
}

if (import.meta.main) {
  for (const { what, value, unit, ratio, against } of await benchLedger({ quick: process.argv.includes('--quick') })) {
    console.log(
      `${what.padEnd(72)} ${String(value).padStart(8)} ${unit}${ratio === null ? '' : `  ${ratio} × ${against}`}`,
    )
  }
}
