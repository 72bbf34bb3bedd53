/**
 * Finds inputs that no reachable peer holds, and has them cut again: soon where a reachable peer has the source, later where none has, as a holder
 * may return. An input that another peer has fetched meanwhile gets that peer as a holder instead.
 */
import type { VideoId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { INPUT_LOST_AFTER_MS, LOST_AFTER_MS, SILENCE_MS } from '../../protocol/limits.ts'
import { createPace, type Pace } from '../../protocol/pace.ts'
import type { Task } from '../../protocol/task.ts'
import { cutAgain } from '../cut-again.ts'
import type { Duty, TermContext } from '../duty.ts'
import { firstLostInput } from '../lost-input.ts'

/** The parts of the term that this duty uses. */
export type LostInputsContext = Pick<
  TermContext,
  'self' | 'term' | 'openVideos' | 'ledger' | 'store' | 'exchange' | 'clock' | 'emit' | 'hints' | 'reachable'
>

/** Tasks of a video whose inputs are looked for in one round: the others follow in the next. */
const LOOKED_FOR_MAX = 48

/** The duty that has lost inputs cut again. Its state: since when a video has some, which a new leader measures again. */
export function createLostInputs(context: LostInputsContext): Duty {
  const finder = new InputFinder(context)
  return { name: 'lost_inputs', round: (signal) => finder.round(signal) }
}

class InputFinder {
  readonly #context: LostInputsContext
  /** Since when a video has inputs that no reachable peer holds, monotonic ms. */
  readonly #since = new Map<VideoId, number>()
  readonly #pace: Pace

  constructor(context: LostInputsContext) {
    this.#context = context
    this.#pace = createPace(context.clock, SILENCE_MS)
  }

  async round(signal: AbortSignal): Promise<void> {
    const { ledger, openVideos, reachable } = this.#context
    if (!this.#pace.isDue()) return
    this.#pace.looked(openVideos.count())
    // An audit without its input is given up: its result stands.
    const kinds = kindsWhere(({ countsAsEncode }) => countsAsEncode)
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
    const addHolder: Ledger['addTaskHolder'] = (...added) => ledger.addTaskHolder(...added)
    const lost = await firstLostInput(tasks.slice(0, LOOKED_FOR_MAX), { ...this.#context, signal, addHolder })
    if (lost) await cutAgain(this.#context, video, `the input of task ${lost._id}`)
  }
}
