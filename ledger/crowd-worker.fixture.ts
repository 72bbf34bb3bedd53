/**
 * For tests: one process of a crowd. It claims, completes, fails, releases, lets claims run out and comes late, by a seeded
 * dice, until every task is COMPLETED. Each answer that counts goes to stdout at once, synchronously: what a killed process
 * had been answered is known to the line.
 *
 *   node crowd-worker.fixture.ts '{"kind":"sqlite","at":"/path","worker":"12D3KooWw1","seed":1,"claimMs":400,"workMs":0,"video":"…","class":"…"}'
 */
import { writeSync } from 'node:fs'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { LedgerUnavailable } from '../protocol/errors.ts'
import { asPeerId, asToken, type PeerId, type TaskId, type Token, type VideoId } from '../protocol/ids.ts'
import type { ClaimOutcome, Ledger } from '../protocol/ledger.ts'
import { silentLog } from '../protocol/log.ts'
import { retryUntilDeadline } from '../protocol/retry-until-deadline.ts'
import { createMongoLedger } from './mongo/mongo-ledger.ts'
import { createSqliteLedger } from './sqlite/sqlite-ledger.ts'

export interface CrowdJob {
  kind: 'sqlite' | 'mongo'
  /** A path or an address. */
  at: string
  worker: string
  seed: number
  claimMs: number
  /** What each attempt takes. */
  workMs: number
  video: string
  class: string
}

/** `late` had to be: the process had seen that the attempt was no longer among the claims. */
export type CrowdLine = { say: 'done' | 'superseded' | 'late' | 'ready' | 'over'; task: string; attempt: number }

export function createLedger({ kind, at, claimMs }: Pick<CrowdJob, 'kind' | 'at' | 'claimMs'>): Ledger {
  const common = { clock: systemClock, rng: systemRng, log: silentLog, claimMs }
  return kind === 'sqlite' ? createSqliteLedger({ path: at, ...common }) : createMongoLedger({ url: at, ...common })
}

const say = (line: CrowdLine): void => void writeSync(1, `${JSON.stringify(line)}\n`)

/** Mulberry32: small, seeded, good enough to throw dice. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class CrowdWorker {
  readonly #ledger: Ledger
  readonly #job: CrowdJob
  readonly #worker: PeerId
  readonly #roll: () => number
  /** Attempts whose claim was left to run out, and when they will be completed after all. */
  readonly #late: { task: TaskId; attempt: number; at: number }[] = []

  constructor(job: CrowdJob, ledger: Ledger) {
    this.#job = job
    this.#ledger = ledger
    this.#worker = asPeerId(job.worker)
    this.#roll = dice(job.seed)
  }

  async run(): Promise<void> {
    say({ say: 'ready', task: '', attempt: 0 })
    while (true) {
      await this.#comeLate()
      const got = await this.#claim()
      if (got) await this.#decide(got)
      else if (this.#late.length === 0 && (await this.#isOver())) break
      else await systemClock.sleep(25 + this.#roll() * 75)
    }
    say({ say: 'over', task: '', attempt: 0 })
  }

  async #claim() {
    for (const from of ['pending', 'expired', 'backup'] as const) {
      const token = asToken(systemRng.token())
      const ask = { worker: this.#worker, token, classes: [this.#job.class], from }
      const got = await this.#ledger.claimNext(ask).catch((error: unknown) => this.#readBack(token, error))
      if (got.outcome === 'claimed') return { task: got.task._id, attempt: got.attempt }
    }
    return null
  }

  /** After an outage longer than the ledger retries: reads back what the try claimed, as a worker does. */
  async #readBack(token: Token, error: unknown): Promise<ClaimOutcome> {
    if (!(error instanceof LedgerUnavailable)) throw error
    const [task] = await this.#retry(() => this.#ledger.claimsByToken(token))
    const own = task?.claims.find((claim) => claim.token === token)
    return task && own ? { outcome: 'claimed', attempt: own.attempt, task } : { outcome: 'none' }
  }

  #retry<T>(act: () => Promise<T>): Promise<T> {
    return retryUntilDeadline(act, { clock: systemClock, rng: systemRng, signal: new AbortController().signal })
  }

  async #decide(own: { task: TaskId; attempt: number }): Promise<void> {
    const mine = { ...own, worker: this.#worker }
    const rolled = this.#roll()
    if (this.#job.workMs > 0) await systemClock.sleep(this.#job.workMs)
    if (rolled < 0.05) await this.#retry(() => this.#ledger.release(mine))
    else if (rolled < 0.12)
      await this.#retry(() =>
        this.#ledger.fail({
          ...mine,
          code: 'encode_failed',
          message: '$no "luck"',
          log: null,
          strike: true,
          backoff_ms: 0,
        }),
      )
    else if (rolled < 0.2)
      this.#late.push({ ...own, at: systemClock.mono() + this.#job.claimMs * (0.8 + this.#roll()) })
    else if (rolled < 0.25) await this.#wantBackupThenComplete(own)
    else await this.#complete(own)
    if (rolled > 0.97) await this.#retry(() => this.#ledger.renew(this.#worker, [own]))
  }

  async #complete({ task, attempt }: { task: TaskId; attempt: number }, knownLost = false): Promise<void> {
    const sha256 = 'ab'.repeat(32) as never
    const output = { sha256, bytes: attempt, holders: [this.#worker] }
    const done = { task, attempt, worker: this.#worker, output }
    const answer = await this.#retry(() => this.#ledger.complete(done))
    say({ say: knownLost && answer === 'superseded' ? 'late' : answer, task, attempt })
    if (knownLost && answer === 'done') throw new Error(`${task}: an attempt that was lost was committed`)
  }

  async #wantBackupThenComplete(own: { task: TaskId; attempt: number }): Promise<void> {
    await this.#retry(() => this.#ledger.wantBackup(own.task, { attempt: own.attempt, term: 0 }))
    await systemClock.sleep(this.#roll() * 10)
    await this.#complete(own)
  }

  async #comeLate(): Promise<void> {
    const due = this.#late.filter(({ at }) => at <= systemClock.mono())
    for (const late of due) {
      this.#late.splice(this.#late.indexOf(late), 1)
      const task = await this.#retry(() => this.#ledger.task(late.task))
      await this.#complete(late, !task?.claims.some(({ attempt }) => attempt === late.attempt))
    }
  }

  async #isOver(): Promise<boolean> {
    const video = this.#job.video as VideoId
    const open = await this.#retry(() =>
      this.#ledger.tasks({ video, kinds: ['video'], statuses: ['PENDING', 'PROCESSING'], limit: 1 }),
    )
    return open.length === 0
  }
}

/** A try takes 5 s: these outlast an outage of 60 s. */
const START_TRIES = 30

/** As a supervisor does: a start that is refused since no database answers is tried again. */
async function opened(job: CrowdJob, tries = START_TRIES): Promise<Ledger> {
  const ledger = createLedger(job)
  try {
    await ledger.open()
    return ledger
  } catch (error) {
    await ledger.close()
    if (tries === 0 || !(error instanceof LedgerUnavailable)) throw error
    return opened(job, tries - 1)
  }
}

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? '') as CrowdJob
  const ledger = await opened(job)
  await new CrowdWorker(job, ledger).run()
  await ledger.close()
}
