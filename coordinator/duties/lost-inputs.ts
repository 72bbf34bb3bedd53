/**
 * Finds inputs that no reachable peer holds, and has them cut again: soon where a reachable peer has the source, later where none has, as a holder
 * may return. An input that another peer has fetched meanwhile gets that peer as a holder instead.
 */
import type { VideoId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import { INPUT_LOST_AFTER_MS, LOST_AFTER_MS, SILENCE_MS } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import { cutAgain } from '../cut-again.ts'
import type { Duty, TermContext } from '../duty.ts'
import { locateBlob } from '../locate-blob.ts'

/** The parts of the term that this duty uses. */
export type LostInputsContext = Pick<
  TermContext,
  'self' | 'term' | 'ledger' | 'store' | 'exchange' | 'clock' | 'emit' | 'hints' | 'reachable'
>

/** Inputs of a video that are looked for in one round, so that the first lost one is not found late. */
const LOOKED_FOR_MAX = 16

/** The duty that has lost inputs cut again. Its state: since when a video has some, which a new leader measures again. */
export function createLostInputs(context: LostInputsContext): Duty {
  const finder = new InputFinder(context)
  return { name: 'lost_inputs', round: (signal) => finder.round(signal) }
}

class InputFinder {
  readonly #context: LostInputsContext
  /** Since when a video has inputs that no reachable peer holds, monotonic ms. */
  readonly #since = new Map<VideoId, number>()
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(context: LostInputsContext) {
    this.#context = context
  }

  async round(signal: AbortSignal): Promise<void> {
    const { ledger, clock, reachable } = this.#context
    if (clock.mono() - this.#checkedAt < SILENCE_MS) return
    this.#checkedAt = clock.mono()
    const kinds = kindsWhere(({ slots }) => slots === 'encode')
    const lacking = await ledger.tasks({ kinds, statuses: ['PENDING'], heldByNoneOf: reachable() })
    const byVideo = Map.groupBy(lacking, ({ video_id }) => video_id)
    for (const video of this.#since.keys()) if (!byVideo.has(video)) this.#since.delete(video)
    for (const [video, tasks] of byVideo) if (!signal.aborted) await this.#check(video, tasks, signal)
  }

  async #check(id: VideoId, tasks: readonly Task[], signal: AbortSignal): Promise<void> {
    const { ledger, clock, reachable } = this.#context
    const since = this.#since.get(id) ?? clock.mono()
    this.#since.set(id, since)
    const video = await ledger.video(id)
    if (!video) return
    const canCut = reachable().some((peer) => video.source.holders.includes(peer))
    // Where every holder said that it lacks the bytes, nobody is waited for.
    const isRefused = tasks.some(({ input }) => input?.holders.length === 0)
    const afterMs = isRefused ? 0 : canCut ? INPUT_LOST_AFTER_MS : LOST_AFTER_MS
    if (clock.mono() - since < afterMs) return
    const lost = await this.#firstLost(tasks, signal)
    if (lost) await cutAgain(this.#context, video, `the input of task ${lost._id}`)
  }

  /** The first of these tasks whose input no peer has; those that a peer has name it as a holder. */
  async #firstLost(tasks: readonly Task[], signal: AbortSignal): Promise<Task | null> {
    const { ledger } = this.#context
    const byInput = [...Map.groupBy(tasks, ({ input }) => input?.sha256).values()]
    for (const same of byInput.slice(0, LOOKED_FOR_MAX)) {
      const [first] = same
      if (!first?.input || signal.aborted) continue
      const { has } = await locateBlob(first.input, { ...this.#context, video: first.video_id, signal })
      const [holder] = has
      if (holder === undefined) return signal.aborted ? null : first
      for (const { _id } of same) await ledger.addTaskHolder(_id, first.input.sha256, holder)
    }
    return null
  }
}
