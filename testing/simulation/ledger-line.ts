/**
 * The line from one process to the ledger, with its faults: statements take time, are refused, lose their answer (applied,
 * but `LedgerUnavailable`), or arrive long after the asker gave up. What a process had sent before it died still arrives; its
 * answer does not. A ledger that is down refuses everybody.
 */

import type { Steps } from '../../ledger/steps.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { Life } from './life.ts'
import type { Seeded } from './seeded.ts'
import { stepsAround } from './steps-around.ts'
import type { Scheduler } from './virtual-time.ts'

export interface LineFaults {
  /** Shares of statements, 0–1. */
  refused: number
  answerLost: number
  /** Given up by the asker, and applied up to `LATE_MS` later. */
  appliedLate: number
  /** The same for claims alone: the worker does not know what it holds. */
  claimsLate: number
  latencyMs: { least: number; most: number }
  isDown: boolean
}

export const fineLine = (): LineFaults => ({
  refused: 0,
  answerLost: 0,
  appliedLate: 0,
  claimsLate: 0,
  latencyMs: { least: 1, most: 4 },
  isDown: false,
})

/** Whatever was given up arrives within this, or never. */
export const LATE_MS = 20_000
const GIVE_UP_MS = { least: 200, most: 3_000 } as const

export interface LineOptions {
  readonly steps: Steps
  readonly scheduler: Scheduler
  readonly life: Life
  readonly rng: Seeded
  /** Of this process, and of the ledger for everybody. */
  readonly faults: readonly LineFaults[]
  /** Called when a statement is lost: refused, or without an answer. */
  onLost?(): void
}

type Shares = Pick<LineFaults, 'refused' | 'answerLost' | 'appliedLate' | 'claimsLate'>
type Fate = 'fine' | 'refused' | 'answerLost' | 'appliedLate'

export function ledgerLine({ steps, scheduler, life, rng, faults, onLost }: LineOptions): Steps {
  const latency = () => faults.reduce((sum, each) => sum + rng.whole(each.latencyMs.least, each.latencyMs.most), 0)
  const share = (name: keyof Shares) => Math.max(...faults.map((each) => each[name]))
  const draw = (isClaim: boolean): Fate => {
    const [refused, lost, late] = [share('refused'), share('answerLost'), share(isClaim ? 'claimsLate' : 'appliedLate')]
    const at = rng.random()
    if (at < refused) return 'refused'
    if (at < refused + lost) return 'answerLost'
    return at < refused + lost + late ? 'appliedLate' : 'fine'
  }
  const isDown = () => faults.some((each) => each.isDown)

  return stepsAround(steps, (name, _given, call) => {
    const fate = draw(name === 'claimNext' || name === 'claimTask')
    return new Promise((resolve, reject) => {
      const answer = (ms: number, settle: () => void) => scheduler.after(ms, () => life.wake(settle))
      const giveUp = () => {
        onLost?.()
        answer(rng.whole(GIVE_UP_MS.least, GIVE_UP_MS.most), () =>
          reject(new LedgerUnavailable(`the ledger did not answer ${name}`)),
        )
      }
      const apply = async () => {
        if (isDown() || fate === 'refused') return void giveUp()
        const settle = await call().then(
          (value) => () => resolve(value),
          (error: unknown) => () => reject(error),
        )
        if (fate === 'fine') answer(latency(), settle)
        else if (fate === 'answerLost') giveUp()
      }
      if (fate === 'appliedLate') {
        giveUp()
        scheduler.after(rng.whole(GIVE_UP_MS.most, LATE_MS), () => void apply())
      } else scheduler.after(latency(), () => void apply())
    })
  })
}
