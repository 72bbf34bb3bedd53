/** How a peer looks in pictures and lists. Pure. */
import type { PeerStatus } from '../../../protocol/status.ts'

/** Without a heartbeat for so long, seconds, a peer is suspected. */
const SUSPECTED_S = 3
/** And silent for so long, seconds: its `state_text` says so then. */
export const SILENT_S = 5
/** States in which a peer is in trouble. */
const TROUBLE = ['disk_full', 'self_test_failed', 'quarantined', 'ledger_away']

/** Looks, as classes of the style sheet name them. */
export type Look = 'working' | 'idle' | 'paused' | 'trouble' | 'suspected' | 'silent' | 'leaving'

/** The look of a peer, and its state in words. `lost_s`: how many seconds ago its tasks were reclaimed; null where they never were. */
export function lookOf(peer: PeerStatus, lost_s: number | null): { readonly look: Look; readonly text: string } {
  const { state, state_text, heard_s, paused, self } = peer
  if (state === 'leaving') return { look: 'leaving', text: 'has left' }
  if (!self && heard_s > SILENT_S) return { look: 'silent', text: state_text }
  if (!self && lost_s !== null && lost_s < heard_s) return { look: 'silent', text: 'failed' }
  if (!self && heard_s > SUSPECTED_S) return { look: 'suspected', text: 'suspected' }
  const text = state_text.replaceAll('_', ' ')
  if (TROUBLE.includes(state)) return { look: 'trouble', text }
  if (paused || state === 'draining') return { look: 'paused', text }
  return { look: peer.busy > 0 ? 'working' : 'idle', text }
}

/** The share done of all that it runs, 0–1; null where it runs nothing. */
export const shareDone = ({ running }: PeerStatus): number | null =>
  running.length === 0 ? null : running.reduce((sum, { done }) => sum + done, 0) / running.length

/** `chunk 12 (720p)`, of the id of a task. */
export function taskName(id: string): string {
  const [, what = '', chunk = ''] = id.split('/')
  return /\d/.test(what) ? `chunk ${Number(chunk)} (${what})` : Number(chunk) > 0 ? `${what} ${Number(chunk)}` : what
}
