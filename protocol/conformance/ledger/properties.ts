/** Random interleavings of every operation: the adapter answers and holds what the reference model does. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Ledger } from '../../ledger.ts'
import { createLedgerModel } from '../model/ledger-model.ts'
import {
  type Choice,
  HOUR,
  MODEL_CLAIM_MS,
  MODEL_LEASE_MS,
  OPERATIONS,
  OTHER_LEASES,
  operations,
  type Side,
} from './operations.ts'
import type { LedgerHarness } from './world.ts'

export interface PropertyOptions {
  /** Sequences tried, and operations in each. */
  runs: number
  length: number
  /** The whole state is compared after this many operations, and at the end. */
  compareEvery: number
}

export function propertySuite(harness: LedgerHarness, options: PropertyOptions): void {
  describe('random interleavings', () => {
    test(`${options.runs} of up to ${options.length} operations do what the reference model does`, async () => {
      const property = fc.asyncProperty(operations(options.length), (sequence) =>
        compare(harness, sequence, options.compareEvery),
      )
      await fc.assert(property, { numRuns: options.runs, interruptAfterTimeLimit: 600_000 })
    })
  })
}

async function compare(
  harness: LedgerHarness,
  sequence: readonly (readonly [string, Choice])[],
  every: number,
): Promise<void> {
  const store = await harness.create({ claimMs: MODEL_CLAIM_MS, leaseMs: MODEL_LEASE_MS })
  try {
    const model = modelSide()
    const real = await realSide(store.ledger, store.advance)
    for (const [n, [name, pick]] of sequence.entries()) {
      const expected = await OPERATIONS[name]!(model, pick)
      model.tick()
      const got = await OPERATIONS[name]!(real, pick)
      const what = `answer ${n} of ${sequence.length}: ${name}`
      assert.deepEqual(await normal(real, got), await normal(model, expected), what)
      if (n % every === every - 1 || n === sequence.length - 1)
        assert.deepEqual(await state(real), await state(model), `state after ${n}: ${name}`)
    }
  } finally {
    await store.destroy()
  }
}

/** The model's clock moves a millisecond with each operation, as time does. */
function modelSide(): Side & { tick(): void } {
  let now = 1_000_000 * HOUR
  const start = now
  const ledger = createLedgerModel({ now: () => now, claimMs: MODEL_CLAIM_MS, leaseMs: MODEL_LEASE_MS })
  return {
    ledger,
    at: (hours) => start + hours * HOUR,
    advance: async (hours) => {
      now += hours * HOUR
    },
    held: [],
    seen: [],
    tick: () => void now++,
  }
}

/** MongoDB's clock cannot be moved: its harness moves what is stored into the past instead, so the start moves with it. */
async function realSide(ledger: Ledger, advance: (ms: number) => Promise<void>): Promise<Side> {
  const start = await ledger.now()
  let past = 0
  const seen: Side['seen'] = []
  return {
    ledger,
    at: (hours) => start + hours * HOUR - past,
    advance: async (hours) => {
      const before = await ledger.now()
      await advance(hours * HOUR)
      // A virtual clock has moved by itself; then the start, and what was read before, stay as they were.
      if ((await ledger.now()) - before > (hours * HOUR) / 2) return
      past += hours * HOUR
      for (const claim of seen) claim.expires_at -= hours * HOUR
    },
    held: [],
    seen,
  }
}

async function state({ ledger, ...side }: Side): Promise<unknown> {
  const videos = (await ledger.videos()).sort((a, b) => (a._id < b._id ? -1 : 1))
  const progress = await ledger.progress(videos.map(({ _id }) => _id))
  const counts = [...progress]
    .flatMap(([id, rows]) =>
      rows.map(({ kind, resolution, status, count }) => `${id} ${kind} ${resolution} ${status} ${count}`),
    )
    .sort()
  const rest = {
    tasks: await ledger.tasks({}),
    tried: (await ledger.tasks({ statuses: ['PENDING'], tried: true })).map(({ _id }) => _id),
    classes: (await ledger.pendingClasses()).sort(),
    lease: await ledger.lease(),
    leases: await Promise.all(OTHER_LEASES.map((name) => ledger.lease(name))),
    notes: (await Promise.all(OTHER_LEASES.map((name) => ledger.notes(name)))).map((notes) => [...notes].sort()),
    peers: await ledger.peers(),
    engines: await ledger.engines(),
    events: await ledger.events(100),
    webhooks: await ledger.webhooks({ limit: 1_000 }),
  }
  return await normal({ ledger, ...side }, { videos, counts, ...rest })
}

const TIMES = new Set([
  'created_at',
  'due',
  'deadline',
  'start_time',
  'end_time',
  'claimable_at',
  'not_before',
  'expires_at',
  'at',
  'done_at',
  'ended_at',
  'next_at',
  'until',
  'quarantined_until',
])
const SPANS = new Set(['duration_ms', 'remaining_ms'])
/** Every time of the operations is a multiple of this, so that rounding to it forgets only what really passed. */
const GRAIN_MS = HOUR / 4

/** The same value with times as whole grains from now. */
async function normal({ ledger }: Side, value: unknown): Promise<unknown> {
  const now = await ledger.now()
  const rounded = (ms: number): number => Math.round(ms / GRAIN_MS) + 0
  const walk = (key: string, at: unknown): unknown => {
    if (typeof at === 'number' && TIMES.has(key)) return rounded(at - now)
    if (typeof at === 'number' && SPANS.has(key)) return rounded(at)
    if (Array.isArray(at)) return at.map((one) => walk('', one))
    if (at === null || typeof at !== 'object') return at
    return Object.fromEntries(Object.entries(at).map(([name, one]) => [name, walk(name, one)]))
  }
  return walk('', value)
}
