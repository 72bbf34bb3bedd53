/** The trials of ffmpeg that the start of a node did not wait for: they run beside its first work. */

import type { Clock } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import type { SelfTestReport } from '../protocol/media.ts'
import type { Adapters } from './adapters.ts'
import type { Part } from './parts.ts'

/** For how long they leave the machine to the first film: until its first picture is encoded. A film that is no H.264 does not wait for this. */
const FIRST_FILM_MS = 2_000

/** A part that has the whole report learnt; `ended` resolves then. `encodes`: whether this node has slots. */
export function otherTrials(
  { media, clock, log }: Pick<Adapters, 'media' | 'log'> & { readonly clock: Clock },
  { encodes, learn }: { readonly encodes: boolean; learn(report: SelfTestReport): void },
): Part & { readonly ended: Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  const run = async () => {
    if (encodes) await clock.sleep(FIRST_FILM_MS, signal)
    learn(await media.selfTest(signal))
  }
  const ended = run().catch((error: unknown) => {
    if (signal.aborted) return
    log.error('trial runs failed: this peer takes only H.264 until it is started again', { error: sentence(error) })
  })
  const stop = () => {
    stopping.abort(new DOMException('the node stops', 'AbortError'))
    return ended
  }
  return { name: 'trial runs', stop, ended }
}
