/**
 * The trials of ffmpeg that the start of a node did not wait for: they run beside its first work. A `run` has no such part: most end before the trials have, so
 * that each would begin them again. What a film needs of them is tried where that shows; the worker processes of the run are told then.
 */

import { backoffMs, type Clock } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import { OWN_FAILURE_MS } from '../protocol/limits.ts'
import type { Adapters } from './adapters.ts'
import type { Part } from './parts.ts'

/** For how long they leave the machine to the first film: until its first picture is encoded. A film that is no H.264 does not wait for this. */
const FIRST_FILM_MS = 2_000

/**
 * A part that runs all trials. Where ffmpeg fails meanwhile, as while it is replaced, they are tried again until it works. `encodes`: whether this node has
 * slots. `told`: begins them; without it the first film does, by its time.
 */
export function otherTrials(
  { media, clock, rng, log }: Pick<Adapters, 'media' | 'log' | 'rng'> & { readonly clock: Clock },
  { encodes, told }: { readonly encodes: boolean; readonly told: Promise<void> | undefined },
): Part {
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve))
  /** Whether all trials have run, or the node stops. */
  const tryAll = async (begin: Promise<unknown>): Promise<boolean> => {
    try {
      await begin
      signal.throwIfAborted()
      await media.selfTest(signal)
      return true
    } catch (error) {
      if (!signal.aborted)
        log.warn('trial runs failed: this peer takes only H.264 until they succeed', { error: sentence(error) })
      return signal.aborted
    }
  }
  const wait = (ms: number) => clock.sleep(ms, signal)
  const begun = told ? Promise.race([told, stopped]) : wait(encodes ? FIRST_FILM_MS : 0)
  const all = tryAll(begun).then(async (isDone) => {
    const { base: baseMs, max: maxMs } = OWN_FAILURE_MS
    for (let tries = 0; !isDone; tries++) isDone = await tryAll(wait(backoffMs({ tries, baseMs, maxMs, rng })))
  })
  const stop = () => {
    stopping.abort(new DOMException('the node stops', 'AbortError'))
    return all
  }
  return { name: 'trial runs', stop }
}
