/**
 * What may never happen to videos: that one makes no progress for `STILL_MS`, and its row in the status of a peer that is well gives no reason, or `unknown`.
 * Progress is what really happens: attempts that advance on any machine, and tasks that are done.
 */
import type { Steps } from '../../ledger/steps.ts'
import type { NodeFace } from '../../node/face.ts'
import { createProgressWatch } from '../../node/status/progress-watch.ts'
import { STILL_MS } from '../../node/status/still-videos.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import { isOpen } from '../../protocol/video.ts'
import type { IdlePeer } from './idle-rules.ts'

/** A peer that is up. */
export interface AskedPeer extends IdlePeer {
  readonly face: Pick<NodeFace, 'snapshot'>
}

export interface StillnessRulesOptions {
  readonly steps: Pick<Steps, 'video' | 'progress'>
  videos(): readonly VideoId[]
  /** Virtual ms since the beginning. */
  elapsed(): number
  /** Ledger time. */
  now(): number
  peers(): readonly AskedPeer[]
  report(violation: string): void
  trace(line: string): void
}

/** A peer hears of progress with a heartbeat, and keeps a reason for a moment. */
const LATE_MS = 6_000
/** Interval of the questions: each takes a peer some statements. */
const ASK_MS = 4_000

export interface StillnessRules {
  /** Called every `LOOK_MS` or so. */
  look(): Promise<void>
  /** How often a reason was given, by its code. */
  readonly reasons: ReadonlyMap<string, number>
}

export function createStillnessRules(options: StillnessRulesOptions): StillnessRules {
  const { steps, elapsed, report, trace } = options
  const watch = createProgressWatch({ mono: elapsed })
  const reasons = new Map<string, number>()
  const [openSince, createdAt, asking] = [new Map<VideoId, number>(), new Map<VideoId, number>(), new Set<PeerId>()]
  let askedAt = 0

  async function ask({ id, beat, face }: AskedPeer): Promise<void> {
    asking.add(id)
    const began = elapsed()
    const still = [...openSince].filter(([video, since]) => isStillFor(video, since))
    try {
      const { ledger, videos } = await face.snapshot()
      if (ledger.away !== null) return
      for (const [video, since] of still) {
        const row = videos.find((each) => each.id === video)
        if (!row || !isOpen(row.status) || !isStillFor(video, since)) continue
        if (row.still) reasons.set(row.still.code, (reasons.get(row.still.code) ?? 0) + 1)
        if (row.still?.code === 'unknown')
          report(`${beat.name} knows no reason why ${row.name} makes no progress: ${row.still.text}`)
        else if (row.still) trace(`${beat.name} says of ${row.name}: ${row.still.text}`)
        else
          report(
            `${row.name} made no progress for ${watch.stillMs(video)} ms, and ${beat.name}, asked at ${began}, gives no reason`,
          )
      }
    } finally {
      asking.delete(id)
    }
  }

  // Where the clock of the ledger was set back, a peer cannot know how old a video is that it has not looked at before.
  const ageMs = (video: VideoId) => options.now() - (createdAt.get(video) ?? 0)
  const isStillFor = (video: VideoId, since: number) =>
    Math.min(watch.stillMs(video), elapsed() - since, ageMs(video)) >= STILL_MS + LATE_MS

  return {
    reasons,
    async look() {
      for (const { id, beat } of options.peers()) watch.sawRunning(id, beat.running)
      for (const id of options.videos()) {
        const video = await steps.video(id)
        if (video === null || !isOpen(video.status)) {
          openSince.delete(id)
          continue
        }
        const { status, created_at } = video
        createdAt.set(id, created_at)
        if (!openSince.has(id)) openSince.set(id, elapsed())
        const counts = (await steps.progress([id])).get(id) ?? []
        const count = counts.reduce((sum, each) => sum + (each.status === 'COMPLETED' ? 2 : 1) * each.count, 0)
        watch.sawCounts(id, status, count)
      }
      if (elapsed() - askedAt < ASK_MS) return
      askedAt = elapsed()
      for (const peer of options.peers())
        if (peer.undisturbedMs >= STILL_MS + LATE_MS && !asking.has(peer.id)) void ask(peer).catch(() => {})
    },
  }
}
