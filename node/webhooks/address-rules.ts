/**
 * To which addresses webhooks may go: public ones, and of all others those that the configuration allows. An endpoint is named by whoever may submit a
 * video; without these rules it could reach services of this machine and its network that trust their neighbours.
 *
 * Ranges: the IANA special-purpose registries (RFC 6890 and later). Of IPv6 only global unicast is public, without the blocks in it that lead elsewhere.
 */
import { BlockList, isIP } from 'node:net'

/** `webhook_allow_private`: all, none, or these addresses, networks (`10.0.0.0/8`) and host names. */
export type AllowedPrivate = boolean | readonly string[]

/** The rules of a configuration. */
export interface AddressRules {
  /** Whether this address, to which the name of the endpoint leads, may be used. */
  mayUse(hostname: string, address: string): boolean
  /** Why the host of a URL is refused before its name is looked up, in a phrase; null where it is not. */
  whyRefused(url: URL): string | null
}

const PRIVATE_V4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
] // biome-ignore format: a list of networks
const GLOBAL_V6 = ['2000::/3']
/** Within `2000::/3`: protocol assignments with Teredo, documentation, 6to4. */
const ELSEWHERE_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const NETWORK = /^(?<address>[\da-f.:]+)(?:\/(?<bits>\d{1,3}))?$/i

/** Whether a text is an address, a network, or a host name. */
export const isAllowable = (text: string): boolean =>
  isNetwork(text) || /^(?=.*[a-z])[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i.test(text)

function isNetwork(text: string): boolean {
  const { address = '', bits } = NETWORK.exec(text)?.groups ?? {}
  const version = isIP(address)
  return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128)
}

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    const { address = '', bits } = NETWORK.exec(text)?.groups ?? {}
    const version = isIP(address)
    list.addSubnet(address, Number(bits ?? (version === 4 ? 32 : 128)), version === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

/** The networks that decide what is public, made when an address is asked about. */
let decisive:
  | { readonly privateV4: BlockList; readonly globalV6: BlockList; readonly elsewhereV6: BlockList }
  | undefined

/** Whether the address is one of the public internet. IPv4 addresses written as IPv6 ones are none: no name of a public server leads to them. */
export function isPublic(address: string): boolean {
  decisive ??= {
    privateV4: networks(PRIVATE_V4),
    globalV6: networks(GLOBAL_V6),
    elsewhereV6: networks(ELSEWHERE_V6),
  }
  const { privateV4, globalV6, elsewhereV6 } = decisive
  const version = isIP(address)
  if (version === 4) return !privateV4.check(address, 'ipv4')
  return version === 6 && globalV6.check(address, 'ipv6') && !elsewhereV6.check(address, 'ipv6')
}

/** The rules. */
export function createAddressRules(allowed: AllowedPrivate): AddressRules {
  const texts = typeof allowed === 'boolean' ? [] : allowed
  const list = networks(texts.filter(isNetwork))
  const names = new Set(texts.filter((text) => !isNetwork(text)).map((name) => name.toLowerCase()))
  const mayUse = (hostname: string, address: string): boolean => {
    if (allowed === true || isPublic(address) || names.has(hostname)) return true
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
  return {
    mayUse,
    whyRefused(url) {
      const hostname = hostOf(url)
      if (isIP(hostname) !== 0 && !mayUse(hostname, hostname)) return privateText(hostname)
      // Whatever it leads to, it is this machine.
      const isHere = /^(?:.+\.)?localhost\.?$/.test(hostname)
      return isHere && !mayUse(hostname, '127.0.0.1') ? privateText(hostname) : null
    },
  }
}

/** The host of a URL: a name in lower case, or an address without brackets. */
export const hostOf = ({ hostname }: Pick<URL, 'hostname'>): string => hostname.replace(/^\[|\]$/g, '')

/** Why an address is refused, for people. */
export const privateText = (address: string): string =>
  `${address} is no public address, and webhook_allow_private does not allow it`
