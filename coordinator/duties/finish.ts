/**
 * Moves videos to their next state: all tasks COMPLETED, and audits settled → MERGING; merged, and audits of what was made again settled → COMPLETED; enough strikes → task FAILED → video FAILED, with the
 * reason in one sentence.
 */
import type { Artifact } from '../../protocol/artifact.ts'
import { type FailureCode, FINAL } from '../../protocol/errors.ts'
import type { DomainEvent } from '../../protocol/events.ts'
import { type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { type KindFacts, kindFacts, kindsWhere, resultKinds } from '../../protocol/kinds.ts'
import type { Counts, Progress } from '../../protocol/ledger.ts'
import { LOST_AFTER_MS, REPLICA_WAIT_MAX_MS, STRIKES_EACH } from '../../protocol/limits.ts'
import { describeTask, type Task } from '../../protocol/task.ts'
import { OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import { type Audits, createAudits } from '../audits.ts'
import type { Duty, TermContext } from '../duty.ts'
import { locateBlob } from '../locate-blob.ts'
import type { Look, VideoReader } from '../open-videos.ts'
import { eligiblePeers } from '../policy/eligible-peers.ts'
import { commonHolders, decideReplication, heldBy } from '../policy/replication.ts'
import { evaluateStrikes } from '../policy/strikes.ts'
import { replicaCandidates } from '../replica-candidates.ts'

/** The parts of the term that this duty uses. */
export type FinishContext = Pick<
  TermContext,
  | 'self'
  | 'host'
  | 'capability'
  | 'settles'
  | 'isOnlyCoordinator'
  | 'term'
  | 'openVideos'
  | 'audit'
  | 'rng'
  | 'ledger'
  | 'store'
  | 'exchange'
  | 'clock'
  | 'emit'
  | 'hints'
  | 'peers'
  | 'connected'
  | 'reachable'
  | 'stepDown'
>

/** The duty that finishes videos. Its state: since when this leader leads, and since when results have too few replicas. */
export function createFinish(context: FinishContext): Duty {
  const finisher = new Finisher(context)
  return { name: 'finish', round: (signal) => finisher.round(signal) }
}

type Emitted = DomainEvent & { readonly video: VideoId }

class Finisher {
  readonly #context: FinishContext
  readonly #leadingSince: number
  readonly #replicas: ReplicaCheck
  readonly #audits: Audits
  readonly #reader: VideoReader
  /** The videos that go on without a change of their tasks: they wait for audits or replicas. */
  readonly #begun = new Set<VideoId>()

  constructor(context: FinishContext) {
    this.#context = context
    this.#leadingSince = context.clock.mono()
    this.#audits = createAudits(context)
    this.#reader = context.openVideos.reader()
    this.#replicas = new ReplicaCheck(context, (event) => this.#emit(event))
  }

  async round(signal: AbortSignal): Promise<void> {
    await this.#reader.look(this.#begun, (look) => this.#finish(look, signal))
  }

  async #finish(look: Look, signal: AbortSignal): Promise<void> {
    const { videos, isAll } = look
    if (isAll) this.#audits.keepOnly(new Set(videos.map(({ _id }) => _id)))
    if (isAll) this.#begun.clear()
    this.#replicas.keepOnly(new Set(videos.filter(({ status }) => status === 'MERGING').map(({ _id }) => _id)))
    if (isAll && videos.length === 0) return
    const struck = await this.#strikes()
    const { open, counted } = await this.#withStruck(look, struck)
    for (const video of open) {
      if (signal.aborted) return
      const counts = counted.get(video._id) ?? []
      if (hasBegun(video, counts)) this.#begun.add(video._id)
      else this.#begun.delete(video._id)
      if (await this.#fail(video, await this.#strikesOf(video._id, counts, struck))) continue
      if (video.status === 'MERGING' || video.status === 'RUNNING') await this.#audit(video, counts, signal)
    }
  }

  /** The videos to look at, and those with strikes. */
  async #withStruck(
    { videos, counts, isAll }: Look,
    struck: ReadonlyMap<VideoId, unknown>,
  ): Promise<{ open: readonly Video[]; counted: Progress }> {
    const ids = isAll ? [] : [...struck.keys()].filter((id) => !videos.some(({ _id }) => _id === id))
    if (ids.length === 0) return { open: videos, counted: counts }
    const { ledger } = this.#context
    const more = await ledger.videos({ ids, statuses: OPEN_STATUSES })
    return { open: [...videos, ...more], counted: new Map([...counts, ...(await ledger.progress(ids))]) }
  }

  /** Audits what is encoded; the merge starts, and ends, once all is and its chosen audits are settled. */
  async #audit(video: Video, counts: Counts, signal: AbortSignal): Promise<void> {
    const state = { isEncoded: isEncoded(video, counts) }
    const areSettled = await this.#audits.settle(video, counts, state)
    if (video.status === 'RUNNING' && areSettled && state.isEncoded) await this.#startMerging(video)
    // What was lost after it was merged is not waited for.
    if (video.status === 'MERGING' && (areSettled || !state.isEncoded)) await this.#complete(video, signal)
  }

  async #startMerging(video: Video): Promise<void> {
    const { ledger, term, self } = this.#context
    // Count again: an output may have been lost meanwhile.
    const counts = (await ledger.progress([video._id])).get(video._id) ?? []
    if (isEncoded(video, counts) && (await ledger.startMerging(video._id, term)) === 'changed')
      await this.#emit({ code: 'merging', peer: self, video: video._id, name: video.name })
  }

  async #complete(video: Video, signal: AbortSignal): Promise<void> {
    const { ledger, term, self } = this.#context
    const makers: Task[] = []
    for (const kind of resultKinds(video.recipe)) {
      const task = await ledger.task(taskId(video._id, kind))
      if (task?.status !== 'COMPLETED') return
      makers.push(task)
    }
    const outputs = makers.flatMap((task) => task.outputs)
    const replicas = await this.#replicas.check(video, outputs, signal)
    if (replicas === 'wait') return
    if (replicas === 'lost') return this.#makeAgain(video, makers)
    if ((await ledger.completeVideo(video._id, outputs, term)) === 'changed')
      await this.#emit({ code: 'completed', peer: self, video: video._id, name: video.name })
  }

  async #makeAgain(video: Video, makers: readonly Task[]): Promise<void> {
    const { ledger, term } = this.#context
    for (const { _id, completed_attempt } of makers)
      if ((await ledger.loseOutput(_id, { completed_attempt: completed_attempt ?? 0, term })) === 'changed')
        await this.#emit({ code: 'blob_lost', video: video._id, blob: `a result of ${video.name}` })
  }

  /** Fails tasks with enough strikes, and their video. Answers whether the video has failed. */
  async #fail(video: Video, struck: readonly Task[]): Promise<boolean> {
    const { ledger, term, self } = this.#context
    for (const task of struck) {
      const capable = this.#eligiblePeers(video, task)
      const verdict = evaluateStrikes(task, { capable })
      if (task.status !== 'FAILED') {
        if (verdict === null) {
          if (kindFacts(task.kind).eligibility === 'leader') this.#letOthersTry(task, capable)
          continue
        }
        if ((await ledger.failTask(task._id, { strikes: task.strikes.length, term })) !== 'changed') continue
      }
      if (!kindFacts(task.kind).failsVideo) continue
      const failure = failureSentence(video, task, verdict?.code)
      if ((await ledger.failVideo(video._id, failure, term)) === 'changed')
        await this.#emit({ code: 'failed', peer: self, video: video._id, failure })
      return true
    }
    return false
  }

  /** The eligible peers of a task; null while the leader does not know the mesh well enough. */
  #eligiblePeers({ source }: Video, task: Task): ReadonlySet<PeerId> | null {
    const { self, capability, isOnlyCoordinator, clock, peers } = this.#context
    const now = clock.mono()
    const [heard, connected] = [peers.all(), this.#context.connected()]
    const ledForMs = now - this.#leadingSince
    const { holders } = source
    return eligiblePeers({ task, self, capability, isOnlyCoordinator, ledForMs, now, heard, connected, holders })
  }

  /** Steps down where this leader fails repeatedly at a task that only the leader may run: the ffmpeg of another may work. */
  #letOthersTry(task: Task, capable: ReadonlySet<PeerId> | null): void {
    const own = task.strikes.filter(({ worker_id }) => worker_id === this.#context.self).length
    if (own >= STRIKES_EACH && capable && capable.size > 1)
      this.#context.stepDown(`it failed at task ${task._id} ${own} times: another coordinator may complete it`)
  }

  /** The PENDING tasks with strikes: few, however many videos are open. */
  async #strikes(): Promise<ReadonlyMap<VideoId, readonly Task[]>> {
    const waiting = await this.#context.ledger.tasks({ statuses: ['PENDING'], tried: true })
    const struck = waiting.filter(({ strikes }) => strikes.length > 0)
    return Map.groupBy(struck, ({ video_id }) => video_id)
  }

  async #strikesOf(
    video: VideoId,
    counts: Counts,
    struck: ReadonlyMap<VideoId, readonly Task[]>,
  ): Promise<readonly Task[]> {
    const hasFailed = counts.some(({ status }) => status === 'FAILED')
    const failed = hasFailed ? await this.#context.ledger.tasks({ video, statuses: ['FAILED'] }) : []
    return [...failed, ...(struck.get(video) ?? [])]
  }

  #emit(event: Emitted): Promise<void> {
    this.#context.hints.publish({ what: 'video', video: event.video })
    return this.#context.emit(event)
  }
}

