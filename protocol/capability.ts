/**
 * What a task needs and what a peer can do, as one string that is compared: `h264>x264/1080p` is decoder, encoder and
 * rendition; `hevc10+zscale>x265-199/720p` adds the filters between them. The class of a task of the whole video is its kind, with the
 * encoders that not every build has: `audio+opus`.
 */
import { isPartName } from './ids.ts'
import type { RenditionId } from './rendition.ts'

/** The parts of the class of a video task. */
export interface VideoClass {
  /** `h264`, or with the bit depth where it is not 8: `hevc10`. */
  readonly decoder: string
  readonly filters: readonly string[]
  /** `x264`, or with its family where bytes depend on it: `x265-199`. */
  readonly encoder: string
  readonly rendition: RenditionId
}

/** What a peer can run, as its heartbeat says: only what its self-test has passed. */
export interface Capability {
  readonly decoders: readonly string[]
  readonly filters: readonly string[]
  readonly encoders: readonly string[]
  /** Ids of the renditions that its owner lets it encode. */
  readonly renditions: 'all' | readonly RenditionId[]
  /** Kinds of whole-video tasks that it runs in encode slots, such as `audio`. */
  readonly kinds: readonly string[]
}

/** The class of a video task. Filters are sorted: equal needs give equal strings. */
export function formatClass({ decoder, filters, encoder, rendition }: VideoClass): string {
  return `${[decoder, ...[...filters].sort()].join('+')}>${encoder}/${rendition}`
}

/** The class of a task of the whole video: its kind, and the encoders that it needs beside those of every build, such as `audio+opus`. */
export const formatKindClass = (kind: string, encoders: readonly string[]): string => [kind, ...encoders].join('+')

/** The parts of a class; null for the class of a task of the whole video, and for a text of another form. */
export function parseClass(text: string): VideoClass | null {
  const match = /^([a-z0-9_-]{1,40})((?:\+[a-z0-9_-]{1,40}){0,8})>([a-z0-9-]{1,40})\/(.+)$/.exec(text)
  const rendition = match?.[4] ?? ''
  if (!match || !isPartName(rendition)) return null
  return { decoder: match[1]!, filters: match[2]!.split('+').filter(Boolean), encoder: match[3]!, rendition }
}

/** What measured speeds are kept by: the encoder of a class without its build, which is one on each peer, and the preset: `svtav1/8`. */
export const speedKey = (encoder: string, preset: string): string => `${encoder.split('-', 1)[0]}/${preset}`

/** Whether its owner lets a peer encode this rendition. */
export const allowsRendition = ({ renditions }: Pick<Capability, 'renditions'>, id: RenditionId): boolean =>
  renditions === 'all' || renditions.includes(id)

/** Whether a peer with capability `has` may take tasks of this class: it names the decoder, the encoder and every filter, or the kind. */
export function canDo(has: Capability, taskClass: string): boolean {
  const needs = parseClass(taskClass)
  if (needs === null) {
    const [kind = '', ...encoders] = taskClass.split('+')
    return has.kinds.includes(kind) && encoders.every((encoder) => has.encoders.includes(encoder))
  }
  return (
    has.decoders.includes(needs.decoder) &&
    has.encoders.includes(needs.encoder) &&
    needs.filters.every((filter) => has.filters.includes(filter)) &&
    allowsRendition(has, needs.rendition)
  )
}
