/**
 * The problems that stand before and around the routes of the HTTP API, whichever they are: by what a route takes, which refusals it can give.
 * The guard and the reading of bodies give them (node/http/guard.ts, node/http/api.ts); `/openapi.json` lists them with each operation.
 */

/** What decides which of them a route can give. */
export interface RouteShape {
  readonly method: string
  readonly path: string
  readonly hasBody: boolean
  readonly hasQuery: boolean
}

/** What is the same on every node, so that a browser can show it before it has a token. */
const PUBLIC_PATH = /^\/(?:|page\/[^/]+|healthz|readyz|openapi\.json|docs(?:\/.*)?)$/

/** Whether everybody may read this path, without a token. */
export const isPublicPath = (path: string): boolean => PUBLIC_PATH.test(path)

const changes = ({ method }: RouteShape): boolean => !['get', 'head', 'options'].includes(method)

const isPost = ({ method }: RouteShape): boolean => method === 'post'

const RULES: readonly (readonly [status: number, applies: (route: RouteShape) => boolean, description: string])[] = [
  [400, ({ hasBody }) => hasBody, 'the body is not JSON'],
  [400, ({ hasQuery }) => hasQuery, 'a parameter is wrong: `field` says which'],
  [400, isPost, 'the header Idempotency-Key is no key'],
  [401, (route) => changes(route) || !isPublicPath(route.path), 'over TCP: a token of this node is needed'],
  [403, changes, 'over TCP: the token is one to view with, or a page of another origin asks'],
  [409, isPost, 'the request with this Idempotency-Key still runs'],
  [413, changes, 'the body is larger than 1 MiB'],
  [415, changes, 'the request does not come with content-type: application/json'],
  [421, () => true, 'over TCP: the `Host` header names another server'],
  [422, ({ hasBody }) => hasBody, 'the body is JSON and cannot be used: `detail` says what to change, `field` where'],
  [422, isPost, 'another request was sent with this Idempotency-Key'],
  [429, () => true, 'over TCP: too many requests from this address'],
]

/** Statuses that come with `Retry-After`. */
export const RETRY_STATUSES: readonly number[] = [429, 503]

/** The refusals that a route can give because of its shape: what they mean, by status. */
export function refusalsOf(route: RouteShape): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const [status, applies, description] of RULES)
    if (applies(route)) found.set(status, [found.get(status) ?? [], description].flat().join('; or '))
  return found
}
