/**
 * The trials of ffmpeg that the start of a node did not wait for: they run beside its first work. In a `run` they begin on request: most end before the trials
 * have, so that each would begin them again. What a film needs of them is tried where that shows; its worker processes are asked for all then.
 */

import { backoffMs, type Clock } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import { OWN_FAILURE_MS } from '../protocol/limits.ts'
import type { Adapters } from './adapters.ts'
import type { Part } from './parts.ts'

/** For how long they leave the machine to the first film: until its first picture is encoded. A film that is no H.264 does not wait for this. */
const FIRST_FILM_MS = 2_000

/** All trials, as a part of a node. */
export interface OtherTrials extends Part {
  /** Runs them now, where they have not begun. */
  begin(): void
}

/**
 * Makes the part. Where ffmpeg fails meanwhile, as while it is replaced, they are tried again until it works. `encodes`: whether this node has slots.
 * `onRequest`: they begin at the first call of `begin` only; else soon.
 */
export function otherTrials(
  { media, clock, rng, log }: Pick<Adapters, 'media' | 'log' | 'rng'> & { readonly clock: Clock },
  { encodes, onRequest }: { readonly encodes: boolean; readonly onRequest: boolean },
): OtherTrials {
  const stopping = new AbortController()
  const { signal } = stopping
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const wait = (ms: number) => clock.sleep(ms, signal).catch(() => {})
  /** Whether all trials have run, or the node stops. */
  const tryAll = async (): Promise<boolean> => {
    try {
      signal.throwIfAborted()
      await media.selfTest(signal)
      return true
    } catch (error) {
      if (!signal.aborted)
        log.warn('trial runs failed: this peer takes only H.264 until they succeed', { error: sentence(error) })
      return signal.aborted
    }
  }
  if (!onRequest) void wait(encodes ? FIRST_FILM_MS : 0).then(begin)
  const all = begun.then(async () => {
    const { base: baseMs, max: maxMs } = OWN_FAILURE_MS
    for (let tries = 0; !(await tryAll()); tries++) await wait(backoffMs({ tries, baseMs, maxMs, rng }))
  })
  const stop = () => {
    stopping.abort(new DOMException('the node stops', 'AbortError'))
    begin()
    return all
  }
  return { name: 'trial runs', begin, stop }
}
