/**
 * Time that is only a number: a binary heap of events ordered by (time, insertion), and a driver that runs one event, lets
 * every promise it woke settle (Node drains them between two immediates), and goes on with the next. Nothing real is
 * waited for, so an hour of mesh takes seconds and the same seed runs the same way.
 */

export interface Scheduler {
  /** Virtual ms since the start. */
  now(): number
  /** Runs `act` after `ms` (rounded up to whole ms); the answer cancels it. */
  after(ms: number, act: () => void): () => void
  /** Events that are still to come. */
  pending(): number
  events(): number
  /**
   * Goes on until `isOver`, until nothing is left, or until the virtual time `untilMs`. Rejects with what an event threw.
   * `byInstant` lets promises settle once per virtual ms instead of after each event: another order, as valid, several times as fast.
   */
  run(options: { untilMs: number; isOver(): boolean; byInstant?: boolean }): Promise<'over' | 'quiet' | 'late'>
}

interface Event {
  readonly at: number
  readonly n: number
  act: (() => void) | null
}

/** More events than this in one virtual millisecond is an endless loop, not work. */
const EVENTS_PER_INSTANT_MAX = 100_000

export function createScheduler(): Scheduler {
  const heap: Event[] = []
  let now = 0
  let made = 0
  let done = 0
  let live = 0
  let inThisInstant = 0

  function next(untilMs: number): 'ran' | 'quiet' | 'late' {
    let event = pop(heap)
    while (event && event.act === null) event = pop(heap)
    if (!event) return 'quiet'
    if (event.at > untilMs) {
      push(heap, event)
      return 'late'
    }
    inThisInstant = event.at === now ? inThisInstant + 1 : 0
    if (inThisInstant > EVENTS_PER_INSTANT_MAX) throw new Error(`an endless loop at ${now} ms of virtual time`)
    now = event.at
    const { act } = event
    event.act = null
    live--
    done++
    act?.()
    return 'ran'
  }

  return {
    now: () => now,
    pending: () => live,
    events: () => done,
    after(ms, act) {
      const event: Event = { at: now + Math.max(0, Math.ceil(ms)), n: made++, act }
      live++
      push(heap, event)
      return () => {
        if (event.act === null) return
        event.act = null
        live--
      }
    },
    run: ({ untilMs, isOver, byInstant = false }) =>
      new Promise((resolve, reject) => {
        const step = () => {
          try {
            if (isOver()) return resolve('over')
            let what = next(untilMs)
            while (byInstant && what === 'ran' && heap[0]?.at === now) what = next(untilMs)
            if (what !== 'ran') return resolve(what)
            setImmediate(step)
          } catch (error) {
            reject(error)
          }
        }
        setImmediate(step)
      }),
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.n < b.n)

function push(heap: Event[], event: Event): void {
  let at = heap.length
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]!
    if (isBefore(parent, event)) break
    heap[at] = parent
    at = up
  }
  heap[at] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (!first || !last || first === last) return first
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++
    if (isBefore(last, heap[down]!)) break
    heap[at] = heap[down]!
    at = down
  }
  heap[at] = last
  return first
}
