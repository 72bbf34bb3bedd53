/** A small stage for unit tests: virtual time, and a SQLite ledger in memory that lives by it. */

import { ledgerFromSteps } from '../../ledger/ledger-from-steps.ts'
import { sqliteSteps } from '../../ledger/sqlite/sqlite-ledger.ts'
import type { Steps } from '../../ledger/steps.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { fineLine, type LineFaults, ledgerLine } from './ledger-line.ts'
import { createLife, type Life } from './life.ts'
import { createSeeded, type Seeded } from './seeded.ts'
import { createScheduler } from './virtual-time.ts'

export interface Actor {
  readonly life: Life
  readonly clock: Clock
  readonly rng: Seeded
  /** Through a line of its own, whose faults may be changed. */
  readonly ledger: Ledger
  readonly line: LineFaults
}

export interface Stage {
  readonly steps: Steps
  /** Without a line: what is really there. */
  readonly ledger: Ledger
  actor(name: string): Actor
  /** Lets so much virtual time pass. */
  pass(ms: number): Promise<void>
  /** Goes on until the promise is settled; rejects after a virtual hour. */
  until<T>(promise: Promise<T>): Promise<T>
  close(): Promise<void>
}

const HOUR_MS = 3_600_000

export async function createStage(seed = 'stage'): Promise<Stage> {
  const scheduler = createScheduler()
  const rng = createSeeded(seed)
  const steps = sqliteSteps({ path: ':memory:', clock: createLife(scheduler).clock, rng, log: silentLog })
  await steps.open()

  async function go(ms: number, isOver: () => boolean): Promise<void> {
    let isDue = false
    const cancel = scheduler.after(ms, () => {
      isDue = true
    })
    await scheduler.run({ untilMs: Number.POSITIVE_INFINITY, isOver: () => isDue || isOver() })
    cancel()
  }

  return {
    steps,
    ledger: ledgerFromSteps(steps),
    actor(name) {
      const life = createLife(scheduler)
      const line = fineLine()
      const own = rng.fork(name)
      const ledger = ledgerFromSteps(ledgerLine({ steps, scheduler, life, rng: own.fork('line'), faults: [line] }))
      return { life, clock: life.clock, rng: own, line, ledger }
    },
    pass: (ms) => go(ms, () => false),
    async until(promise) {
      let isSettled = false
      const watched = promise.finally(() => {
        isSettled = true
      })
      watched.catch(() => {})
      await go(HOUR_MS, () => isSettled)
      if (!isSettled) throw new Error('not settled within an hour of virtual time')
      return watched
    },
    close: () => steps.close(),
  }
}
