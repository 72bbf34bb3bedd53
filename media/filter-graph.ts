/**
 * The filter graph of an encode: one decode, every rendition. Pure.
 *
 * All that a cut chunk lacks (rotation, sample aspect, colour that only the container has) is explicit here, from the probe of the source.
 * Scaling is bit-exact, so that every build and CPU makes the same picture.
 */
import type { HdrData } from '../protocol/hdr.ts'
import type { Rational, RenditionPlan, VideoFacts } from '../protocol/plan.ts'
import { fraction, integer } from './commands/argument.ts'
import { weaveFilters } from './fields.ts'
import type { Size } from './ladder.ts'
import { fitting, type TimedShape } from './shapes.ts'

/** The size and bits per sample of a rendition. */
export type DeepSize = Size & Pick<RenditionPlan, 'bit_depth'>

/** The picture of a source and the sizes to make of it. */
export interface GraphJob {
  readonly video: VideoFacts
  /** Half-open range in ticks of `time_base`, the time base of ffmpeg's input. */
  readonly start_pts: number
  readonly end_pts: number
  readonly time_base: Rational
  readonly sizes: readonly DeepSize[]
  /** The shapes of the picture in this range where they change in the film; else none. */
  readonly shapes?: readonly TimedShape[]
  /** ffmpeg has turned the pictures upright already. */
  readonly isUpright?: boolean
}

/** Options of every `scale`: the same picture from every build and CPU level. */
export const EXACT = 'flags=bicubic+accurate_rnd+bitexact'

/** The filter graph, with one output pad `[o0]`, `[o1]` … for each size. */
export function filterGraph(job: GraphJob): string {
  const { video, start_pts, end_pts } = job
  const head = [
    // Deinterlacers may halve the time base in which trim counts. They run before trim, so that they see the frames before the chunk.
    ...(video.fields ? weaveFilters(video.top_field_first, job.time_base) : []),
    ...(video.interlaced ? ['bwdif=mode=send_frame', `settb=${fraction(job.time_base, '/')}`] : []),
    `trim=start_pts=${integer(start_pts)}:end_pts=${integer(end_pts)}`,
    `setpts=PTS-(${start_pts})`,
    ...withoutHdr,
    ...(job.isUpright ? [] : upright(video)),
    `split=${job.sizes.length}${job.sizes.map((_, at) => `[s${at}]`).join('')}`,
  ]
  return [`[0:v:0]${head.join(',')}`, ...job.sizes.map((size, at) => `[s${at}]${rendition(job, size)}[o${at}]`)].join(
    ';',
  )
}

/** Whether a rendition of these bits is HDR as its source is: 8 bits are too few for its curves, and are tone-mapped. */
export const keepsHdr = ({ hdr }: VideoFacts, bitDepth: number): boolean => hdr && bitDepth > 8

/** What a rendition of these bits says of its HDR beside the colour. */
export function keptHdr(video: VideoFacts, bitDepth: number): HdrData {
  const { mastering, light } = video
  return keepsHdr(video, bitDepth) ? { ...(mastering && { mastering }), ...(light && { light }) } : {}
}

/** The optional filters that a rendition of these bits needs of this picture: part of its class. */
export function filtersNeeded(video: VideoFacts, bitDepth: number): string[] {
  return [...(video.interlaced ? ['bwdif'] : []), ...(video.hdr && !keepsHdr(video, bitDepth) ? ['zscale'] : [])]
}

/**
 * What a result says of its HDR is explicit in the options of its encoder. From ffmpeg 8 on encoders write the HDR side data of frames into the stream and the file: mastering display, content
 * light level, HDR10+, Dolby Vision RPU and metadata, HDR Vivid, ambient viewing environment. As numbers of libavutil's `AVFrameSideDataType`,
 * because names of the last four are unknown to older builds.
 */
const withoutHdr = [11, 14, 17, 23, 24, 25, 26].map((type) => `sidedata=delete:type=${type}`)

/** The rotations of ffmpeg's autorotation, and those of matrices that also mirror. */
function upright({ rotation, mirrored }: VideoFacts): string[] {
  if (rotation === 90) return [`transpose=${mirrored ? 'cclock_flip' : 'clock'}`]
  if (rotation === 270) return [`transpose=${mirrored ? 'clock_flip' : 'cclock'}`]
  if (rotation === 180) return mirrored ? ['hflip'] : ['hflip', 'vflip']
  return mirrored ? ['vflip'] : []
}

function rendition({ video, shapes = [] }: GraphJob, frame: DeepSize): string {
  const { size, bars } = fitting(video, frame, shapes)
  const { bit_depth } = frame
  const picture = video.hdr && !keepsHdr(video, bit_depth) ? toneMapped(video, size) : plain(video, size, bit_depth)
  return [...picture, ...bars].join(',')
}

