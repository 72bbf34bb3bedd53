/** Where a node serves HTTP: a setting, `HOST:PORT`. Loopback only: who may ask from elsewhere is not decided yet. */
import { isIPv4, isIPv6 } from 'node:net'

/** An address of this machine. Port 0: a free one. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
}

/** The address of a setting; `invalid`: it is none; `foreign`: it is beyond loopback. */
export function httpAddress(text: string): HttpAddress | 'invalid' | 'foreign' {
  const [, name = '', digits = ''] = /^(\[[^\]]+\]|[^:\s]+):(\d{1,5})$/.exec(text) ?? []
  const host = name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const port = Number(digits)
  if (digits === '' || port > 65_535 || (name.startsWith('[') && !isIPv6(host))) return 'invalid'
  const isLoopback = host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
  return isLoopback ? { host, port } : 'foreign'
}

/** A host as it stands in a URL. */
export const hostText = (host: string): string => (isIPv6(host) ? `[${host}]` : host)
