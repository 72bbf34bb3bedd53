/** Where a node serves HTTP: a setting, `HOST:PORT`. */
import { isIPv4, isIPv6 } from 'node:net'

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
