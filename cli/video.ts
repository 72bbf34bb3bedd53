/** `reelmesh videos ID`: one video with its renditions as they are made, through the local node or, where none runs, from the ledger itself. */
import { parseResponse } from 'hono/client'
import type { Config } from '../node/config.ts'
import type { ControlClient } from '../node/http/control-client.ts'
import { plannedRenditions } from '../node/status/planned-renditions.ts'
import { notVideoId, unknownVideo } from '../protocol/errors.ts'
import { isVideoId, type VideoId } from '../protocol/ids.ts'
import { notesOf, planSeconds } from '../protocol/plan.ts'
import { encodeText } from '../protocol/settings-text.ts'
import type { VideoDetail } from '../protocol/status.ts'
import { columns, wrap } from './columns.ts'
import { bytesText, durationText, printable, say, sayJson } from './output.ts'
import { withLedger } from './reach.ts'
import { tableLines } from './table-lines.ts'

/** What is shown of a video. */
type Shown = Pick<VideoDetail, 'id' | 'name' | 'status' | 'seconds' | 'frames' | 'renditions' | 'notes' | 'failure'>

/** Most lines of a note. */
const NOTE_LINES_MAX = 3

/** Throws `unknown_video` where a text is no id of a video. */
export function mustBeVideoId(id: string): asserts id is VideoId {
  if (!isVideoId(id)) throw notVideoId(id)
}

/** One video. Rejects with `unknown_video`, also for what is no id, and with `LedgerUnavailable`. */
export async function oneVideo(id: string, config: Config, client: ControlClient | null): Promise<Shown> {
  mustBeVideoId(id)
  if (client !== null) return await parseResponse(client.v1.videos[':id'].$get({ param: { id } }))
  return await withLedger(config, async (ledger) => {
    const video = await ledger.video(id)
    if (video === null) throw unknownVideo(id)
    const plan = video.plan && (await ledger.plan(id, video.plan.sha256))
    const { name, status, failure } = video
    if (!plan) return { id, name, status, failure, seconds: 0, frames: 0, renditions: [], notes: [] }
    const seconds = planSeconds(plan)
    const renditions = plannedRenditions(plan.renditions, video, seconds)
    return { id, name, status, failure, seconds, frames: plan.frames, renditions, notes: notesOf(plan.fates) }
  })
}

/** Prints a video: a line for it, one for each rendition, its notes. */
export function sayVideo(video: Shown, json: boolean): void {
  const { id, name, status, seconds, frames, renditions, notes, failure } = video
  if (json) sayJson({ id, name, status, seconds, frames, renditions, notes, failure })
  else for (const line of videoLines(video)) say(line)
}

function videoLines({ id, name, status, seconds, frames, renditions, notes, failure }: Shown): string[] {
  const length = frames > 0 ? `  ${durationText(seconds)}, ${frames} frames` : ''
  const rows = renditions.map((each) => [
    each.id,
    `${each.width}x${each.height}`,
    each.codec,
    encodeText(each),
    each.bytes === null ? '' : bytesText(each.bytes),
    each.kbps === null ? '' : `${each.kbps} kb/s`,
  ])
  const texts = [...(failure ? [failure] : []), ...notes]
  return [
    `${id}  ${status}  ${printable(name)}${length}`,
    ...(rows.length === 0 ? ['  not planned yet'] : []),
    ...tableLines(rows),
    ...texts.flatMap((text) => wrap(printable(text), columns() - 2, NOTE_LINES_MAX).map((line) => `  ${line}`)),
  ]
}
