/** A video as the ledger holds it, for the tests of what a peer does with it: all that a test does not name is plain. */
import { asSha256, type VideoId } from '../../protocol/ids.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Video } from '../../protocol/video.ts'

/** RUNNING, without plan, results or deliveries, where `change` says nothing else. */
export const aVideo = (change: Partial<Video>): Video => ({
  _id: '0123456789abcdef' as VideoId,
  name: 'film',
  created_at: 0,
  due: 0,
  deadline: null,
  priority: 0,
  recipe: DEFAULT_RECIPE,
  source: { sha256: asSha256('a'.repeat(64)), bytes: 1, holders: [] },
  status: 'RUNNING',
  plan: null,
  outputs: [],
  deliveries: [],
  webhooks: [],
  failure: null,
  ended_at: null,
  coordinator_term: 0,
  ...change,
})
