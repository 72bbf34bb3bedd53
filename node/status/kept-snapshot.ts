/**
 * One snapshot for all who ask at about the same time. It is kept for a moment, and made anew before that is over while some ask, so that
 * those wait for none.
 *
 * Promises: a change of a video or a peer of which this node has published a hint, such as a submit, a cancel or a pause, is in each snapshot that is
 * asked for after it, as is one of which a hint of another peer came. Anything else, such as the progress of tasks, is at most `KEPT_MS` old, and the
 * time that its reading took. At most one snapshot is made at a time.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { HintKind, Hints } from '../../protocol/hints.ts'

/** Age of a snapshot beyond which it is answered no more, and that from which the next question has another one made beside it. */
const KEPT_MS = 1_000
const RENEW_MS = 500
/** Time from that question to the beginning of the other one: the answer goes out first. */
const BEHIND_MS = 20

/** Hints of a change of a video, of a peer or of the leader. Those of tasks come all the time where much is encoded. */
const CHANGES = ['video', 'peers', 'lease'] as const satisfies readonly HintKind[]

/** What it uses. */
export interface KeptSnapshotModules {
  readonly clock: Pick<Clock, 'mono' | 'timer'>
  readonly hints: Pick<Hints, 'on'>
}

/** Makes the function that answers what `make` made, which reads all that is known when it is called. It rejects as `make`. */
export function createKeptSnapshot<T>(make: () => Promise<T>, modules: KeptSnapshotModules): () => Promise<T> {
  const kept = new KeptSnapshot(make, modules)
  return () => kept.answer()
}

/** A snapshot as it was begun: by the monotonic clock, ms, and after this number of changes. */
interface Begun {
  readonly at: number
  readonly changes: number
}

class KeptSnapshot<T> {
  readonly #make: () => Promise<T>
  readonly #clock: KeptSnapshotModules['clock']
  #changes = 0
  #kept: (Begun & { readonly snapshot: T }) | null = null
  #made: (Begun & { readonly snapshot: Promise<T> }) | null = null
  /** The one that is made after that. */
  #next: Promise<T> | null = null
  #isRenewing = false

  constructor(make: () => Promise<T>, { clock, hints }: KeptSnapshotModules) {
    this.#make = make
    this.#clock = clock
    hints.on(CHANGES, () => {
      this.#changes++
    })
  }

  async answer(): Promise<T> {
    const kept = this.#kept
    const ageMs = kept?.changes === this.#changes ? this.#clock.mono() - kept.at : Number.POSITIVE_INFINITY
    if (kept === null || ageMs >= KEPT_MS) return await this.#anew()
    if (ageMs >= RENEW_MS) this.#renew()
    return kept.snapshot
  }

  #renew(): void {
    if (this.#isRenewing) return
    this.#isRenewing = true
    this.#clock.timer(BEHIND_MS, () => {
      this.#isRenewing = false
      // Where it cannot be made, the one who asks when the kept one is too old is told why.
      this.#anew().catch(() => {})
    })
  }

  /** The one that is being made, where nothing has changed since it was begun, else the next one. */
  #anew(): Promise<T> {
    if (this.#made === null) return this.#begin()
    if (this.#made.changes === this.#changes) return this.#made.snapshot
    const begin = () => this.#begin()
    this.#next ??= this.#made.snapshot.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<T> {
    this.#next = null
    const begun: Begun = { at: this.#clock.mono(), changes: this.#changes }
    const snapshot = this.#make().then(
      (made) => {
        this.#kept = { ...begun, snapshot: made }
        this.#made = null
        return made
      },
      (error: unknown) => {
        this.#made = null
        throw error
      },
    )
    this.#made = { ...begun, snapshot }
    return snapshot
  }
}
