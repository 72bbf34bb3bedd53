/**
 * How long healing takes, from the fault on: until another node has noticed that a peer is gone (by its log), until what the peer
 * was on runs again (by the ledger), until somebody leads again (by the ledger). Only faults that strike alone are timed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger, ObservedClaim } from '../../protocol/ledger.ts'
import type { Member } from './member.ts'
import type { Fault } from './schedule.ts'

export interface Sample {
  readonly fault: Fault['what']
  /** Wall clock, ms since 1970. */
  readonly at: number
  readonly peer: PeerId | null
  /** Claims it held. */
  readonly held: number
  /** Ms; null where there was nothing to wait for, or it did not come while it was looked for. */
  runningAgainMs: number | null
  leadsAgainMs: number | null
}

const LOOK_MS = 25
const GIVE_UP_MS = 60_000
/** Faults that end a process, and those that silence it. */
export const DEATHS: ReadonlySet<Fault['what']> = new Set(['kill', 'power'])
export const SILENCES: ReadonlySet<Fault['what']> = new Set(['stop', 'freeze', 'cut'])

export interface Before {
  readonly claims: readonly ObservedClaim[]
  readonly lease: { readonly holder: PeerId | null; readonly term: number }
}

/** What the victim has at this moment; null where the ledger does not say so at once. */
export async function lookBefore(ledger: Ledger, victim: Member): Promise<Before | null> {
  const asked = Promise.all([ledger.claimsOf(victim.peer as PeerId), ledger.lease()])
  const answer = await Promise.race([asked.catch(() => null), sleep(1_000, null)])
  if (answer === null) return null
  const [claims, { holder, term }] = answer
  // Ingest and merge are whole tasks of a peer, too: they run elsewhere after it as well.
  return { claims, lease: { holder, term } }
}

/** Watches until all that can be timed has come. Never rejects. */
export async function timeHealing(of: {
  ledger: Ledger
  fault: Fault
  victim: Member
  before: Before
  at: number
  signal: AbortSignal
}): Promise<Sample> {
  const { ledger, fault, victim, before, at, signal } = of
  const peer = victim.peer as PeerId
  const began = performance.now() - (Date.now() - at)
  const wasLeader = before.lease.holder === peer
  const sample: Sample = {
    fault: fault.what, at, peer, held: before.claims.length, runningAgainMs: null, leadsAgainMs: null,
  } // biome-ignore format: one line a thought
  const isOver = () => signal.aborted || performance.now() - began > GIVE_UP_MS
  const again = async () => {
    let open = before.claims
    while (open.length > 0 && !isOver()) {
      const tasks = await Promise.all(open.map(({ task }) => ledger.task(task))).catch(() => [])
      // Whoever finished it after all: nothing to wait for.
      if (tasks.some((task, at) => task?.completed_attempt === open[at]?.attempt)) return
      open = open.filter((seen, at) => !(tasks[at] && tasks[at].attempt > seen.attempt))
      if (open.length === 0) sample.runningAgainMs = performance.now() - began
      else await sleep(LOOK_MS)
    }
  }
  const led = async () => {
    while (wasLeader && !isOver()) {
      const lease = await ledger.lease().catch(() => null)
      if (lease?.holder && lease.remaining_ms > 0 && lease.term > before.lease.term) {
        sample.leadsAgainMs = performance.now() - began
        return
      }
      await sleep(LOOK_MS)
    }
  }
  await Promise.all([again(), led()])
  return sample
}

/** After a fault of the database: until somebody leads, from the moment that it answers. */
export async function timeLeading(ledger: Ledger, fault: Fault, signal: AbortSignal): Promise<Sample> {
  const at = Date.now()
  const began = performance.now()
  const sample: Sample = { fault: fault.what, at, peer: null, held: 0, runningAgainMs: null, leadsAgainMs: null }
  while (!signal.aborted && performance.now() - began < GIVE_UP_MS) {
    const lease = await ledger.lease().catch(() => null)
    if (lease?.holder && lease.remaining_ms > 0) {
      sample.leadsAgainMs = performance.now() - began
      break
    }
    await sleep(LOOK_MS)
  }
  return sample
}

interface LogLine {
  readonly time: number
  readonly msg: string
  readonly peer?: string
  readonly why?: string
}

/** Ms until the first other node logged that it lost the peer; null where none did within the fault and 10 s. */
export function noticedAfter(sample: Sample, logs: readonly (readonly LogLine[])[], forMs: number): number | null {
  const heard = logs.flatMap((lines) =>
    lines.filter(
      ({ time, msg, peer }) =>
        msg === 'peer disconnected' && peer === sample.peer && time >= sample.at && time <= sample.at + forMs + 10_000,
    ),
  )
  const first = Math.min(...heard.map(({ time }) => time))
  return Number.isFinite(first) ? first - sample.at : null
}

export function readLog(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{"')) return []
    try {
      return [JSON.parse(line) as LogLine]
    } catch {
      // The last line of a killed process.
      return []
    }
  })
}
