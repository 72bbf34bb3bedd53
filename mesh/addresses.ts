/**
 * Validates multiaddrs that people write and peers announce, and selects the own addresses to announce. Loopback is announced only
 * by a node that listens on nothing else. Bridge addresses (docker0, veth …) are never announced: every machine has the same ones,
 * and a peer that dials them reaches the wrong machine.
 */
import { networkInterfaces } from 'node:os'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { sentence, UsageError } from '../protocol/errors.ts'
import { isPeerId, type PeerId } from '../protocol/ids.ts'

const BRIDGES = /^(docker|br-|veth|virbr|cni|flannel|cali|podman|lxc|lxd)/

/** A multiaddr that a TCP node can use; `what` names the flag. Throws `UsageError` for any other text. */
export function parseAddress(text: string, what: string): Multiaddr {
  try {
    const address = multiaddr(text)
    if (hostOf(address) === undefined) throw new Error('it has no host and tcp port')
    return address
  } catch (error) {
    throw new UsageError(
      `${what} ${JSON.stringify(text)} is not an address such as /ip4/192.168.1.20/tcp/4001: ${sentence(error)}.`,
      { cause: error },
    )
  }
}

/** The same without throwing, for what peers say. Canonical text, or null. */
export function canonicalAddress(text: string): string | null {
  try {
    const address = multiaddr(text)
    return hostOf(address) === undefined ? null : withoutPeer(address)
  } catch {
    return null
  }
}

/** The peer id at the end of `…/p2p/<id>`, or null. */
export function peerOf(address: Multiaddr): PeerId | null {
  const id = address.getComponents().findLast((part) => part.name === 'p2p')?.value
  return id !== undefined && isPeerId(id) ? id : null
}

/** The text of an address without `/p2p/<id>`. */
export function withoutPeer(address: Multiaddr): string {
  const text = address.toString()
  const at = text.indexOf('/p2p/')
  return at < 0 ? text : text.slice(0, at)
}

/** The hosts of multiaddrs with a TCP port, each once. Addresses that are wrong have none. */
export function hostsOf(addresses: readonly string[]): string[] {
  const valid = addresses.flatMap((address) => canonicalAddress(address) ?? [])
  return [...new Set(valid.flatMap((address) => hostOf(multiaddr(address)) ?? []))]
}

/** Host of an address that has a TCP port, else undefined. Circuits and web transports are not used here. */
export function hostOf(address: Multiaddr): string | undefined {
  const [host, port, ...rest] = address.getComponents()
  const isHost = host !== undefined && ['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(host.name)
  const isPlain = rest.every((part) => part.name === 'p2p')
  return isHost && port?.name === 'tcp' && isPlain ? host.value : undefined
}

/** Whether the host of an address is a loopback one. */
export function isLoopback(address: Multiaddr): boolean {
  const host = hostOf(address)
  return host !== undefined && (host.startsWith('127.') || host === '::1' || host === 'localhost')
}

/** The addresses to announce among those listened on. */
export function announced(addresses: readonly Multiaddr[], bridges: ReadonlySet<string> = bridgeHosts()): Multiaddr[] {
  const wide = addresses.filter((address) => {
    const host = hostOf(address)
    return host !== undefined && !isLoopback(address) && !bridges.has(host) && !isLinkLocal(host)
  })
  return wide.length > 0 ? wide : addresses.filter(isLoopback)
}

const isLinkLocal = (host: string) => host.startsWith('169.254.') || /^fe[89ab]/i.test(host)

function bridgeHosts(): Set<string> {
  const named = Object.entries(networkInterfaces()).filter(([name]) => BRIDGES.test(name))
  return new Set(named.flatMap(([, addresses]) => (addresses ?? []).map((each) => each.address)))
}
