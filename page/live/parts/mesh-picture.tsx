/** The mesh as a picture: its peers, who leads, who is suspected, their links, and the encodes that run. */
import { signal } from '@preact/signals'
import { lostSecondsAgo, peers, status } from '../state.ts'
import { countText, speedText } from '../words.ts'
import { Card } from './card.tsx'
import { CONNECTED_MAX, NAMED_MAX, NARROW, type Place, placesOf, WIDE } from './mesh-layout.ts'
import { lookOf, shareDone } from './peer-look.ts'

type Peer = (typeof peers.value)[number]
interface Placed {
  readonly peer: Peer
  readonly place: Place
  readonly leads: boolean
}

const narrow = matchMedia('(max-width: 40rem)')
const isNarrow = signal(narrow.matches)
narrow.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches
})

export function MeshPicture() {
  const leader = status.value?.leader?.peer ?? null
  const size = isNarrow.value ? NARROW : WIDE
  const places = placesOf(peers.value.length, size)
  const placed = peers.value.map((peer, at) => ({ peer, place: places[at]!, leads: peer.peer === leader }))
  return (
    <Card title="Mesh" id="mesh" extra={<Legend />}>
      <svg class="mesh" viewBox={`0 0 ${size.width} ${size.height}`} role="img" aria-label={inWords(placed)}>
        <g>
          {linksOf(placed)}
          {placed.map((each) => (
            <Node key={each.peer.peer} isNamed={placed.length <= NAMED_MAX} {...each} />
          ))}
        </g>
      </svg>
    </Card>
  )
}

const lookOfPeer = (peer: Peer) => lookOf(peer, lostSecondsAgo(peer.peer))
const isHeard = ({ peer }: Placed): boolean => !['suspected', 'silent', 'leaving'].includes(lookOfPeer(peer).look)

/** Every pair in a small mesh, which is fully connected; of a larger one those to the leader. Work flows from the leader to those that encode. */
function linksOf(placed: readonly Placed[]) {
  const leader = placed.find(({ leads }) => leads)
  const pairs = placed.flatMap((one, at) =>
    placed
      .slice(at + 1)
      .map((other) => ({ one: other === leader ? other : one, other: other === leader ? one : other })),
  )
  return pairs
    .filter(({ one }) => placed.length <= CONNECTED_MAX || one === leader)
    .map(({ one, other }) => {
      const isCut = !isHeard(one) || !isHeard(other)
      const flows = one === leader && other.peer.busy > 0 && !isCut
      return (
        <line
          key={`${one.peer.peer} ${other.peer.peer}`}
          class={`link ${isCut ? 'cut' : flows ? 'flows' : ''}`}
          x1={one.place.x}
          y1={one.place.y}
          x2={other.place.x}
          y2={other.place.y}
        />
      )
    })
}

function Node({ peer, place, leads, isNamed }: Placed & { isNamed: boolean }) {
  const { look, text } = lookOfPeer(peer)
  const { x, y, r } = place
  const share = shareDone(peer)
  const around = 2 * Math.PI * (r + 4)
  return (
    <g class={`peer ${look}`} style={{ transform: `translate(${x}px, ${y}px)` }}>
      <title>{`${peer.name}: ${text}`}</title>
      <circle class="body" r={r} />
      {share !== null && look === 'working' && (
        <circle class="share" r={r + 4} stroke-dasharray={`${around * share} ${around}`} transform="rotate(-90)" />
      )}
      {leads && (
        <path class="crown" d="M-9 0 -11 -11 -5 -6 0 -13 5 -6 11 -11 9 0Z" transform={`translate(0 ${-r - 6})`} />
      )}
      {isNamed && (
        <>
          <text class="inside" y={4}>
            {look === 'working' && peer.speed > 0 ? speedText(peer.speed) : SIGNS[look]}
          </text>
          <text class="name" y={r + 20}>
            {short(peer.name)}
          </text>
          <text class="state" y={r + 34}>
            {look === 'working' ? countText(peer.running.length, 'task') : text}
          </text>
        </>
      )}
    </g>
  )
}

/** What stands in a peer that does not work: a look is more than its colour. */
const SIGNS = {
  working: '…',
  idle: '–',
  paused: 'II',
  trouble: '!',
  suspected: '?',
  silent: '×',
  leaving: '×',
} as const
const short = (name: string): string => (name.length > 16 ? `${name.slice(0, 15)}…` : name)

function inWords(placed: readonly Placed[]): string {
  const leader = placed.find(({ leads }) => leads)
  const heard = placed.filter(isHeard)
  const working = placed.filter(({ peer }) => lookOfPeer(peer).look === 'working').length
  return [
    countText(placed.length, 'peer'),
    leader ? `${leader.peer.name} leads` : 'no peer leads',
    `${working} encode`,
    heard.length < placed.length ? `${placed.length - heard.length} silent or gone` : 'all are heard',
  ].join(', ')
}

const Legend = () => (
  <ul class="legend">
    <li class="working">encodes</li>
    <li class="idle">idle</li>
    <li class="paused">paused</li>
    <li class="suspected">suspected</li>
    <li class="silent">silent</li>
  </ul>
)
