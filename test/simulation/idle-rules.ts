/**
 * What may never happen to work that waits: that a slot is idle beside it for long. A task of an encode slot that a peer could claim is claimed,
 * by this peer or another, within `IDLE_MS` of a peer with a free slot.
 *
 * Excused are a task whose input no peer that it is connected to holds, a peer that says why it claims nothing (paused, draining, quarantined, self-test failed, disk full, ledger away), one that lost
 * statements on its line to the ledger lately, and the pauses after failures: of a film in which this peer failed, of a class at which it
 * failed in three films in a row. They are counted here by what the ledger saw, each failure doubling them: nothing else of a film or peer
 * may rest.
 */
import type { AttemptEnd, Completion, Steps } from '../../ledger/steps.ts'
import { canDo } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { type PeerId, type VideoId, videoOf } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'
import { takesWork } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'

/** A peer that is up. */
export interface IdlePeer {
  readonly id: PeerId
  /** What it says of itself now. */
  readonly beat: Heartbeat
  /** Virtual ms since its line to the ledger last lost a statement, or since it was started or thawed. */
  readonly undisturbedMs: number
  /** Peers that it has a connection to. */
  readonly connected: readonly PeerId[]
}

export interface IdleRulesOptions {
  readonly steps: Pick<Steps, 'task' | 'tasks'>
  /** Ledger time. */
  now(): number
  /** Virtual ms since the beginning. */
  elapsed(): number
  /** Longest time that a statement of the ledger takes, ms. */
  readonly statementMs: number
  peers(): readonly IdlePeer[]
  report(violation: string): void
}

export interface IdleRules {
  failed(end: AttemptEnd): Promise<void>
  completed(done: Completion): void
  /** Called every `LOOK_MS` or so. */
  look(): Promise<void>
}

/** Longest poll of an idle worker 2.25 s, and a self-test or the end of a guess before it claims. */
const IDLE_MS = 3_000
/** Statements from a look of a worker to the heartbeat that says it is busy. */
const STATEMENTS = 16
/** After a lost statement its claims are read back with growing waits, at most 5 s apart, and its loops rest once. */
const DISTURBED_MS = 12_000
/** Films in a row after which a class may rest, as in `pauses.ts`. */
const CLASS_FAILURES = 3

/** Failures, and until when they excuse. */
interface Excuse {
  failures: number
  until: number
}

const canHave = ({ input }: Task, peers: readonly PeerId[]): boolean =>
  input === null || input.holders.some((holder) => peers.includes(holder))

export function createIdleRules(options: IdleRulesOptions): IdleRules {
  const { steps, now, elapsed, peers, report } = options
  const films = new Map<string, Excuse>()
  const classes = new Map<string, { readonly films: Set<VideoId>; until: number }>()
  /** Since when this peer has had a free slot beside this task. */
  const since = new Map<string, number>()
  const limitMs = IDLE_MS + STATEMENTS * options.statementMs
  const pauseMs = (tries: number) =>
    limitMs + 1.5 * Math.min(OWN_FAILURE_MS.max, OWN_FAILURE_MS.base * 2 ** Math.min(tries, 10))
  const isExcused = (peer: PeerId, task: Task) =>
    (films.get(`${peer} ${task.video_id}`)?.until ?? 0) > elapsed() ||
    (classes.get(`${peer} ${task.class}`)?.until ?? 0) > elapsed()

  return {
    async failed({ task, worker, strike }) {
      const key = `${worker} ${videoOf(task)}`
      const film = films.get(key) ?? { failures: 0, until: 0 }
      if (strike) film.failures++
      film.until = Math.max(film.until, elapsed() + pauseMs(film.failures))
      films.set(key, film)
      const taskClass = strike && (await steps.task(task))?.class
      if (!taskClass) return
      const of = classes.get(`${worker} ${taskClass}`) ?? { films: new Set<VideoId>(), until: 0 }
      of.films.add(videoOf(task))
      if (of.films.size >= CLASS_FAILURES) of.until = elapsed() + pauseMs(of.films.size - CLASS_FAILURES)
      classes.set(`${worker} ${taskClass}`, of)
    },
    completed({ worker }) {
      for (const [key, of] of classes) if (key.startsWith(`${worker} `)) of.films.clear()
    },
    async look() {
      const free = peers().filter(
        ({ beat, undisturbedMs }) => takesWork(beat) && beat.busy < beat.slots && undisturbedMs >= DISTURBED_MS,
      )
      // Most looks find no free slot, and reading the tasks takes long.
      const pending = free.length > 0 ? await steps.tasks({ status: 'PENDING' }) : []
      const waiting = pending.filter(
        ({ kind, not_before }) => kindFacts(kind).slots === 'encode' && not_before <= now(),
      )
      const seen = new Set<string>()
      for (const { id, beat, connected } of free) {
        for (const task of waiting) {
          if (!canDo(beat, task.class) || task.not_by.includes(id) || isExcused(id, task)) continue
          if (!canHave(task, [id, ...connected])) continue
          const key = `${id} ${task._id}`
          seen.add(key)
          const idleMs = elapsed() - (since.get(key) ?? elapsed())
          if (idleMs > limitMs) report(`${beat.name} has had a free slot for ${idleMs} ms while ${task._id} waits`)
          if (!since.has(key)) since.set(key, elapsed())
        }
      }
      for (const key of since.keys()) if (!seen.has(key)) since.delete(key)
    },
  }
}
