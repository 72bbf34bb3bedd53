/** What a source says of its HDR beside the samples, read from what ffprobe prints of the side data of a stream or a frame. Pure. */
import { type ContentLight, HDR_MAX, type HdrData, type Mastering } from '../protocol/hdr.ts'

/** ffprobe's names of what is read of a side datum. */
export const HDR_ENTRIES =
  'red_x,red_y,green_x,green_y,blue_x,blue_y,white_point_x,white_point_y,min_luminance,max_luminance,max_content,max_average'

/** Parts of 1 and of 1 cd/m² in which `Mastering` counts. */
const CHROMA_PARTS = 50_000
const LUMINANCE_PARTS = 10_000

/** Reads `name=value` pairs, separated by `|` or on lines of their own, with any prefix. What makes no sense counts as not said. */
export function hdrData(text: string): HdrData {
  const values = new Map(
    text.split(/[|\n]/).map((pair) => {
      const [name = '', value = ''] = pair.split('=')
      return [name.slice(name.lastIndexOf(':') + 1), value] as const
    }),
  )
  const [mastering, light] = [masteringOf(values), lightOf(values)]
  return { ...(mastering && { mastering }), ...(light && { light }) }
}

type Values = ReadonlyMap<string, string>

function masteringOf(values: Values): Mastering | null {
  const point = (name: string) =>
    [partsOf(values.get(`${name}_x`), CHROMA_PARTS), partsOf(values.get(`${name}_y`), CHROMA_PARTS)] as const
  const points = { red: point('red'), green: point('green'), blue: point('blue'), white: point('white_point') }
  const [most, least] = [values.get('max_luminance'), values.get('min_luminance')].map((value) =>
    partsOf(value, LUMINANCE_PARTS),
  ) as [number, number]
  const areChroma = Object.values(points).every((pair) => pair.every((part) => part > 0 && part <= HDR_MAX.chroma))
  return areChroma && most <= HDR_MAX.luminance && most > least ? { ...points, luminance: [most, least] } : null
}

/** A fraction such as `34000/50000` in so many parts of 1, to the nearest; NaN where it is none. */
function partsOf(fraction: string | undefined, parts: number): number {
  const match = /^(\d{1,15})\/([1-9]\d{0,14})$/.exec(fraction ?? '')
  return match ? Math.round((Number(match[1]) * parts) / Number(match[2])) : Number.NaN
}

function lightOf(values: Values): ContentLight | null {
  const [pixel, frame] = ['max_content', 'max_average'].map((name) =>
    /^\d{1,5}$/.test(values.get(name) ?? '') ? Number(values.get(name)) : Number.NaN,
  ) as [number, number]
  return pixel <= HDR_MAX.light && frame <= HDR_MAX.light && pixel + frame > 0 ? { pixel, frame } : null
}
