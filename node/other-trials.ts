/**
 * The trials of ffmpeg that the start of a node did not wait for: they run beside its first work. A `run` that encodes by itself has no such part: most end
 * before the trials have, so that each would begin them again. What a film needs of them is tried where that shows.
 */

import { backoffMs, type Clock } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import { OWN_FAILURE_MS } from '../protocol/limits.ts'
import type { Adapters } from './adapters.ts'
import type { Part } from './parts.ts'

/** For how long they leave the machine to the first film: until its first picture is encoded. A film that is no H.264 does not wait for this. */
const FIRST_FILM_MS = 2_000

/**
 * A part that runs all trials. Where ffmpeg fails meanwhile, as while it is replaced, they are tried again until it works. `ended` resolves when the first try
 * has ended. `encodes`: whether this node has slots.
 */
export function otherTrials(
  { media, clock, rng, log }: Pick<Adapters, 'media' | 'log' | 'rng'> & { readonly clock: Clock },
  { encodes }: { readonly encodes: boolean },
): Part & { readonly ended: Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  /** Whether all trials have run, or the node stops. */
  const tryAll = async (waitMs: number): Promise<boolean> => {
    try {
      await clock.sleep(waitMs, signal)
      await media.selfTest(signal)
      return true
    } catch (error) {
      if (!signal.aborted)
        log.warn('trial runs failed: this peer takes only H.264 until they succeed', { error: sentence(error) })
      return signal.aborted
    }
  }
  const first = tryAll(encodes ? FIRST_FILM_MS : 0)
  const last = first.then(async (isDone) => {
    const { base: baseMs, max: maxMs } = OWN_FAILURE_MS
    for (let tries = 0; !isDone; tries++) isDone = await tryAll(backoffMs({ tries, baseMs, maxMs, rng }))
  })
  const stop = () => {
    stopping.abort(new DOMException('the node stops', 'AbortError'))
    return last
  }
  return { name: 'trial runs', stop, ended: first.then(() => {}) }
}
