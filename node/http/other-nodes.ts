/** The other nodes of this machine that serve pages and packages, as their heartbeats say: where a player goes on when the node that it asks has ended. */

import { machineOf } from '../../protocol/machine.ts'
import { type Presence, presentPeers } from '../../protocol/peer-table.ts'

/** The other nodes that serve. */
export interface OtherNodes {
  /** Where the present ones serve: `http://127.0.0.1:8080`. */
  urls(): readonly string[]
  /** Whether a page of this origin is of one of them, also of one that has ended since. */
  areOrigin(origin: string): boolean
}

/** Finds them among the peers. `host`: as in heartbeats, of this one. */
export function createOtherNodes(host: string, { peers, clock }: Omit<Presence, 'self'>): OtherNodes {
  const isNear = ({ beat }: { readonly beat: { readonly host: string } }): boolean =>
    machineOf(beat.host) === machineOf(host)
  const urlsOf = (heard: ReturnType<typeof peers.all>): string[] =>
    // Those that listen beyond loopback may want a token of their own.
    heard.filter(isNear).flatMap(({ beat: { http } }) => (http && loopbackPort(http) ? http : []))
  return {
    urls: () => urlsOf(presentPeers(peers, clock.mono())).sort(),
    areOrigin: (origin) => {
      const port = loopbackPort(origin)
      return port !== null && urlsOf(peers.all()).some((url) => loopbackPort(url) === port)
    },
  }
}

/** The port of an address of loopback, by whichever of its names; null for any other. */
const loopbackPort = (url: string): string | null =>
  /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})$/.exec(url)?.[1] ?? null
