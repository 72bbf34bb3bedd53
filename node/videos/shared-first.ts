/** An exchange that refers to sources in shared folders, where this peer sees them, instead of fetching them over the mesh. */
import type { BlobExchange } from '../../protocol/blobs.ts'
import type { SharedSources } from './shared-sources.ts'

/** The exchange for attempts: a source that this peer can hold is here when `exchange` looks for it. */
export const sharedFirst = (
  exchange: BlobExchange,
  sharedSources: Pick<SharedSources, 'beforeFetch'>,
): BlobExchange => ({
  async fetch(want) {
    await sharedSources.beforeFetch(want.video, want.sha256, want.signal)
    return await exchange.fetch(want)
  },
  whoHas: (want) => exchange.whoHas(want),
})
