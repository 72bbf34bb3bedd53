/**
 * One life of a simulated process: the gate that everything which wakes it goes through. A dead process is never woken
 * again, a frozen one (SIGSTOP) hears all it missed when it is thawed; both without a line in the product. A process only
 * ever stops between two events, as a real one stops between two system calls.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Scheduler } from './virtual-time.ts'

export interface Life {
  readonly clock: Clock
  /** Runs `act` now, when thawed, or never. */
  wake(act: () => void): void
  /** A promise of this life: settled through the gate. */
  wait(ms: number): Promise<void>
  isAlive(): boolean
  freeze(): void
  thaw(): void
  kill(): void
  /** The wall clock of its machine jumps. */
  jump(ms: number): void
  /** Timers that it started and that are still to fire. */
  timers(): number
}

const WALL_MS = 1_760_000_000_000

export function createLife(scheduler: Scheduler): Life {
  const born = scheduler.now()
  const held: (() => void)[] = []
  let state: 'running' | 'frozen' | 'dead' = 'running'
  let jumped = 0
  let timers = 0

  const wake = (act: () => void): void => {
    if (state === 'running') act()
    else if (state === 'frozen') held.push(act)
  }

  const timer = (ms: number, act: () => void): (() => void) => {
    let isOpen = true
    timers++
    const close = () => {
      if (isOpen) timers--
      isOpen = false
    }
    const cancel = scheduler.after(ms, () =>
      wake(() => {
        if (!isOpen) return
        close()
        act()
      }),
    )
    return () => {
      cancel()
      close()
    }
  }

  const clock: Clock = {
    now: () => WALL_MS + scheduler.now() + jumped,
    // Another start for each process: nobody may compare two of them.
    mono: () => 1_000 + scheduler.now() - born,
    timer,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          cancel()
          reject(signal?.reason)
        }
        const cancel = timer(ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
  }

  return {
    clock,
    wake,
    wait: (ms) => clock.sleep(ms),
    isAlive: () => state !== 'dead',
    freeze() {
      if (state === 'running') state = 'frozen'
    },
    thaw() {
      if (state !== 'frozen') return
      state = 'running'
      for (const act of held.splice(0)) scheduler.after(0, () => wake(act))
    },
    kill() {
      state = 'dead'
      held.length = 0
    },
    jump(ms) {
      jumped += ms
    },
    timers: () => timers,
  }
}
