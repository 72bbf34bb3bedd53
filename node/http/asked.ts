/**
 * Who asks, and for which server: from the connection or, behind a proxy that the configuration names as such, from what the proxy says. Without that
 * setting `X-Forwarded-*` means nothing: anybody can send it.
 */
import { isIPv6 } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import type { HonoRequest } from 'hono'

/** How the listener is reached. */
export interface Reach {
  readonly isTls: boolean
  readonly isBehindProxy: boolean
}

/** The address of the caller, the name by which the server is called, and its origin. */
export interface Asked {
  /** Of IPv6 the first 64 bits: whoever has one address of such a network can take all of them. */
  readonly address: string
  /** With its port where one is given, in lower case. */
  readonly host: string
  readonly origin: string
}

interface Request {
  readonly req: Pick<HonoRequest, 'header'>
  readonly env: HttpBindings
}

/** What a request asks, and who. */
export function askedOf({ req, env }: Request, { isTls, isBehindProxy }: Reach): Asked {
  // The proxy adds the last entry; those before it are the caller's own words.
  const said = (name: string) =>
    isBehindProxy ? req.header(`x-forwarded-${name}`)?.split(',').at(-1)?.trim() : undefined
  const host = (said('host') ?? req.header('host') ?? '').toLowerCase()
  const scheme = said('proto') ?? (isTls ? 'https' : 'http')
  const address = said('for') ?? env.incoming.socket.remoteAddress ?? ''
  return { address: networkOf(address), host, origin: `${scheme}://${host}` }
}

function networkOf(address: string): string {
  if (!isIPv6(address) || /^::ffff:/i.test(address)) return address
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