/** Checks whether the results of merged videos are on enough machines. The waits for a replica and for a holder are bounded. */
class ReplicaCheck {
  readonly #context: FinishContext
  readonly #emit: (event: Emitted) => Promise<void>
  /** Since when, on the monotonic clock, the results of a video have had too few replicas. */
  readonly #tooFewSince = new Map<VideoId, number>()

  constructor(context: FinishContext, emit: (event: Emitted) => Promise<void>) {
    this.#context = context
    this.#emit = emit
  }

  /** Forgets all other videos. */
  keepOnly(videos: ReadonlySet<VideoId>): void {
    for (const id of this.#tooFewSince.keys()) if (!videos.has(id)) this.#tooFewSince.delete(id)
  }

  /** `enough`: on as many machines as possible. `lost`: no connected peer holds one of them. */
  async check(video: Video, outputs: readonly Artifact[], signal: AbortSignal): Promise<'enough' | 'wait' | 'lost'> {
    const verdict = await this.#verdict(video, outputs, signal)
    if (verdict !== 'wait') this.#tooFewSince.delete(video._id)
    return verdict
  }

  async #verdict(video: Video, outputs: readonly Artifact[], signal: AbortSignal): Promise<'enough' | 'wait' | 'lost'> {
    const { clock, self } = this.#context
    const holders = commonHolders(outputs)
    const present = replicaCandidates(this.#context, video)
    const since = this.#tooFewSince.get(video._id) ?? clock.mono()
    const waitedMs = clock.mono() - since
    const isUnavailable = heldBy(holders, present).size === 0
    if (isUnavailable && waitedMs >= LOST_AFTER_MS) return 'lost'
    const { is, reason } = decideReplication(holders, present)
    const areTooFew = isUnavailable || is === 'wanted'
    if (areTooFew && waitedMs < REPLICA_WAIT_MAX_MS) {
      this.#tooFewSince.set(video._id, since)
      // A corrupt blob at a holder is noticed, and removed, when a replica of it is fetched.
      return waitedMs >= LOST_AFTER_MS && (await this.#isOneMissing(video, outputs, signal)) ? 'lost' : 'wait'
    }
    if (areTooFew) {
      const note = `no other machine took a replica of the results: they are ${reason}`
      await this.#emit({ code: 'note', peer: self, video: video._id, note })
    }
    return 'enough'
  }

  async #isOneMissing(video: Video, outputs: readonly Artifact[], signal: AbortSignal): Promise<boolean> {
    for (const output of outputs) {
      const { isAvailable } = await locateBlob(output, { ...this.#context, video: video._id, signal })
      if (!isAvailable) return true
    }
    return false
  }
}

/** Whether a video is merged, or has encodes that may be audited. */
const hasBegun = ({ status }: Video, counts: Counts): boolean =>
  status === 'MERGING' ||
  (status === 'RUNNING' && counts.some((each) => each.status === 'COMPLETED' && kindFacts(each.kind).audited))

/** Whether all tasks of the video's plan are COMPLETED. */
function isEncoded(video: Video, counts: Counts): boolean {
  const done = (of: (facts: KindFacts) => boolean) =>
    counts
      .filter(({ status, kind }) => status === 'COMPLETED' && of(kindFacts(kind)))
      .reduce((sum, { count }) => sum + count, 0)
  const creators = kindsWhere(({ createsTasks }) => createsTasks)
  return (
    done(({ countsAsEncode }) => countsAsEncode) === video.plan?.tasks &&
    done(({ createsTasks }) => createsTasks) === creators.length
  )
}

/** Why a video failed, with the message of the newest failure of the code that decided. */
function failureSentence(video: Video, task: Task, code: FailureCode | undefined): string {
  const last = task.failures.findLast((failure) => failure.code === code) ?? task.failures.at(-1)
  if (last !== undefined && FINAL.has(last.code)) return last.message
  const { length } = task.strikes
  const died =
    task.strikes.at(-1)?.code === 'peer_died' ? `${length} workers crashed on this task` : 'no reason is known'
  return `${video.name}: ${describeTask(task)} failed permanently: ${last?.message ?? died}`
}
