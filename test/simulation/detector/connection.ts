/**
 * A connection between two simulated peers as `mesh/alive.ts` sees one: that file itself beats and decides on it. When it was
 * given up and both sides can reach each other, it opens again after a redial and its handshakes.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { LossReason } from '../../../protocol/mesh.ts'
import type { Wire } from './wire.ts'

/** One end of a connection, in the shape that alive.ts uses of libp2p's. */
export class End extends EventTarget {
  status: 'open' | 'closed' = 'open'
  /** Why this side lost it, once it has. */
  why: LossReason = 'closed'
  readonly #onAbort: (end: End) => void
  readonly #send: (arrive: () => void) => void
  other!: End
  /** Messages that came in on the alive stream. */
  onBeat: (() => void) | null = null

  constructor(send: (arrive: () => void) => void, onAbort: (end: End) => void) {
    super()
    this.#send = send
    this.#onAbort = onAbort
  }

  async newStream(): Promise<Stream> {
    const stream = new FakeStream((arrive) => this.#send(arrive), this)
    return stream as unknown as Stream
  }

  abort(): void {
    this.#onAbort(this)
  }

  close(): void {
    if (this.status === 'closed') return
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }

  asConnection(): Connection {
    return this as unknown as Connection
  }
}

/** The writing half of an alive stream at one end; the reading half at the other is the end's `onBeat`. */
class FakeStream extends EventTarget {
  readonly writeStatus = 'writable'
  readonly writableNeedsDrain = false
  readonly #send: (arrive: () => void) => void
  readonly #end: End

  constructor(send: (arrive: () => void) => void, end: End) {
    super()
    this.#send = send
    this.#end = end
    end.addEventListener('close', () => this.dispatchEvent(new Event('close')), { once: true })
  }

  get status(): 'open' | 'closed' {
    return this.#end.status
  }

  send(): boolean {
    this.#send(() => this.#end.other.onBeat?.())
    return true
  }
}

export interface Side {
  /** Runs when this process does: now, when it is thawed, or never. */
  wake(act: () => void): void
  opened(end: End): void
  closed(end: End, why: LossReason): void
}

export interface LinkOptions {
  readonly wire: Wire
  readonly peers: readonly [number, number]
  readonly sides: readonly [Side, Side]
  readonly later: (ms: number, act: () => void) => void
  readonly redialMs: () => number
  /** Whether both processes live. */
  readonly isPossible: () => boolean
}

/** Keeps two peers connected, as the dialer does. */
export function keepLinked(options: LinkOptions): void {
  const { wire, peers, sides, later } = options
  const [a, b] = peers
  const open = () => {
    const lines = [wire.line(a, b), wire.line(b, a)] as const
    const ends = [0, 1].map(
      (at) =>
        new End((arrive) => lines[at]!(() => ends[1 - at]!.status === 'open' && sides[1 - at]!.wake(arrive)), drop),
    ) as [End, End]
    ends[0].other = ends[1]
    ends[1].other = ends[0]
    function drop(end: End): void {
      if (end.status === 'closed') return
      const at = end === ends[0] ? 0 : 1
      end.close()
      sides[at]!.closed(end, end.why)
      // Its last packet informs the other side, where that still receives packets.
      lines[at]!(() => sides[1 - at]!.wake(() => drop(end.other)))
      if (end.other.status === 'closed') again()
    }
    for (const [at, side] of sides.entries()) side.opened(ends[at]!)
  }
  const again = () =>
    later(options.redialMs(), () => {
      if (!options.isPossible()) return
      if (wire.reaches(a, b) && wire.reaches(b, a)) open()
      else again()
    })
  open()
}
