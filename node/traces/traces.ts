/** Which spans there are: the attempts that this node runs, the videos that end while it leads, and what it delivers. */
import type { Clock } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { type AttemptFailed, sentence } from '../../protocol/errors.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { KindName } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Assignment, HeldTask, Runner, Runners, TaskResult } from '../../protocol/runner.ts'
import type { Video } from '../../protocol/video.ts'
import type { VideoSpan } from './spans.ts'

/** Takes spans, to send them. */
export interface SpanSink {
  add(span: VideoSpan): void
}

/** The spans of a node. */
export interface Traces {
  /** The same runners, which reject as those do; each attempt is a span. */
  traced(runners: Runners): Runners
  /** The same emitter; a video that ended, or was delivered, is a span. */
  heard(emit: Emit): Emit
}

/** What spans are made from. */
export interface TracesOptions {
  readonly self: PeerId
  readonly clock: Pick<Clock, 'now'>
  readonly ledger: Pick<Ledger, 'video' | 'now'>
  readonly sink: SpanSink
}

const NAMES: Partial<Record<KindName, string>> = { video: 'encode', audio: 'encode sound', ingest: 'read source' }

/** Makes the spans of a node. */
export function createTraces({ self, clock, ledger, sink }: TracesOptions): Traces {
  const attempt = (held: HeldTask, start: number, end: Pick<VideoSpan, 'error'> & { readonly how: string }) => {
    const { task } = held
    sink.add({
      video: task.video_id,
      of: `${task._id} ${held.attempt}`,
      name: NAMES[task.kind] ?? task.kind,
      ...{ start, end: clock.now(), error: end.error },
      attributes: {
        'reelmesh.task': task._id,
        'reelmesh.attempt': held.attempt,
        'reelmesh.class': task.class,
        'reelmesh.peer': self,
        'reelmesh.end': end.how,
      },
    })
  }
  const run = async (runner: Runner, assignment: Assignment) => {
    const start = clock.now()
    const ends = (of: (held: HeldTask) => Parameters<typeof attempt>[2]) => {
      for (const held of assignment.held) attempt(held, start, of(held))
    }
    try {
      const results = await runner(assignment)
      ends(({ task }) => endOf(results.find((each) => each.task === task._id)))
      return results
    } catch (error) {
      const { aborted } = assignment.signal
      ends(() => ({ how: aborted ? 'dropped' : 'failed', error: aborted ? null : sentence(error) }))
      throw error
    }
  }
  const ofVideo = async (id: VideoId, make: (video: Video) => VideoSpan | Promise<VideoSpan>) => {
    const video = await ledger.video(id).catch(() => null)
    if (video) sink.add(await make(video))
  }
  return {
    traced: (runners) =>
      Object.fromEntries(
        Object.entries(runners).flatMap(([kind, runner]) => {
          if (!runner) return []
          const traced = (assignment: Assignment) => run(runner, assignment)
          return [[kind, runner.prefetch ? Object.assign(traced, { prefetch: runner.prefetch }) : traced]]
        }),
      ),
    heard: (emit) => async (event) => {
      await emit(event)
      if (event.code === 'completed' || event.code === 'failed') void ofVideo(event.video, wholeVideo)
      if (event.code === 'delivered')
        void ofVideo(event.video, async ({ _id: video, ended_at }) => {
          const end = await ledger.now().catch(() => clock.now())
          const attributes = { 'reelmesh.peer': self }
          return {
            video,
            of: `delivery ${self} ${end}`,
            name: 'deliver',
            start: ended_at ?? end,
            end,
            attributes,
            error: null,
          }
        })
    },
  }
}

const endOf = (result: TaskResult | undefined): { how: string; error: string | null } =>
  result?.ok ? { how: 'completed', error: null } : { how: 'failed', error: failureText(result?.failure) }

const failureText = (failure: AttemptFailed | undefined): string =>
  failure ? `${failure.code}: ${failure.message}` : 'the runner answered nothing'

/** From the submit to the end: the parent of all other spans. */
function wholeVideo({ _id: video, name, created_at, ended_at, status, failure }: Video): VideoSpan {
  const attributes = { 'reelmesh.video': video, 'reelmesh.name': name, 'reelmesh.status': status }
  return { video, of: '', name: 'video', start: created_at, end: ended_at ?? created_at, attributes, error: failure }
}
