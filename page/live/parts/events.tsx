/** What has happened in the mesh, in words, newest first. */
import { computed } from '@preact/signals'
import { EVENTS } from '../../../protocol/events.ts'
import type { MeshEvent } from '../feed/messages.ts'
import { events, status } from '../state.ts'
import { timeText } from '../words.ts'
import { Card } from './card.tsx'
import { VirtualList } from './virtual-list.tsx'

const newest = computed(() => events.value.toReversed())
/** Events of which people want to see at a glance that the mesh heals. */
const HEALS = [
  'peer_lost',
  'reclaimed',
  'backup_wanted',
  'made_again',
  'blob_lost',
  'results_differ',
  'quarantined',
  'worker_gone',
]
const GOOD = ['completed', 'delivered', 'backup_won', 'moves', 'ledger_back', 'engine_back', 'deadline_safe']

function toneOf({ what }: MeshEvent): string {
  if (what === 'failed' || what === 'results_differ') return 'bad'
  if (HEALS.includes(what)) return 'heals'
  if (GOOD.includes(what)) return 'good'
  return Object.hasOwn(EVENTS, what) && EVENTS[what as keyof typeof EVENTS].level !== 'info' ? 'heals' : ''
}

export const Events = () => (
  <Card title="What happens" id="events">
    {newest.value.length === 0 && (
      <p class="empty">{status.value ? 'Nothing has happened yet.' : 'The node is asked.'}</p>
    )}
    <VirtualList label="Events, newest first" items={newest.value} rowHeight={34} keyOf={({ n }) => String(n)}>
      {(event) => (
        <p class={`event ${toneOf(event)}`}>
          <time dateTime={new Date(event.at).toISOString()}>{timeText(event.at)}</time>
          <span>{event.text}</span>
        </p>
      )}
    </VirtualList>
  </Card>
)
