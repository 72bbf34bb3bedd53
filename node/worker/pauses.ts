/**
 * The pauses of a worker after failures of its own: each holds back one film, or one class, at this peer only, so that a bad film never
 * delays good ones, and a machine that fails at everything fails few tasks. Other peers are not held back: the second opinion about a task
 * is theirs, where they can run it, as a worker that failed takes what it did not fail at before.
 *
 *   film:  free ── a failure in it ──► paused 2, 4, 8 … 60 s ── over ──► free; a success in it starts over
 *   class: free ── failures at `CLASS_FAILURES` films in a row ──► paused 1, 2, 4 … 60 s, only while another present peer can run it
 *
 * A failure that another peer had before with the same message counts against no class, and starts its count over: both machines do alike.
 */
import { canDo } from '../../protocol/capability.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'
import { type PeerTable, presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { EndedTask } from './run-outcome.ts'

/** The parts that the pauses use. */
export interface PausesModules {
  readonly clock: Clock
  readonly rng: Rng
  readonly peers: Pick<PeerTable, 'all'>
}

/** The pauses of one kind of slots. */
export interface Pauses {
  /** Records how the tasks of one run ended. */
  record(ended: readonly EndedTask[]): void
  /** Whether this worker failed at something lately. */
  hasFailed(): boolean
  /** Films of which this worker claims nothing now. */
  films(): VideoId[]
  /** Whether this worker claims nothing of this class now. */
  isClassPaused(taskClass: string): boolean
  /** Ms until the next pause of a film ends; `Infinity` without one. */
  endsInMs(): number
}

/** Films in a row at which a worker failed until it pauses their class: two may be bad films. */
export const CLASS_FAILURES = 3
/** Time after a failure, and after the end of its pause, until it is forgotten: its task has been tried elsewhere, or has failed, by then. */
const FORGOTTEN_MS = 120_000

interface Pause {
  failures: number
  /** Monotonic ms. */
  until: number
}

/** Makes pauses, none in effect. */
export const createPauses = (modules: PausesModules): Pauses => new WorkPauses(modules)

class WorkPauses implements Pauses {
  readonly #modules: PausesModules
  readonly #films = new Map<VideoId, Pause>()
  readonly #classes = new Map<string, { readonly films: Set<VideoId>; until: number }>()
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(modules: PausesModules) {
    this.#modules = modules
  }

  record(ended: readonly EndedTask[]): void {
    const [first] = ended
    if (!first) return
    for (const each of ended) this.#recordClass(each)
    const film = first.task.video_id
    if (ended.every(({ outcome }) => outcome === 'succeeded')) this.#films.delete(film)
    else
      this.#pauseFilm(
        film,
        ended.some(({ outcome }) => outcome === 'failed'),
      )
    this.#forget()
  }

  hasFailed(): boolean {
    return this.#modules.clock.mono() - this.#failedAt < FORGOTTEN_MS
  }

  films(): VideoId[] {
    const now = this.#modules.clock.mono()
    return [...this.#films].filter(([, { until }]) => until > now).map(([film]) => film)
  }

  isClassPaused(taskClass: string): boolean {
    const { clock, peers } = this.#modules
    const now = clock.mono()
    if ((this.#classes.get(taskClass)?.until ?? 0) <= now) return false
    return presentPeers(peers, now).some(({ beat }) => takesWork(beat) && canDo(beat, taskClass))
  }

  endsInMs(): number {
    const now = this.#modules.clock.mono()
    return Math.min(...[...this.#films.values()].map(({ until }) => until - now).filter((ms) => ms > 0))
  }

  /** `isOwn`: the failure may be this worker's; one by circumstances pauses the film once more for the shortest time. */
  #pauseFilm(film: VideoId, isOwn: boolean): void {
    const { clock } = this.#modules
    const pause = this.#films.get(film) ?? { failures: 0, until: 0 }
    const now = clock.mono()
    if (isOwn) this.#failedAt = now
    if (isOwn) pause.failures++
    pause.until = Math.max(pause.until, now + this.#ms(pause.failures))
    this.#films.set(film, pause)
  }

  #recordClass({ task, outcome, isAgreed }: EndedTask): void {
    if (outcome === 'blocked') return
    if (outcome === 'succeeded' || isAgreed) return void this.#classes.delete(task.class)
    const pause = this.#classes.get(task.class) ?? { films: new Set<VideoId>(), until: 0 }
    pause.films.add(task.video_id)
    const beyond = pause.films.size - CLASS_FAILURES
    if (beyond >= 0) pause.until = this.#modules.clock.mono() + this.#ms(beyond)
    this.#classes.set(task.class, pause)
  }

  #ms(tries: number): number {
    return backoffMs({ tries, baseMs: OWN_FAILURE_MS.base, maxMs: OWN_FAILURE_MS.max, rng: this.#modules.rng })
  }

  #forget(): void {
    const now = this.#modules.clock.mono()
    for (const [film, { until }] of this.#films) if (until + FORGOTTEN_MS < now) this.#films.delete(film)
  }
}
