/** Thumbnails as WebVTT: each cue names a part of a sheet, as players with a preview bar read it. Pure. */
import { cueTime } from '../text/cue-time.ts'
import type { PackageFacts, ThumbnailFacts } from './facts.ts'
import { sheetName } from './hls.ts'

/** The file of cues. */
export function thumbnailCues(
  { seconds, prefix }: Pick<PackageFacts, 'seconds' | 'prefix'>,
  facts: ThumbnailFacts,
): string {
  const { name, width, height, columns, rows, interval } = facts
  const each = columns * rows
  const cues = Array.from({ length: Math.ceil(seconds / interval) }, (_, at) => {
    const [x, y] = [(at % columns) * width, (Math.floor(at / columns) % rows) * height]
    const end = Math.min((at + 1) * interval, seconds)
    const file = `${prefix}${sheetName(name, Math.floor(at / each))}`
    return `${cueTime(at * interval * 1_000)} --> ${cueTime(Math.round(end * 1_000))}\n${file}#xywh=${x},${y},${width},${height}\n`
  })
  return `WEBVTT\n\n${cues.join('\n')}`
}
