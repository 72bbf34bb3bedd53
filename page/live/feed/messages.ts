/** What the page and its feed say to each other. The feed is a worker: a large answer of a node is read there, so that the page never stands still. */
import type { AttemptRow } from '../../../protocol/api-attempts.ts'
import type { StatusSnapshot, TaskRow } from '../../../protocol/status.ts'

/** An event of the mesh. */
export type MeshEvent = StatusSnapshot['events'][number]

/** Where a cell of a grid stands. In the order of their numbers in `Grid.states`. */
export const CELL_STATES = ['waits', 'runs', 'done', 'failed', 'cancelled'] as const
/**
 * Marks of a cell, bits of `Grid.marks`, which stay: it has or had a backup attempt, an attempt at it failed, it is or was done again, by whatever
 * reason, its worker failed.
 */
export const MARK = { backup: 1, failure: 2, again: 4, reclaimed: 8 } as const
/** What has just happened to a cell. */
export type Change = 'claimed' | 'done' | 'reclaimed' | 'made again' | 'failed'

/** The encodes of a video, chunk by rendition: cell `row * chunks + chunk`. */
export interface Grid {
  readonly video: string
  /** Ids of the renditions, smallest first. */
  readonly rows: readonly string[]
  readonly chunks: number
  readonly states: Uint8Array
  readonly marks: Uint8Array
  /** The other tasks by what they do: ingest, sound, audits, merge, package. */
  readonly steps: readonly Step[]
  /** The cells that have changed since the grid before. */
  readonly changed: readonly { readonly cell: number; readonly change: Change }[]
}

/** Tasks that do the same: how many are done, and one to look at: the first that is not done, else the last. */
export interface Step {
  readonly name: string
  readonly count: number
  readonly done: number
  readonly id: string
  readonly state: number
}

/** Whether the node answers; `token`: it wants one, or another one. */
export type Connection = 'connecting' | 'connected' | 'lost' | 'token'

export type FromFeed =
  | { readonly kind: 'connection'; readonly connection: Connection }
  | { readonly kind: 'status'; readonly status: StatusSnapshot }
  | { readonly kind: 'grid'; readonly grid: Grid }
  | { readonly kind: 'task'; readonly task: ShownTask | null }
  | { readonly kind: 'events'; readonly events: readonly MeshEvent[] }

/** A task with its attempts. */
export interface ShownTask {
  readonly row: TaskRow
  readonly attempts: readonly AttemptRow[]
}

/** What the page wants: the video whose grid it shows, and the task of it whose attempts. */
export interface ToFeed {
  readonly token: string | null
  readonly video: string | null
  readonly task: string | null
}
