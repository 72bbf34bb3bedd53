/**
 * What the edit lists of an MP4 or QuickTime file ask for and ffmpeg does not do: a pause in the middle, another speed, a picture that stands.
 * ffmpeg follows cuts and a late start; a pause it fills with film from before, and speeds it ignores. ISO/IEC 14496-12, 8.6.6.
 */
import type { Fate } from '../protocol/plan.ts'
import { bodiesAt, type boxesOf, handlerOf } from './boxes.ts'

/** What becomes of the edit lists of a file whose format (ffmpeg's name) has them; nothing where all are followed. */
export async function editListFates(boxes: ReturnType<typeof boxesOf>, format: string): Promise<Fate[]> {
  if (!format.split(',').includes('mp4')) return []
  try {
    return fatesOf((await boxes()).moov)
  } catch (error) {
    // A field beyond the end of its box: ffmpeg does not follow such a list either.
    if (error instanceof RangeError) return []
    throw error
  }
}

const TRACKS: Readonly<Record<string, string>> = { vide: 'picture', soun: 'sound' }

function fatesOf(moov: Buffer): Fate[] {
  const [mvhd] = bodiesAt(moov, 'mvhd')
  const scale = mvhd ? mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12) : 0
  if (scale === 0) return []
  return bodiesAt(moov, 'trak').flatMap((trak, at) => {
    const kind = TRACKS[handlerOf(trak) ?? '']
    const [elst] = bodiesAt(trak, 'edts/elst')
    if (kind === undefined || elst === undefined) return []
    const asked = askedBy(editsOf(elst, scale))
    if (asked.length === 0) return []
    const note = `The edit list of the ${kind} (track ${at}) asks for ${asked.join(' and ')}, which is not followed: ${INSTEAD}.`
    return [{ part: `edit list of track ${at}`, fate: 'left_out', note } satisfies Fate]
  })
}

const INSTEAD = 'the film goes on at its own speed, and a pause shows film from before again'

/** One edit. */
export interface Edit {
  readonly seconds: number
  readonly isEmpty: boolean
  /** 1 is the film's own speed; 0 a picture that stands. */
  readonly rate: number
}

/** More edits than an editing program writes. */
const EDITS_MAX = 100_000

/** The edits of an `elst` box; `scale`: ticks of the movie in a second. Throws `RangeError` where it is cut off. Pure. */
export function editsOf(elst: Buffer, scale: number): Edit[] {
  const isLong = elst[0] === 1
  const count = Math.min(elst.readUInt32BE(4), EDITS_MAX)
  return Array.from({ length: count }, (_, number) => {
    const at = 8 + number * (isLong ? 20 : 12)
    const length = isLong ? Number(elst.readBigUInt64BE(at)) : elst.readUInt32BE(at)
    const start = isLong ? Number(elst.readBigInt64BE(at + 8)) : elst.readInt32BE(at + 4)
    return { seconds: length / scale, isEmpty: start === -1, rate: elst.readInt32BE(at + (isLong ? 16 : 8)) / 65_536 }
  })
}

/** What these edits ask for that is not done, as parts of a sentence. Pure. */
export function askedBy(edits: readonly Edit[]): string[] {
  const asked: string[] = []
  let at_s = 0
  let hasBegun = false
  for (const { seconds, isEmpty, rate } of edits) {
    const since = `of ${seconds.toFixed(1)} s at ${at_s.toFixed(1)} s`
    if (isEmpty && hasBegun && seconds > 0) asked.push(`a pause ${since}`)
    else if (!isEmpty && rate === 0) asked.push(`a still picture ${since}`)
    else if (!isEmpty && rate !== 1) asked.push(`${Number(rate.toFixed(2))} times the speed for ${since.slice(3)}`)
    hasBegun ||= !isEmpty
    at_s += seconds
  }
  // A pause at the end changes nothing.
  const last = edits.at(-1)
  if (last?.isEmpty && hasBegun && last.seconds > 0) asked.pop()
  return asked.length > 4 ? [...asked.slice(0, 3), `${asked.length - 3} more such changes`] : asked
}
