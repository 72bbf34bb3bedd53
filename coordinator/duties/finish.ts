/**
 * Moves videos on: all tasks done → MERGING; merged → COMPLETED; strikes full → task FAILED → video FAILED with the sentence.
 */
import type { Artifact } from '../../protocol/artifact.ts'
import { type FailureCode, FINAL } from '../../protocol/errors.ts'
import type { DomainEvent } from '../../protocol/events.ts'
import { type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { type KindFacts, kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import type { Counts, Progress } from '../../protocol/ledger.ts'
import { LOST_AFTER_MS, REPLICA_WAIT_MAX_MS, STRIKES_EACH } from '../../protocol/limits.ts'
import { describeTask, type Task } from '../../protocol/task.ts'
import { OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../duty.ts'
import { adviseCopies, everyHolder, heldBy } from '../policy/copies.ts'
import { judgesOf } from '../policy/judges.ts'
import { judgeStrikes } from '../policy/strikes.ts'
import { presentHosts } from '../present-hosts.ts'
import { whereabouts } from '../whereabouts.ts'

export type FinishContext = Pick<
  TermContext,
  | 'self'
  | 'host'
  | 'capability'
  | 'term'
  | 'ledger'
  | 'store'
  | 'exchange'
  | 'clock'
  | 'emit'
  | 'hints'
  | 'peers'
  | 'connected'
  | 'resign'
>

export function createFinish(context: FinishContext): Duty {
  const { ledger, clock, term, self } = context
  const since = clock.mono()
  /** Merged videos whose results one host alone has, since when. */
  const unsafe = new Map<VideoId, number>()

  const emit = (event: DomainEvent & { video: VideoId }): Promise<void> => {
    context.hints.publish({ what: 'video', video: event.video })
    return context.emit(event)
  }

  async function startMerging(video: Video): Promise<void> {
    // Counted again: it is some time since all were, and an output may have been lost since.
    const counts = (await ledger.progress([video._id])).get(video._id) ?? []
    if (isEncoded(video, counts) && (await ledger.startMerging(video._id, term)) === 'changed') {
      // The merge task is the second of the two writes; sweep inserts it here as after a crash between them.
      await ledger.sweep(term)
      await emit({ code: 'merging', peer: self, video: video._id, name: video.name })
    }
  }

  async function complete(video: Video, signal: AbortSignal): Promise<void> {
    const makers: Task[] = []
    for (const kind of kindsWhere(({ outputs }) => outputs === 'results')) {
      const task = await ledger.task(taskId(video._id, kind))
      if (task?.status !== 'COMPLETED') return
      makers.push(task)
    }
    const outputs = makers.flatMap((task) => task.outputs)
    const copies = await judgeCopies(video, outputs, signal)
    if (copies === 'wait') return
    unsafe.delete(video._id)
    if (copies === 'lost') {
      for (const { _id, completed_attempt } of makers)
        if ((await ledger.loseOutput(_id, { completed_attempt: completed_attempt ?? 0, term })) === 'changed')
          await emit({ code: 'blob_lost', video: video._id, blob: `a result of ${video.name}` })
      return
    }
    if ((await ledger.completeVideo(video._id, outputs, term)) === 'changed')
      await emit({ code: 'completed', peer: self, video: video._id, name: video.name })
  }

  /** Whether the results are on as many hosts as they can be; `lost`: on none that is here. Waiting for either has an end. */
  async function judgeCopies(
    video: Video,
    outputs: readonly Artifact[],
    signal: AbortSignal,
  ): Promise<'safe' | 'wait' | 'lost'> {
    const holders = everyHolder(outputs)
    const present = presentHosts(context, video)
    const unsafeSince = unsafe.get(video._id) ?? clock.mono()
    const waitedMs = clock.mono() - unsafeSince
    const isNowhere = heldBy(holders, present).size === 0
    if (isNowhere && waitedMs >= LOST_AFTER_MS) return 'lost'
    const { is, reason } = adviseCopies(holders, present)
    const isAlone = isNowhere || is === 'wanted'
    if (isAlone && waitedMs < REPLICA_WAIT_MAX_MS) {
      unsafe.set(video._id, unsafeSince)
      // Whoever is named had them once: what rotted since is noticed when a copy is asked for, and removed.
      return waitedMs >= LOST_AFTER_MS && (await isOneNowhere(video, outputs, signal)) ? 'lost' : 'wait'
    }
    if (isAlone) {
      const note = `no other host took a copy of the results: they are ${reason}`
      await emit({ code: 'note', peer: self, video: video._id, note })
    }
    return 'safe'
  }

  async function isOneNowhere(video: Video, outputs: readonly Artifact[], signal: AbortSignal): Promise<boolean> {
    const { store, exchange } = context
    for (const output of outputs) {
      const { isSomewhere } = await whereabouts(output, { store, exchange, video: video._id, signal })
      if (!isSomewhere) return true
    }
    return false
  }

  const judges = (video: Video, task: Task): ReadonlySet<PeerId> | null => {
    const { self, capability } = context
    const now = clock.mono()
    const heard = context.peers.all()
    const connected = context.connected()
    const { holders } = video.source
    return judgesOf({ task, self, capability, ledForMs: now - since, now, heard, connected, holders })
  }

  /** What only the leader may do: one that fails at it again and again lets another lead, whose ffmpeg may be better. */
  function letOthersTry(task: Task, capable: ReadonlySet<PeerId> | null): void {
    const own = task.strikes.filter(({ worker_id }) => worker_id === context.self).length
    if (own >= STRIKES_EACH && capable && capable.size > 1)
      context.resign(`it failed at ${task._id} ${own} times: another may do better`)
  }

  /** FAILED tasks end their video; tasks whose strikes are full become FAILED first. */
  async function fail(video: Video, struck: readonly Task[]): Promise<boolean> {
    for (const task of struck) {
      const capable = judges(video, task)
      const verdict = judgeStrikes(task.strikes, { capable })
      if (task.status !== 'FAILED') {
        if (verdict === null) {
          if (kindFacts(task.kind).eligibility === 'leader') letOthersTry(task, capable)
          continue
        }
        if ((await ledger.failTask(task._id, { strikes: task.strikes.length, term })) !== 'changed') continue
      }
      const failure = failureSentence(video, task, verdict?.code)
      if ((await ledger.failVideo(video._id, failure, term)) === 'changed')
        await emit({ code: 'failed', peer: self, video: video._id, failure })
      return true
    }
    return false
  }

  /** Tasks that end their video, or may: of an open video few at any time, however long it is. */
  async function strikesOf(counted: Progress): Promise<(video: VideoId) => Promise<readonly Task[]>> {
    const waiting = await ledger.tasks({ statuses: ['PENDING'], tried: true })
    const struck = Map.groupBy(
      waiting.filter(({ strikes }) => strikes.length > 0),
      ({ video_id }) => video_id,
    )
    return async (video) => {
      const hasFailed = (counted.get(video) ?? []).some(({ status }) => status === 'FAILED')
      const failed = hasFailed ? await ledger.tasks({ video, statuses: ['FAILED'] }) : []
      return [...failed, ...(struck.get(video) ?? [])]
    }
  }

  return {
    name: 'finish',
    async round(signal) {
      const open = await ledger.videos({ statuses: OPEN_STATUSES })
      const merging = new Set(open.filter(({ status }) => status === 'MERGING').map(({ _id }) => _id))
      for (const id of unsafe.keys()) if (!merging.has(id)) unsafe.delete(id)
      if (open.length === 0) return
      const counted = await ledger.progress(open.map((video) => video._id))
      const struck = await strikesOf(counted)
      for (const video of open) {
        if (signal.aborted) return
        if (await fail(video, await struck(video._id))) continue
        if (video.status === 'MERGING') await complete(video, signal)
        else if (isEncoded(video, counted.get(video._id) ?? [])) await startMerging(video)
      }
    },
  }
}

/** Whether every task of its plan is done. */
function isEncoded(video: Video, counts: Counts): boolean {
  if (video.status !== 'RUNNING') return false
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

/** In the words of the newest failure of the kind that decided, not of one that merely came last. */
function failureSentence(video: Video, task: Task, code: FailureCode | undefined): string {
  const last = task.failures.findLast((failure) => failure.code === code) ?? task.failures.at(-1)
  if (last !== undefined && FINAL.has(last.code)) return last.message
  const died = task.strikes.at(-1)?.code === 'peer_died' ? 'its workers died on it again and again' : 'unknown'
  return `${video.name}: ${describeTask(task)} failed for good: ${last?.message ?? died}`
}
