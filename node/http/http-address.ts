/** Where a node serves HTTP: a setting, `HOST:PORT`. */
import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An address of this machine. Port 0: a free one. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
  /** Whether only this machine reaches it. */
  readonly isLoopback: boolean
}

/** The address of a setting; `invalid`: it is none. */
export function httpAddress(text: string): HttpAddress | 'invalid' {
  const [, name = '', digits = ''] = /^(\[[^\]]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? []
  const host = name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const port = Number(digits)
  if (digits === '' || port > 65_535 || (name.startsWith('[') && !isIPv6(host))) return 'invalid'
  return { host, port, isLoopback: host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')) }
}

/** A host as it stands in a URL. */
export const hostText = (host: string): string => (isIPv6(host) ? `[${host}]` : host)

/** Hosts that stand for all addresses of this machine: one listens there, and nobody can call it so. */
const ALL = { '0.0.0.0': 'IPv4', '::': 'IPv6' } as const
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' } as const

/**
 * The host by which callers reach a listener at `host`: where that is all addresses of this machine, the first of its names, else an address beyond
 * loopback, else that of loopback.
 */
export function callableHost(host: string, names: readonly string[], interfaces = networkInterfaces()): string {
  const family = Object.hasOwn(ALL, host) ? ALL[host as keyof typeof ALL] : null
  if (names[0] !== undefined && family !== null) return names[0]
  if (family === null) return host
  const own = Object.values(interfaces).flatMap((all) => all ?? [])
  // An address of one link means nothing elsewhere.
  const found = own.find((each) => each.family === family && !each.internal && !/^fe80:/i.test(each.address))
  return found?.address ?? LOOPBACK[family]
}

/** Where a listener at `url` is called: behind a proxy, whose name is the first of `http_hosts`, the proxy, which does TLS. */
export const callersUrl = (
  url: string,
  {
    http_behind_proxy,
    http_hosts: [name],
  }: { readonly http_behind_proxy: boolean; readonly http_hosts: readonly string[] },
): string => (http_behind_proxy && name !== undefined ? `https://${name}` : url)
