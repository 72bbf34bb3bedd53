/** What becomes of side data: what a container or codec says of a stream beside its samples. Pure. */
import type { Fate } from '../../protocol/plan.ts'
import { type Json, list, number, text } from './json.ts'
import { streamPart } from './parts.ts'
import type { Selection } from './selection.ts'
import { lineOf } from './text.ts'

type Outcome = Pick<Fate, 'fate' | 'note'>

const left = (note: string | null): Outcome => ({ fate: 'left_out', note })

/** HDR that changes from scene to scene, of a stream or a frame. */
const DYNAMIC: readonly (readonly [RegExp, () => Outcome])[] = [
  [
    /DOVI|Dolby Vision/,
    () => left('The Dolby Vision data of the picture are left out: the result is made of its base layer.'),
  ],
  [/HDR ?Vivid|CUVA/i, () => left('The dynamic HDR data of the picture (HDR Vivid) are left out.')],
  [/2094|HDR ?10\+/i, () => left('The dynamic HDR data of the picture (HDR10+) are left out.')],
]

/** The fates of dynamic HDR that the side data of a frame, as ffprobe prints them, hold. */
export const dynamicHdrFates = (sideData: string): Fate[] =>
  DYNAMIC.filter(([pattern]) => pattern.test(sideData)).map(([pattern, outcome]) => ({
    part: `dynamic HDR of the frames: ${pattern.source}`,
    ...outcome(),
  }))

/** What becomes of side data of the picture, by ffprobe's name for it. What is not here is left out, with a note. */
const PICTURE: readonly (readonly [RegExp, (data: Json) => Outcome])[] = [
  [/^Display Matrix$/, () => ({ fate: 'converted', note: null })],
  // Tone mapping has one note as a whole; the others are of the coded stream.
  [/^(?:Mastering disp|Content light)/i, () => ({ fate: 'converted', note: null })],
  [/^(?:Ambient view|CPB |Skip |MPEGTS|Producer|Quality|unknown)/i, () => left(null)],
  ...DYNAMIC,
  [/^Stereo 3D/i, stereo],
  [/^Spherical/i, spherical],
]

function stereo(data: Json): Outcome {
  const kind = lineOf(text(data['type']), 40) || 'stereoscopic'
  if (kind === '2D') return left(null)
  return left(`The picture is 3D (${kind}): it is encoded as it lies, and the result does not say that it is 3D.`)
}

function spherical(data: Json): Outcome {
  const kind = lineOf(text(data['projection']), 40) || 'spherical'
  return left(
    `The picture is a 360° video (${kind}): it is encoded as it lies, and the result does not say that it is.`,
  )
}

/** The fates of the side data of all streams; those of streams that are not encoded go with their stream. */
export function sideDataFates(streams: readonly Json[], selection: Selection): Fate[] {
  return [
    ...streams.flatMap((stream) => list(stream['side_data_list']).map((data) => fateOf(stream, data, selection))),
    ...views(selection.picture),
  ]
}

function fateOf(stream: Json, data: Json, { picture, pictures }: Selection): Fate {
  const kind = lineOf(text(data['side_data_type']), 80)
  const part = `side data ${kind} of ${streamPart(stream)}`
  if (pictures.includes(stream) && kind === 'Display Matrix') return { part, fate: 'kept', note: null }
  if (stream !== picture) return { part, ...left(null) }
  const [, outcomeOf] = PICTURE.find(([pattern]) => pattern.test(kind)) ?? []
  return {
    part,
    ...(outcomeOf?.(data) ??
      left(`The side data "${kind}" of the picture are left out: a result has no place for them.`)),
  }
}

/** Multi-view HEVC: ffmpeg decodes the base view alone. */
function views(picture: Json): Fate[] {
  const ids = text(picture['view_ids_available'])
    .split(',')
    .filter((id) => id !== '')
  if (ids.length < 2) return []
  const note = `The picture is 3D with ${ids.length} views: the result shows the base view.`
  return [{ part: `views of stream ${number(picture['index'])}`, fate: 'converted', note }]
}
