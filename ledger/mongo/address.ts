/** Reads of a MongoDB address, without its credentials. Pure. */

/** An `@` behind the hosts would be of a password with an unescaped `/`: no part of such an address is shown. */
const SHAPE = /^(mongodb(?:\+srv)?):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?@]*))?(?:\?[^@]*)?$/

/** `host:port,host:port`, or a word where the address has another form (the driver will refuse it). */
export function describeUrl(url: string): string {
  const [, scheme, , hosts] = SHAPE.exec(url) ?? []
  if (!scheme || !hosts) return '(an address of another shape)'
  if (scheme === 'mongodb+srv') return hosts
  return hosts
    .split(',')
    .map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`))
    .join(',')
}

export const databaseName = (url: string): string => decodeURIComponent(SHAPE.exec(url)?.[4] || 'reelmesh')

export const isMongoUrl = (text: string): boolean => SHAPE.test(text)

/** Whether the driver will use TLS: by the address, else by its scheme. */
export function isTls(url: string): boolean {
  const options = new URLSearchParams(/\?(.*)$/.exec(url)?.[1] ?? '')
  const said = options.get('tls') ?? options.get('ssl')
  return said === null ? url.startsWith('mongodb+srv:') : said === 'true'
}

/** Options that the address itself sets, by name. */
export const optionsOf = (url: string): ReadonlySet<string> =>
  new Set(new URLSearchParams(/\?(.*)$/.exec(url)?.[1] ?? '').keys())

/** An address for each server that the address names, to be asked by itself; none for `mongodb+srv`. */
export function directUrls(url: string): { where: string; url: string; replicaSet: string | null }[] {
  const [, scheme, login, hosts, database = ''] = SHAPE.exec(url) ?? []
  if (scheme !== 'mongodb' || !hosts) return []
  const options = new URLSearchParams(/\?(.*)$/.exec(url)?.[1] ?? '')
  const replicaSet = options.get('replicaSet')
  options.delete('replicaSet')
  options.set('directConnection', 'true')
  const user = login === undefined ? '' : `${login}@`
  return hosts.split(',').map((host) => ({
    where: /:\d+$/.test(host) ? host : `${host}:27017`,
    url: `mongodb://${user}${host}/${database}?${options}`,
    replicaSet,
  }))
}
