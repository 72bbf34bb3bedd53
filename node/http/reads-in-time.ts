/**
 * What requests read of the ledger is answered in time, also while it is unavailable: people and programs wait for it. A read that takes long of a ledger
 * which answers others is waited for.
 *
 * Changes are left as they are. Given up here they might be made all the same, after their caller was told that they were not; and the ledger's own
 * retries outlast the election of a primary.
 */
import { type Clock, within } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { NodeFace } from '../face.ts'
import { createAskInTime } from '../status/ask-in-time.ts'

/** How long a read may take until the ledger is asked whether it answers at all, and how long that may take: 5 s together. */
const [QUIET_MS, ANSWER_MS] = [2_000, 3_000]

/** Its methods that requests use and that change nothing. */
const LEDGER_READS = [
  'now', 'video', 'videos', 'plan', 'task', 'tasks', 'members', 'events', 'eventsAfter', 'webhook', 'webhooks',
] as const satisfies readonly (keyof Ledger)[] // biome-ignore format: a list of words
/** The operations that do; a snapshot is answered in time by itself. */
const FACE_READS = [
  'video',
  'rows',
  'peers',
  'engines',
  'tasks',
  'attempts',
] as const satisfies readonly (keyof NodeFace)[]

type InTime = <T>(reading: Promise<T>) => Promise<T>

/** The operations of a node as requests use them: its reads reject with `LedgerUnavailable` after 5 s, where the ledger does not answer. */
export function faceInTime(face: NodeFace, clock: Clock): NodeFace {
  const inTime = createInTime(face.ledger, clock)
  return { ...withReads(face, FACE_READS, inTime), ledger: withReads(face.ledger, LEDGER_READS, inTime) }
}

/** The ledger as requests use it, in the same way. */
export const ledgerInTime = (ledger: Ledger, clock: Clock): Ledger =>
  withReads(ledger, LEDGER_READS, createInTime(ledger, clock))

function createInTime(ledger: Ledger, clock: Clock): InTime {
  const description = `the ledger (${ledger.description})`
  const askLedger = createAskInTime({ clock, ms: ANSWER_MS, description, ask: () => ledger.lease() })
  const mustAnswer = async (): Promise<void> => {
    const { away } = await askLedger()
    if (away !== null) throw new LedgerUnavailable(away)
  }
  return async (reading) => {
    const isLate =
      (await within(
        clock,
        QUIET_MS,
        reading.then(() => 'done'),
      )) === 'late'
    if (isLate) await Promise.race([reading, mustAnswer()])
    return await reading
  }
}

function withReads<O extends object>(of: O, names: readonly (keyof O)[], inTime: InTime): O {
  const reads = names.map((name) => {
    const read = of[name] as unknown as (...given: unknown[]) => Promise<unknown>
    return [name, (...given: unknown[]) => inTime(Reflect.apply(read, of, given))] as const
  })
  return { ...of, ...Object.fromEntries(reads) }
}
