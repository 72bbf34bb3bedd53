/**
 * Takes back what vanished peers hold. A closed connection ends the claims that peer held then, at once; claims of a worker
 * that this leader never heard of (it died before, or with, the last leader) end after a grace.
 *
 * A wrong reclaim costs one repeated chunk, never a wrong output: attempts are fenced, and only claims whose token and
 * expiry are those read here end.
 */
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { SILENCE_MS } from '../../protocol/limits.ts'
import type { LossReason } from '../../protocol/mesh.ts'
import type { Duty, TermContext } from '../coordinator.ts'

/** How long a new leader waits for workers to appear before it believes that they are gone. */
const ABSENT_MS = 2 * SILENCE_MS

export interface Membership extends Duty {
  lost(peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void>
}

export function createMembership(context: TermContext): Membership {
  const { ledger, clock, log, term, self } = context
  const since = clock.mono()
  let checkedAt = since

  const isPresent = (peer: PeerId): boolean => {
    if (peer === self || context.connected().includes(peer)) return true
    const heard = context.peers.get(peer)
    return heard !== undefined && clock.mono() - heard.heard_mono < ABSENT_MS
  }

  async function takeBack(peer: PeerId, why: string, strike: 'peer_died' | null): Promise<void> {
    const claims = await ledger.claimsOf(peer)
    if (claims.length === 0) return
    const tasks = await ledger.reclaim(claims, { term, strike })
    if (tasks.length === 0) return
    const name = context.peers.get(peer)?.beat.name || peer
    log.info('reclaimed', { peer, why, tasks: tasks.length })
    context.hint({ what: 'tasks', video: null })
    await ledger.addEvent({
      what: 'reclaimed',
      peer,
      video: null,
      text: `${name} ${why}: ${tasks.length} task${tasks.length > 1 ? 's' : ''} taken back`,
    })
  }

  return {
    name: 'membership',
    async lost(peer, why, signal) {
      const left = context.peers.get(peer)?.beat.state === 'leaving'
      const words = why === 'closed' ? 'was lost (its connection closed)' : 'went silent'
      await takeBack(peer, left ? 'left' : words, why === 'closed' && !left ? 'peer_died' : null).catch(
        (error: unknown) => {
          // The claims still expire, and the next rounds look for absent holders.
          if (!signal.aborted) log.warn('a reclaim failed', { peer, error: sentence(error) })
        },
      )
    },
    async round() {
      const now = clock.mono()
      if (now - since < ABSENT_MS || now - checkedAt < SILENCE_MS) return
      checkedAt = now
      const running = await ledger.tasks({ statuses: ['PROCESSING'] })
      const holders = new Set(running.flatMap((task) => task.claims.map((claim) => claim.worker_id)))
      for (const peer of holders) if (!isPresent(peer)) await takeBack(peer, 'is not in the mesh', null)
    },
  }
}
