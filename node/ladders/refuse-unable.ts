/**
 * Refuses a submit that nobody can do. A peer counts while this one remembers its heartbeat, also where it is silent now: its video waits for
 * it, and `status` says so. Right after the start others may not be heard yet, and the trials of this peer's own ffmpeg still run, so that a
 * refusal waits for both. Where the mesh starts workers by itself nothing is refused, as what those can do shows when they run.
 */
import type { Clock } from '../../protocol/clock.ts'
import { RecipeRefused } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS, PRESENT_MS } from '../../protocol/limits.ts'
import type { Media } from '../../protocol/media.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import { type KnownPeer, whyNobody } from './who-can.ts'

/** What the check looks at. */
export interface AbilityModules {
  readonly clock: Pick<Clock, 'mono' | 'sleep'>
  readonly ledger: Pick<Ledger, 'engines'>
  readonly media: Pick<Media, 'selfTest'>
  readonly self: KnownPeer
  /** The other peers that it has heard. */
  heard(): readonly KnownPeer[]
}

/** Rejects with `RecipeRefused` where no peer can encode the recipe, and with `LedgerUnavailable`. */
export type MustBeAble = (recipe: Recipe, signal: AbortSignal) => Promise<void>

/** Makes the check. `isAlone`: all peers have the ffmpeg of this one, so that it waits for no other. */
export function createMustBeAble(modules: AbilityModules, isAlone: boolean): MustBeAble {
  const { clock, ledger, media, self } = modules
  const heardUntil = clock.mono() + (isAlone ? 0 : PRESENT_MS)
  return async (recipe, signal) => {
    const heard = () => (isAlone ? [] : modules.heard())
    if (whyNobody(recipe, [self, ...heard()]) === null) return
    const { encoders } = await media.selfTest(signal)
    const known = () => [{ ...self, encoders }, ...heard()]
    let why = whyNobody(recipe, known())
    while (why !== null && clock.mono() < heardUntil) {
      await clock.sleep(IDLE_POLL_MS, signal)
      why = whyNobody(recipe, known())
    }
    if (why === null || (await ledger.engines()).some(({ peers }) => peers.length > 0)) return
    throw new RecipeRefused(why)
  }
}
