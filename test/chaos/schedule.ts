/**
 * What happens when, out of a seed: the same seed and length are the same schedule. Pure.
 *
 * Faults come in bouts: most of one fault alone, so that its healing can be timed, every third a storm of two or three at once.
 * Each fault ends by itself; a bout begins some seconds after the one before it has ended.
 */
import { dice } from '../../ledger/crowd-worker.fixture.ts'

/** Whom it strikes: one of the nodes by number, or by what it does at that moment. */
export type Victim = number | 'leader' | 'busiest'

export type Fault =
  /** SIGKILL to the node's process; started again after `ms`. */
  | { readonly what: 'kill'; readonly who: Victim; readonly ms: number }
  /** SIGKILL to all that runs on its host. */
  | { readonly what: 'power'; readonly who: Victim; readonly ms: number }
  /** SIGTERM: it must end by itself, with code 0. */
  | { readonly what: 'restart'; readonly who: Victim; readonly ms: number }
  /** SIGSTOP to the node's process (`stop`) or to all on its host (`freeze`), and SIGCONT. */
  | { readonly what: 'stop' | 'freeze'; readonly who: Victim; readonly ms: number }
  /** Its host is cut off; receives nothing of one other host; loses 30 % of the packets that reach it. */
  | { readonly what: 'cut' | 'loss'; readonly who: Victim; readonly ms: number }
  | { readonly what: 'one-way'; readonly who: Victim; readonly to: number; readonly ms: number }
  /** It reaches its peers and not the database. */
  | { readonly what: 'no-ledger'; readonly who: Victim; readonly ms: number }
  /** Its disk is filled to the last byte. */
  | { readonly what: 'disk-full'; readonly who: Victim; readonly ms: number }
  /** A byte of each blob that it holds is turned. */
  | { readonly what: 'rot'; readonly who: Victim; readonly ms: number }
  /** The database: SIGKILL or SIGTERM and started again, or frozen. */
  | { readonly what: 'db-kill' | 'db-restart' | 'db-freeze'; readonly ms: number }

export interface Bout {
  /** Ms from the beginning. */
  readonly at: number
  readonly faults: readonly Fault[]
}

const GAP_MS = { least: 4_000, most: 9_000 } as const
/** After the last fault the mesh has this long before the audit begins to wait for it. */
const QUIET_MS = 10_000
const STORM_EVERY = 3

/** Weights; those that the promises name come most often. */
const KINDS: readonly (readonly [Fault['what'], number])[] = [
  ['kill', 6], ['power', 3], ['restart', 2], ['stop', 3], ['freeze', 3], ['cut', 4], ['loss', 2], ['one-way', 2],
  ['no-ledger', 2], ['disk-full', 2], ['rot', 1], ['db-kill', 2], ['db-restart', 1], ['db-freeze', 2],
] // biome-ignore format: a table

export function scheduleOf(options: { seed: number; minutes: number; nodes: number }): Bout[] {
  const roll = dice(options.seed)
  const between = (least: number, most: number) => Math.round(least + roll() * (most - least))
  const end = options.minutes * 60_000 - QUIET_MS
  const bouts: Bout[] = []
  for (let at = between(3_000, 6_000), n = 1; ; n++) {
    const count = n % STORM_EVERY === 0 ? between(2, 3) : 1
    const faults = Array.from({ length: count }, () => faultOf({ roll, between, nodes: options.nodes }))
    const longest = Math.max(...faults.map(({ ms }) => ms))
    if (at + longest > end) return bouts
    bouts.push({ at, faults })
    at += longest + between(GAP_MS.least, GAP_MS.most)
  }
}

interface Chance {
  roll(): number
  between(least: number, most: number): number
  readonly nodes: number
}

function faultOf({ roll, between, nodes }: Chance): Fault {
  const what = kindOf(roll())
  const node = between(0, nodes - 1)
  const rolled = roll()
  const who: Victim = rolled < 0.3 ? 'leader' : rolled < 0.55 ? 'busiest' : node
  switch (what) {
    case 'kill':
      return { what, who, ms: between(200, 6_000) }
    case 'power':
    case 'restart':
      return { what, who, ms: between(500, 10_000) }
    case 'one-way':
      return { what, who, to: between(0, nodes - 1), ms: between(5_000, 15_000) }
    case 'db-kill':
    case 'db-restart':
    case 'db-freeze':
      return { what, ms: between(1_000, 15_000) }
    default:
      return { what, who, ms: between(5_000, 20_000) }
  }
}

function kindOf(rolled: number): Fault['what'] {
  const total = KINDS.reduce((sum, [, weight]) => sum + weight, 0)
  let left = rolled * total
  for (const [what, weight] of KINDS) {
    left -= weight
    if (left < 0) return what
  }
  return 'kill'
}

export function describe(fault: Fault): string {
  const who = 'who' in fault ? ` ${typeof fault.who === 'number' ? `node ${fault.who}` : `the ${fault.who}`}` : ''
  return `${fault.what}${who}${'to' in fault ? ` to node ${fault.to}` : ''} ${(fault.ms / 1000).toFixed(1)} s`
}
