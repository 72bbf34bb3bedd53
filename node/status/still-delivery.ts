/** Why the files of a COMPLETED video are not delivered: who is missing or at work. Pure. */
import type { Delivery } from '../../protocol/video.ts'
import {
  absent,
  isHeld,
  namesOf,
  type PeerFacts,
  reason,
  refusing,
  type StillFacts,
  type Stillness,
  seers,
  silentPeer,
} from './still-words.ts'

/** The reason. `open`: the first delivery that is not done. */
export function ofDelivery(facts: StillFacts, open: Delivery): Stillness {
  const { video, peers, reachable, problem } = facts
  const able = deliverers(facts, open)
  if (able === null) {
    const others = open.shared ? `, or another peer that sees the shared folder of ${open.dir}` : ''
    const only = open.shared ? '' : `: only it delivers to ${open.dir}`
    return reason('delivery_absent', `waits for ${silentPeer(open.peer, peers)}${others}${only}; start it again`, [
      open.peer,
    ])
  }
  if (problem) return reason('delivery_failed', problem, open.shared ? [] : [open.peer])
  const lost = video.outputs.find((output) => !isHeld(output, reachable))
  if (lost) return absent(facts, 'result_absent', lost.holders, 'the results', 'they are made again after 30 s')
  if (able.length > 0 && able.every(({ state }) => state === 'ledger_away'))
    return refusing(able, `deliver it to ${open.dir}`)
  const who = able.length > 0 ? namesOf(able) : `peer ${open.peer.slice(-8)}`
  const one = able.length > 1 ? `one of ${who}` : who
  return reason('working', `${one} fetches the results and writes them to ${open.dir}, one video after another`)
}

/** The present peers that may deliver, of which one that is only connected has no facts; null where there is none. */
function deliverers({ peers, reachable }: StillFacts, { peer, shared }: Delivery): PeerFacts[] | null {
  if (shared) {
    const able = seers(peers, shared.folder)
    return able.length > 0 ? able : null
  }
  return reachable.includes(peer) ? peers.filter((each) => each.peer === peer) : null
}
