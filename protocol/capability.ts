/**
 * What a task needs and what a peer has proved, as one word each can compare: `h264>x264/1080p` is decoder, encoder and
 * rung; `hevc10+zscale>x265-199/720p` adds the filters between them. `audio`, `ingest` and `merge` are classes too.
 */
import { RESOLUTIONS, type Resolution } from './ids.ts'

export interface VideoClass {
  /** `h264`, or with the bit depth where it is not 8: `hevc10`. */
  readonly decoder: string
  readonly filters: readonly string[]
  /** `x264`, or with its family where bytes depend on it: `x265-199`. */
  readonly encoder: string
  readonly resolution: Resolution
}

export interface Capability {
  readonly decoders: readonly string[]
  readonly filters: readonly string[]
  readonly encoders: readonly string[]
  readonly resolutions: readonly Resolution[]
  readonly audio: boolean
}

/** The class of a video task. Filters are sorted: the same needs are the same word. */
export function formatClass({ decoder, filters, encoder, resolution }: VideoClass): string {
  return `${[decoder, ...[...filters].sort()].join('+')}>${encoder}/${resolution}`
}

export function parseClass(text: string): VideoClass | null {
  const match = /^([a-z0-9_-]{1,40})((?:\+[a-z0-9_-]{1,40}){0,8})>([a-z0-9-]{1,40})\/([0-9]{3,4}p)$/.exec(text)
  const resolution = RESOLUTIONS.find((rung) => rung === match?.[4])
  if (!match || !resolution) return null
  return { decoder: match[1]!, filters: match[2]!.split('+').filter(Boolean), encoder: match[3]!, resolution }
}

/** Whether a peer that proved `has` may take tasks of this class. Unknown words are declined. */
export function canDo(has: Capability, taskClass: string): boolean {
  if (taskClass === 'audio') return has.audio
  const needs = parseClass(taskClass)
  return (
    needs !== null &&
    has.decoders.includes(needs.decoder) &&
    has.encoders.includes(needs.encoder) &&
    needs.filters.every((filter) => has.filters.includes(filter)) &&
    has.resolutions.includes(needs.resolution)
  )
}
