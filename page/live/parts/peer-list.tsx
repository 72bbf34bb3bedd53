/** The peers in words: what each is, what it runs, and what an owner may do with it. */
import { lostSecondsAgo, peers, status } from '../state.ts'
import { countText, percentText, speedText } from '../words.ts'
import { Card } from './card.tsx'
import { PeerActions } from './peer-actions.tsx'
import { lookOf, taskName } from './peer-look.ts'
import { VirtualList } from './virtual-list.tsx'

type Peer = (typeof peers.value)[number]

export const PeerList = () => (
  <Card title="Peers" id="peers">
    <VirtualList label="Peers, by name" items={peers.value} rowHeight={64} keyOf={({ peer }) => peer}>
      {(peer) => <PeerRow peer={peer} />}
    </VirtualList>
  </Card>
)

function PeerRow({ peer }: { peer: Peer }) {
  const { look, text } = lookOf(peer, lostSecondsAgo(peer.peer))
  const leads = status.value?.leader?.peer === peer.peer
  return (
    <div class="peer-row">
      <PeerActions peer={peer} />
      <p class="who">
        <span class={`dot ${look}`} aria-hidden="true" />
        <strong>{peer.name}</strong>
        {leads && <span class="badge leads">leads</span>}
        {peer.self && <span class="badge">this node</span>}
        <span class="note">{[text, peer.reason].filter(Boolean).join(': ')}</span>
      </p>
      <p class="note runs">{look === 'silent' || look === 'leaving' ? '' : runsText(peer)}</p>
    </div>
  )
}

function runsText({ running, slots, ffmpeg, host }: Peer): string {
  if (running.length === 0) return `${countText(slots, 'slot')} · ffmpeg ${ffmpeg} · ${host}`
  const shown = running.slice(0, 3).map(({ task, done, speed }) => {
    return `${taskName(task)} ${percentText(done)}${speed > 0 ? ` at ${speedText(speed)}` : ''}`
  })
  return [...shown, ...(running.length > 3 ? [`and ${running.length - 3} more`] : [])].join(', ')
}
