/** The facts of a video stream: size, aspect, orientation, fields, colour. Pure. */
import { PICTURE_SIDE_MAX } from '../../protocol/limits.ts'
import type { FurtherPicture, VideoFacts } from '../../protocol/plan.ts'
import { hdrData } from '../hdr-data.ts'
import { depthOf } from '../pixel-format.ts'
import { parseRational } from '../rational.ts'
import { type Json, list, name, number, object, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

const HDR_TRANSFERS = new Set(['smpte2084', 'arib-std-b67'])

/** Whether a video stream is a picture that goes with the film: cover art, or thumbnails. */
export const isPicture = (stream: Json): boolean => {
  const disposition = object(stream['disposition'])
  return number(disposition['attached_pic']) === 1 || number(disposition['timed_thumbnails']) === 1
}

/** The facts of a video stream, or null where ffmpeg cannot identify it (no size or no known codec). */
export function videoFacts(stream: Json): VideoFacts | null {
  const [width, height] = [number(stream['width']), number(stream['height'])]
  const codec = text(stream['codec_name'])
  if (
    !(width > 0 && height > 0 && width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX) ||
    codec === '' ||
    codec === 'unknown'
  )
    return null
  const pixel_format = text(stream['pix_fmt'])
  const fieldOrder = text(stream['field_order'])
  const transfer = name(stream['color_transfer'])
  return {
    stream: number(stream['index']),
    codec,
    profile: text(stream['profile']).slice(0, 80),
    pixel_format,
    bit_depth: depthOf(pixel_format),
    width,
    height,
    sample_aspect: aspect(stream),
    ...orientation(stream),
    interlaced: ['tt', 'bb', 'tb', 'bt'].includes(fieldOrder),
    top_field_first: fieldOrder !== 'bb' && fieldOrder !== 'bt',
    color: {
      range: name(stream['color_range']),
      primaries: name(stream['color_primaries']),
      transfer,
      space: name(stream['color_space']),
    },
    hdr: HDR_TRANSFERS.has(transfer),
    ...(HDR_TRANSFERS.has(transfer) && hdrData(sideDataText(stream))),
  }
}

/** The facts of a picture that is not encoded. It has no default flag: that is the picture of the results. */
export const furtherPicture = (stream: Json): FurtherPicture => ({
  stream: number(stream['index']),
  codec: text(stream['codec_name']),
  language: languageOf(stream).code,
  title: title(stream),
  flags: flagsOf(stream).filter((flag) => flag !== 'default'),
  ...orientation(stream),
})

const sideDataText = (stream: Json): string =>
  list(stream['side_data_list'])
    .flatMap((data) => Object.entries(data).map(([key, value]) => `${key}=${value}`))
    .join('|')

/** The sample aspect ratio; beyond 10:1 or 1:10 the header is broken, and pixels count as square. */
function aspect(stream: Json): readonly [number, number] {
  const ratio = parseRational(text(stream['sample_aspect_ratio']))
  return ratio && ratio[0] <= ratio[1] * 10 && ratio[1] <= ratio[0] * 10 ? ratio : [1, 1]
}

/** The display matrix: ffprobe prints it row by row in 16.16 fixed point, and its angle counter-clockwise. */
function orientation(stream: Json): Pick<VideoFacts, 'rotation' | 'mirrored'> {
  const side = list(stream['side_data_list']).find((entry) => entry['displaymatrix'] !== undefined)
  if (!side) return { rotation: 0, mirrored: false }
  const rows = text(side['displaymatrix'])
    .split('\n')
    .filter((row) => row.includes(':'))
  const cells = rows.map((row) =>
    row
      .slice(row.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .map(Number),
  )
  const [a = 1, b = 0] = cells[0] ?? []
  const [c = 0, d = 1] = cells[1] ?? []
  const clockwise = (((Math.round(-number(side['rotation']) / 90) * 90) % 360) + 360) % 360
  const rotation = clockwise === 90 || clockwise === 180 || clockwise === 270 ? clockwise : 0
  return { rotation, mirrored: a * d - b * c < 0 }
}