function plain(video: VideoFacts, size: string, bitDepth: number): string[] {
  const format = bitDepth === 8 ? 'format=yuv420p' : 'format=yuv420p10le'
  const color = outputColor(video, bitDepth)
  if (isRgb(video))
    return [`scale=${size}:out_color_matrix=${color.space}:out_range=tv:${EXACT}`, 'setsar=1', format, tags(color)]
  if (!isFull(video)) return [`scale=${size}:${EXACT}`, 'setsar=1', format, tags(color)]
  const limited = bitDepth === 8 ? LIMITED : LIMITED_10
  return [`scale=${size}:in_range=pc:out_range=pc:${EXACT}`, 'setsar=1', ...limited, tags(color)]
}

/**
 * Full range to limited by arithmetic on each sample: swscale's own conversion rounds otherwise from ffmpeg 8 on.
 * `mergeplanes` only renames the format; any other way from yuvj420p to yuv420p would convert once more.
 */
const LIMITED = [
  'format=yuvj420p',
  'lutyuv=y=16.5+val*219/255:u=128.5+(val-128)*224/255:v=128.5+(val-128)*224/255',
  'mergeplanes=map0s=0:map0p=0:map1s=0:map1p=1:map2s=0:map2p=2:format=yuv420p',
]
const LIMITED_10 = [
  'format=yuv420p10le',
  'lutyuv=y=64.5+val*876/1023:u=512.5+(val-512)*896/1023:v=512.5+(val-512)*896/1023',
]

/** Names that `setparams` knows and that do not depend on the build; anything else becomes `unknown`. */
const PRIMARIES = new Set([
  'bt709',
  'bt470m',
  'bt470bg',
  'smpte170m',
  'smpte240m',
  'film',
  'bt2020',
  'smpte428',
  'smpte431',
  'smpte432',
])
const TRANSFERS = new Set(
  ['bt709', 'bt470m', 'bt470bg', 'smpte170m', 'smpte240m', 'linear', 'iec61966-2-4', 'bt1361e', 'iec61966-2-1', 'bt2020-10', 'bt2020-12'],
) // biome-ignore format: a list of words
const SPACES = new Set(['bt709', 'fcc', 'bt470bg', 'smpte170m', 'smpte240m', 'ycgco', 'bt2020nc', 'bt2020c'])
const BT709: VideoFacts['color'] = { range: 'tv', primaries: 'bt709', transfer: 'bt709', space: 'bt709' }

const BT2020: VideoFacts['color'] = { range: 'tv', primaries: 'bt2020', transfer: 'smpte2084', space: 'bt2020nc' }

/**
 * The colour tags of a rendition of these bits. Tags that the source lacks stay absent: players then guess as before. HDR is BT.2020 where it
 * says nothing else.
 */
export function outputColor(video: VideoFacts, bitDepth: number): VideoFacts['color'] {
  if (keepsHdr(video, bitDepth)) {
    const { primaries, transfer, space } = video.color
    return {
      range: 'tv',
      primaries: PRIMARIES.has(primaries) ? primaries : BT2020.primaries,
      transfer,
      space: SPACES.has(space) ? space : BT2020.space,
    }
  }
  if (video.hdr) return BT709
  const { primaries, transfer, space } = video.color
  const known = (names: ReadonlySet<string>, name: string) => (names.has(name) ? name : 'unknown')
  return {
    range: isFull(video) || isRgb(video) || video.color.range === 'tv' ? 'tv' : 'unknown',
    primaries: known(PRIMARIES, primaries),
    transfer: known(TRANSFERS, transfer),
    space: isRgb(video) ? 'bt709' : known(SPACES, space),
  }
}

const isRgb = (video: VideoFacts): boolean =>
  video.color.space === 'gbr' || /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8)/.test(video.pixel_format)
const isFull = (video: VideoFacts): boolean => video.color.range === 'pc' || video.pixel_format.startsWith('yuvj')

const tags = ({ range, primaries, transfer, space }: VideoFacts['color']): string =>
  `setparams=color_primaries=${primaries}:color_trc=${transfer}:colorspace=${space}:range=${range}`

/** HDR10 and HLG to BT.709. Ends in swscale, not zscale, whose 8-bit output differs between builds. */
function toneMapped(video: VideoFacts, size: string): string[] {
  const transfer = video.color.transfer === 'arib-std-b67' ? 'arib-std-b67' : 'smpte2084'
  return [
    `scale=${size}:${EXACT}`, 'setsar=1',
    `setparams=color_primaries=bt2020:color_trc=${transfer}:colorspace=bt2020nc:range=tv`,
    'zscale=t=linear:npl=100', 'format=gbrpf32le', 'zscale=p=bt709', 'tonemap=tonemap=hable:desat=0', 'zscale=t=bt709',
    'format=gbrp16le', `scale=out_color_matrix=bt709:out_range=tv:${EXACT}`, 'format=yuv420p',
    tags(BT709),
  ] // biome-ignore format: groups
}
