/** Chance that replays: a generator per purpose, so that one more draw in one place does not shift all the others. */
import { createHash } from 'node:crypto'
import type { Rng } from '../../protocol/clock.ts'

export interface Seeded extends Rng {
  /** Whole, in [least, most]. */
  whole(least: number, most: number): number
  between(least: number, most: number): number
  chance(share: number): boolean
  pick<T>(from: readonly T[]): T
  /** A generator of its own for that purpose. */
  fork(purpose: string): Seeded
}

export function createSeeded(seed: string): Seeded {
  const random = sfc32(createHash('sha256').update(seed).digest())
  const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
  const word = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return {
    random,
    whole,
    token: () => word() + word() + word() + word(),
    between: (least, most) => least + random() * (most - least),
    chance: (share) => random() < share,
    pick: (from) => from[whole(0, from.length - 1)]!,
    fork: (purpose) => createSeeded(`${seed}/${purpose}`),
  }
}

/** sfc32 by Chris Doty-Humphrey (PractRand): 128 bits of state, passes its tests, four additions a number. */
function sfc32(state: Buffer): () => number {
  let [a, b, c, n] = [state.readInt32LE(0), state.readInt32LE(4), state.readInt32LE(8), state.readInt32LE(12)]
  return () => {
    const t = (((a + b) | 0) + n) | 0
    n = (n + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
}
