/**
 * The ways to cut a chunk, in the order in which they are tried, and what each container needs. Pure.
 *
 * NUT is first: it holds most codecs, with exact times, and copies packets unchanged. It cannot describe some (palettes, bits per sample,
 * rows from bottom to top), which other containers can. FFV1 describes every picture of its pixel formats, and is much larger.
 */
import type { CutFormat, Plan, Rational, VideoFacts } from '../protocol/plan.ts'
import { cutOffset } from './chunk-plan.ts'
import { integer, plainWord } from './commands/argument.ts'
import { secondsOf } from './rational.ts'

/** A container that a chunk can be copied into. */
export type Container = Exclude<CutFormat, 'lossless' | 'none'>

const WAYS: readonly CutFormat[] = ['nut', 'matroska', 'mov', 'avi', 'lossless']
/** Containers that say how to turn the picture, some builds only: the encoder turns it, and must not find it said again. */
const SAYS_TURN: ReadonlySet<CutFormat> = new Set(['matroska', 'mov'])

/** Codecs whose pictures hold their own palette. */
const OWN_PALETTE = new Set(['gif', 'png', 'apng'])

/** The ways to cut a picture, in order. MPEG-TS carries no codec that none of these carries. */
export function cutFormatsFor(
  video: Pick<VideoFacts, 'codec' | 'pixel_format' | 'rotation' | 'mirrored'>,
): readonly CutFormat[] {
  // ffmpeg has the palette of a container from its first packets only: after a seek, colors are wrong in the source as in a cut.
  if (video.pixel_format === 'pal8' && !OWN_PALETTE.has(video.codec)) return []
  return WAYS.filter((way) => (video.rotation === 0 && !video.mirrored) || !SAYS_TURN.has(way))
}

/** How the times of the source become those of a cut: `ticks` of the source are added, then `seconds`. */
export interface Shift {
  /** Ticks of the source's time base. */
  readonly ticks: number
  readonly seconds: number
}

/** The shift of a cut that begins at `first_pts`. AVI counts frames from 0; all others need positive times. */
export function shiftOf(
  format: CutFormat,
  plan: Parameters<typeof cutOffset>[0],
  first_pts: number,
): Shift & { readonly offset: number } {
  const shift = format === 'avi' ? { ticks: -first_pts, seconds: 0 } : { ticks: 0, seconds: cutOffset(plan) }
  return { ...shift, offset: shift.seconds + secondsOf(shift.ticks, plan.time_base) }
}

/** The muxer and its options. In MOV the time scale of the source, also for the empty edit before the first frame, keeps times exact. */
export function muxerArgs(container: Container, [, denominator]: Rational): string[] {
  const scale = integer(denominator)
  const exact = container === 'mov' ? ['-video_track_timescale', scale, '-movie_timescale', scale] : []
  return [...exact, '-f', plainWord(container)]
}

/** Pixel formats of FFV1, from ffmpeg 5.1 on. */
const FFV1 = new Set(
  [
    'yuv420p yuva420p yuva422p yuv444p yuva444p yuv440p yuv422p yuv411p yuv410p bgr0 bgra gray ya8',
    'yuv420p16le yuv422p16le yuv444p16le yuva444p16le yuva422p16le yuva420p16le gray16le gbrp16le rgb48le gbrap16le rgba64le',
    'yuv444p9le yuv422p9le yuv420p9le yuva444p9le yuva422p9le yuva420p9le gray9le gbrp9le',
    'yuv420p10le yuv422p10le yuv444p10le yuva444p10le yuva422p10le yuva420p10le yuv440p10le gray10le gbrp10le gbrap10le',
    'yuv420p12le yuv422p12le yuv444p12le yuv440p12le gray12le gbrp12le gbrap12le',
    'yuv420p14le yuv422p14le yuv444p14le gbrp14le',
  ].flatMap((line) => line.split(' ')),
) // biome-ignore format: a table

/** Formats with the same samples in another order, which ffmpeg converts without loss. */
const REORDERED: Readonly<Record<string, string>> = {
  nv12: 'yuv420p', nv21: 'yuv420p', yuyv422: 'yuv422p', uyvy422: 'yuv422p', yvyu422: 'yuv422p', nv16: 'yuv422p',
  nv24: 'yuv444p', nv42: 'yuv444p', uyyvyy411: 'yuv411p', rgb24: 'bgr0', bgr24: 'bgr0', '0rgb': 'bgr0', '0bgr': 'bgr0', rgb0: 'bgr0',
  gbrp: 'bgr0', rgba: 'bgra', argb: 'bgra', abgr: 'bgra', gbrap: 'bgra', pal8: 'bgra', p010le: 'yuv420p10le', p210le: 'yuv422p10le',
  p410le: 'yuv444p10le', p016le: 'yuv420p16le', nv20le: 'yuv422p10le', bgr48le: 'rgb48le', bgra64le: 'rgba64le',
} // biome-ignore format: a table

/** The filters that give FFV1 the pictures of `pixelFormat` without any loss, and its own format; null where it cannot hold them. */
export function losslessFormat(
  pixelFormat: string,
): { readonly filters: readonly string[]; readonly format: string } | null {
  const planes = /^yuvj(4\d\dp)$/.exec(pixelFormat)?.[1]
  // Only another name for the same samples: a conversion would shrink the range.
  if (planes !== undefined) {
    const format = `yuv${planes}`
    const map = [0, 1, 2].map((plane) => `map${plane}s=0:map${plane}p=${plane}`).join(':')
    return { filters: [`mergeplanes=${map}:format=${format}`], format }
  }
  const known = [pixelFormat, pixelFormat.replace(/be$/, 'le')].map((name) => REORDERED[name] ?? name)
  const format = known.find((name) => FFV1.has(name))
  return format === undefined ? null : { filters: [`format=${format}`], format }
}

/** The fields of a plan on which its cuts depend. */
export type CutPlan = Pick<
  Plan,
  'video' | 'genpts' | 'time_base' | 'start_pts' | 'lead' | 'track_timescale' | 'chunks' | 'cut_format' | 'run_in'
>
