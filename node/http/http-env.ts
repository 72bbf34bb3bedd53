/** What a listener says of each request that it hands to the API. */
import type { HttpBindings } from '@hono/node-server'

/** The bindings of a request. Without `folders` none is allowed: a listener that does not say gives no files away. */
export interface HttpEnv {
  Bindings: Partial<HttpBindings> & {
    /** Folders of this machine whose files the caller may name; `any` for the user of the node. */
    readonly folders?: readonly string[] | 'any'
  }
}
