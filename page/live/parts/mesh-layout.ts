/** Where the peers of a mesh stand in its picture. Pure. */

/** Width and height of the picture, in its own units: about pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}
export const WIDE: Size = { width: 720, height: 400 }
export const NARROW: Size = { width: 350, height: 380 }
/** More peers than these stand in rings, small and without names; up to so many a mesh is fully connected. */
export const [NAMED_MAX, CONNECTED_MAX] = [24, 30]
/** Rings lie at these shares of the largest one. */
const SHARES = [1, 0.8, 0.6, 0.4, 0.2]

/** A place, and how large a peer is there. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly r: number
}

/** The places of so many peers, from the top clockwise. */
export function placesOf(count: number, size: Size): Place[] {
  const { width, height } = size
  if (count === 1) return [{ x: width / 2, y: height / 2, r: 34 }]
  if (count <= NAMED_MAX) return ring(count, 1, Math.max(14, (width < WIDE.width ? 26 : 34) - count), size)
  // Each ring holds peers by its length, so that they stand equally close in all.
  const sum = SHARES.reduce((all, share) => all + share, 0)
  const r = Math.max(3.5, Math.min(10, 130 / Math.sqrt(count)))
  let left = count
  return SHARES.flatMap((share, at) => {
    const here = at === SHARES.length - 1 ? left : Math.min(left, Math.round((count * share) / sum))
    left -= here
    return ring(here, share, r, size)
  })
}

function ring(count: number, share: number, r: number, { width, height }: Size): Place[] {
  const [rx, ry] = [(width / 2 - Math.min(84, width / 7)) * share, (height / 2 - 62) * share]
  return Array.from({ length: count }, (_, at) => {
    const angle = (at / count) * 2 * Math.PI - Math.PI / 2
    return { x: width / 2 + rx * Math.cos(angle), y: height / 2 - 8 + ry * Math.sin(angle), r }
  })
}
