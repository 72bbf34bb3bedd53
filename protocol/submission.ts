/** What a peer writes into the ledger when a person submits a source. */
import type { VideoId } from './ids.ts'
import type { Recipe } from './recipe.ts'
import type { NewDelivery, VideoSource } from './video.ts'

/** A video as a peer submits it. */
export interface Submission {
  _id: VideoId
  name: string
  recipe: Recipe
  /** An integer; tasks of the highest number are claimed first. */
  priority: number
  /** When it is wanted, ms since 1970; null without one. */
  deadline: number | null
  source: VideoSource
  delivery: NewDelivery | null
  /** Endpoints that get the webhooks of this video; absent: none. */
  webhooks?: readonly string[]
}
