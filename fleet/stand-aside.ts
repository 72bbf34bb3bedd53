/**
 * When an engine cannot do what is wanted (its image is missing, it is away, its workers die at once) and others can, its keeper
 * stands aside: it takes itself out of the engine's record, so that the leader gives the share to other engines, or another peer
 * that reaches this one keeps it. After a while it tries again, later and later; at once where the engine was away and answers.
 * Where nobody else could do it, it goes on trying.
 */
import { backoffMs, type Clock, type Rng } from '../protocol/clock.ts'
import type { PeerId } from '../protocol/ids.ts'
import { EngineAway, type Launcher } from '../protocol/launcher.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { ENGINE_ASIDE_MS, ENGINE_TROUBLE_MS } from '../protocol/limits.ts'

export interface StandAsideOptions {
  readonly self: PeerId
  readonly ledger: Pick<Ledger, 'hosts' | 'leaveHost'>
  readonly launcher: Pick<Launcher, 'list'>
  readonly clock: Clock
  readonly rng: Rng
  isLive(peer: PeerId): boolean
}

export interface StandAside {
  /** Whether others are left to it for now. */
  isAside(): Promise<boolean>
  /** What stood in the way of a round, or null. `engine`: null before it ever answered. Answers whether it stands aside from now on. */
  saw(engine: string | null, trouble: unknown): Promise<boolean>
  /** A worker that was started here is well: what was, is over. */
  proved(): void
}

export function createStandAside(options: StandAsideOptions): StandAside {
  const { self, ledger, launcher, clock, rng, isLive } = options
  let troubledSince: number | null = null
  let aside = { until: Number.NEGATIVE_INFINITY, isAway: false }
  let times = 0

  const canOthers = async (): Promise<boolean> =>
    (await ledger.hosts()).some(({ peers }) => peers.some((peer) => peer !== self && isLive(peer)))
  const answers = (): Promise<boolean> =>
    launcher.list().then(
      () => true,
      () => false,
    )

  return {
    async isAside() {
      if (clock.mono() >= aside.until) return false
      if ((await canOthers()) && !(aside.isAway && (await answers()))) return true
      aside.until = clock.mono()
      return false
    },
    async saw(engine, trouble) {
      troubledSince = trouble === null ? null : (troubledSince ?? clock.mono())
      if (troubledSince === null || clock.mono() - troubledSince < ENGINE_TROUBLE_MS) return false
      if (!(await canOthers())) return false
      if (engine === null) await leaveEngines(ledger, self, null)
      else await ledger.leaveHost(engine, self)
      const { base: baseMs, max: maxMs } = ENGINE_ASIDE_MS
      aside = {
        until: clock.mono() + backoffMs({ tries: times++, baseMs, maxMs, rng }),
        isAway: trouble instanceof EngineAway,
      }
      troubledSince = null
      return true
    },
    proved() {
      times = 0
    },
  }
}

/** Of an earlier life, or of another configuration. */
export async function leaveEngines(
  ledger: Pick<Ledger, 'hosts' | 'leaveHost'>,
  self: PeerId,
  except: string | null,
): Promise<void> {
  for (const { _id, peers } of await ledger.hosts())
    if (_id !== except && peers.includes(self)) await ledger.leaveHost(_id, self)
}
