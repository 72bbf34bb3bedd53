/**
 * The niceness of a whole session. Many Linux kernels share the processors between sessions first (`sched_autogroup`, as on desktops and in
 * logins), and a run is a session of its own: `nice` alone then has no effect, and two encodes on two cores hold up everything else there, the
 * node first. Elsewhere nothing is done.
 */
import { writeFile } from 'node:fs/promises'
import type { Clock } from '../protocol/clock.ts'

/** A third of what another session gets there: encodes go on beside a browser that plays them. */
const SESSION_NICE = 5
/** The kernel takes one such change in 100 ms of all users but root: how often it is tried, and the pause between, ms. */
const [TRIES, AGAIN_MS] = [5, 150]

/** Sets that of the session of this process, as long as that runs. Never rejects. */
export async function yieldSession(pid: number, clock: Clock, isRunning: () => boolean): Promise<void> {
  for (let tries = 1; isRunning(); tries++) {
    try {
      return await writeFile(`/proc/${pid}/autogroup`, String(SESSION_NICE))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || tries === TRIES) return
    }
    await clock.sleep(AGAIN_MS)
  }
}
