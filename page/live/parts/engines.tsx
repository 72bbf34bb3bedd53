/** The engines on which the mesh starts workers by itself: how many are wanted there, and why. */
import { computed } from '@preact/signals'
import { events, peerName, status } from '../state.ts'
import { countText, timeText } from '../words.ts'
import { Card } from './card.tsx'

const DECISIONS = ['scaled', 'fleet_capped', 'worker_started', 'worker_drained', 'worker_gone', 'worker_failed']
const SHOWN_MAX = 8
const decisions = computed(() =>
  events.value
    .filter(({ what }) => DECISIONS.includes(what))
    .slice(-SHOWN_MAX)
    .reverse(),
)

export function Engines() {
  const engines = status.value?.engines ?? []
  return (
    <Card title="Engines and scaling" id="engines">
      {engines.length === 0 && <p class="empty">No engine: the mesh starts no workers by itself.</p>}
      <ul>
        {engines.map(({ engine, wanted, text, peers }) => (
          <li key={engine}>
            <p>
              <strong>{engine}</strong>
              <span class="badge">{countText(wanted, 'worker')} wanted</span>
            </p>
            <p class="note">{text}</p>
            <p class="note">reached by {peers.map(peerName).join(', ') || 'no peer'}</p>
          </li>
        ))}
      </ul>
      {decisions.value.length > 0 && (
        <>
          <h3>Decisions</h3>
          <ul>
            {decisions.value.map(({ n, at, text }) => (
              <li key={n} class="event">
                <time dateTime={new Date(at).toISOString()}>{timeText(at)}</time>
                <span>{text}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}
