/**
 * One process of the ledger benchmark: says `ready`, waits for a line, then makes calls for a while and says what it saw.
 * `bare` is the least that takes a task: one write by `_id` with the same durability, no order, no fence.
 * `waiting` (SQLite) is the claim with SQLite's own busy handler instead of the asynchronous retry.
 */
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { createLedger } from '../../ledger/crowd-worker.fixture.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { asPeerId, asToken, type PeerId } from '../../protocol/ids.ts'

export interface ClaimerJob {
  kind: 'sqlite' | 'mongo'
  at: string
  what: 'claim' | 'bare' | 'waiting'
  /** Of this process among all. */
  n: number
  /** Claimers in this process. */
  claimers: number
  ms: number
  class: string
}

export interface ClaimerResult {
  calls: number
  /** Milliseconds of a call. */
  p50: number
  p99: number
  /** Longest stall of this process's event loop, ms. */
  blockMs: number
}

type Call = (claimer: number) => Promise<boolean>

const CLAIM_MS = 600_000

async function caller(job: ClaimerJob): Promise<{ call: Call; close: () => Promise<void> }> {
  const worker = (claimer: number): PeerId => asPeerId(`12D3KooWbench${job.n}x${claimer}`)
  if (job.what === 'bare') return job.kind === 'sqlite' ? bareSqlite(job) : await bareMongo(job)
  const ledger = createLedger({ kind: job.kind, at: job.at, claimMs: CLAIM_MS })
  if (job.what === 'waiting') makeItWait()
  await ledger.open()
  const call: Call = async (claimer) => {
    const ask = {
      worker: worker(claimer),
      token: asToken(systemRng.token()),
      classes: [job.class],
      from: 'pending',
    } as const
    return (await ledger.claimNext(ask)).outcome === 'claimed'
  }
  return { call, close: () => ledger.close() }
}

/** Every connection opened from here on waits inside SQLite, for up to 5 s. */
function makeItWait(): void {
  const { exec } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    Reflect.apply(exec, this, [sql])
    Reflect.apply(exec, this, ['PRAGMA busy_timeout=5000'])
  }
}

function bareSqlite(job: ClaimerJob): { call: Call; close: () => Promise<void> } {
  const database = new DatabaseSync(job.at, { timeout: 5_000 })
  database.exec('PRAGMA synchronous=NORMAL')
  const insert = database.prepare(`INSERT INTO bare VALUES (?, 0) ON CONFLICT DO NOTHING`)
  const write = database.prepare('UPDATE bare SET n = n + 1 WHERE id = ?')
  for (let claimer = 0; claimer < job.claimers; claimer++) insert.run(`${job.n}x${claimer}`)
  const call: Call = async (claimer) => write.run(`${job.n}x${claimer}`).changes === 1
  return { call, close: async () => database.close() }
}

async function bareMongo(job: ClaimerJob): Promise<{ call: Call; close: () => Promise<void> }> {
  const { MongoClient } = await import('mongodb')
  const client = new MongoClient(job.at, { writeConcern: { w: 'majority', journal: true }, maxPoolSize: 10 })
  const bare = client.db().collection<{ _id: string; n: number }>('bare')
  for (let claimer = 0; claimer < job.claimers; claimer++) {
    await bare.updateOne({ _id: `${job.n}x${claimer}` }, { $setOnInsert: { n: 0 } }, { upsert: true })
  }
  const call: Call = async (claimer) =>
    (await bare.findOneAndUpdate({ _id: `${job.n}x${claimer}` }, { $inc: { n: 1 } })) !== null
  return { call, close: () => client.close() }
}

async function measure(job: ClaimerJob, call: Call): Promise<ClaimerResult> {
  const loop = monitorEventLoopDelay({ resolution: 2 })
  loop.enable()
  const until = systemClock.mono() + job.ms
  const took: number[] = []
  const claimer = async (n: number): Promise<void> => {
    while (systemClock.mono() < until) {
      const started = systemClock.mono()
      if (!(await call(n))) break
      took.push(systemClock.mono() - started)
      // A call that never waits must not keep the others, or the watch over the loop, from their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: job.claimers }, (_, n) => claimer(n)))
  loop.disable()
  took.sort((a, b) => a - b)
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
  return { calls: took.length, p50: at(0.5), p99: at(0.99), blockMs: loop.max / 1e6 }
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? '') as ClaimerJob
  const { call, close } = await caller(job)
  process.stdout.write('ready\n')
  await once(process.stdin, 'data')
  process.stdout.write(`${JSON.stringify(await measure(job, call))}\n`)
  await close()
  process.stdin.destroy()
}
