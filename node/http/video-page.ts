/** A page of the videos of the mesh. Every node answers the same: its cursor is a place in an order that the ledger never changes. */
import { cursorAfter, type PageQuery, placeIn, statusesIn, type VideoPage } from '../../protocol/api-lists.ts'
import type { NodeFace } from '../face.ts'

/** The page that is asked for. Rejects with `LedgerUnavailable`. */
export async function videoPage(node: Pick<NodeFace, 'ledger' | 'rows'>, query: PageQuery): Promise<VideoPage> {
  const { limit, since } = query
  const found = await node.ledger.videos({
    statuses: statusesIn(query),
    before: placeIn(query),
    since,
    limit: limit + 1,
  })
  const newest = found.reverse()
  const last = newest.length > limit ? newest[limit - 1] : undefined
  return { videos: await node.rows(newest.slice(0, limit)), next: last ? cursorAfter(last) : null }
}
