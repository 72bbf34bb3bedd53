/** What an owner may do with a peer. */
import type { PeerStatus } from '../../../protocol/status.ts'
import { send } from '../api.ts'
import { countText } from '../words.ts'
import { confirmThat } from './dialog.tsx'

export function PeerActions({ peer }: { peer: PeerStatus }) {
  const { name, state, paused } = peer
  const change = (verb: string, done: string) =>
    void send(`/v1/peers/${encodeURIComponent(peer.peer)}/${verb}`, undefined, () => `${name} ${done}`)
  if (state === 'leaving') return null
  return (
    <span class="buttons">
      {paused || state === 'quarantined' ? (
        <button type="button" aria-label={`Resume ${name}`} onClick={() => change('resume', 'claims tasks again')}>
          Resume
        </button>
      ) : (
        <button
          type="button"
          aria-label={`Pause ${name}`}
          onClick={() =>
            confirmThat({
              title: `Pause ${name}?`,
              text: `It releases ${lossText(peer)}, and claims nothing until it is resumed. It stays in the mesh, and gives others what it holds.`,
              act: 'Pause it',
              run: () => change('pause', 'is paused'),
            })
          }
        >
          Pause
        </button>
      )}
      <button
        type="button"
        aria-label={`Drain ${name}`}
        onClick={() =>
          confirmThat({
            title: `Drain ${name}?`,
            text: drainText(peer),
            act: 'Drain it',
            run: () => change('drain', 'drains: it exits when nothing runs there any more'),
          })
        }
      >
        Drain
      </button>
    </span>
  )
}

function lossText({ running }: PeerStatus): string {
  if (running.length === 0) return 'nothing, as it runs no task'
  const most = Math.max(...running.map(({ done }) => done))
  return `${countText(running.length, 'task')}, which others begin anew: up to ${Math.round(most * 100)} % of one is lost`
}

/** What a drain costs, in words. */
function drainText({ running, slots, speed, self }: PeerStatus): string {
  const rest = running.length === 0 ? 'It runs nothing' : `It finishes ${countText(running.length, 'task')} first`
  const lost = `the mesh then has ${countText(slots, 'encode slot')} less${speed > 0 ? `, which encode at ${speed.toFixed(2)}× now` : ''}`
  const own = self ? ' It is the node that serves this page: the page needs another one then.' : ''
  return `${rest}, then its process exits and does not come back by itself; ${lost}. No video is lost: others encode what is left.${own}`
}
