/**
 * Wants backup attempts at stragglers while slots are idle. Another worker claims them; the first attempt to complete wins, the other is
 * superseded and stops. Progress comes from heartbeats and may be wrong: a wrong decision costs only a second attempt.
 */
import { type PeerId, videoOf } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import { presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { Duty, TermContext } from '../duty.ts'
import { pickBackups } from '../policy/straggler.ts'
import { createAttemptViews } from '../running-attempts.ts'

/** The parts of the term that this duty uses. */
export type BackupContext = Pick<TermContext, 'ledger' | 'clock' | 'term' | 'emit' | 'hints' | 'peers'>

/** The duty that wants backup attempts, for one term. `noneRuns`: whether it is known that no task is PROCESSING. */
export function createBackup(context: BackupContext, noneRuns: () => boolean = () => false): Duty {
  const { ledger, clock, term, emit } = context

  function idleSlots(): { idle: Map<PeerId, number>; slots: number } {
    const live = presentPeers(context.peers, clock.mono()).filter(({ beat }) => takesWork(beat))
    const idle = new Map(live.map(({ peer, beat }) => [peer, Math.max(0, beat.slots - beat.busy)]))
    return { idle, slots: live.reduce((sum, { beat }) => sum + beat.slots, 0) }
  }

  const views = createAttemptViews(context)

  return {
    name: 'backup',
    async round() {
      const { idle, slots } = idleSlots()
      if (noneRuns() || [...idle.values()].every((count) => count === 0)) return
      const kinds = kindsWhere(({ backedUp }) => backedUp)
      const running = await ledger.tasks({ kinds, statuses: ['PROCESSING'] })
      if (running.length === 0) return
      const late = { running: await views(running, await ledger.now()), idle, slots }
      // The number of PENDING tasks is read only where there is a straggler.
      if (pickBackups({ ...late, pending: 0 }).length === 0) return
      // Audits give way to backups.
      const encodes = kindsWhere(({ slots, audits }) => slots === 'encode' && !audits)
      const pending = (await ledger.tasks({ kinds: encodes, statuses: ['PENDING'], limit: 1 })).length
      const wanted = pickBackups({ ...late, pending })
      for (const { task, attempt, reason } of wanted) {
        if ((await ledger.wantBackup(task, { attempt, term })) !== 'changed') continue
        context.hints.publish({ what: 'tasks', video: null })
        await emit({ code: 'backup_wanted', video: videoOf(task), task, reason })
      }
    },
  }
}
