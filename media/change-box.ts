/** Changes one box deep within others. Pure. */
import { type Box, children } from './mp4.ts'
import { box } from './package/box.ts'

/** The bytes of a box that was read. */
export const whole = ({ type, body }: Box): Buffer => box(type, body)

/** A body with the boxes at this path changed, all others as they are. Throws `Mp4Broken`. */
export function changedBox(
  body: Buffer,
  [type, ...inner]: readonly string[],
  change: (body: Buffer) => Buffer,
): Buffer {
  if (type === undefined) return change(body)
  return Buffer.concat(
    children(body).map((each) => (each.type === type ? box(type, changedBox(each.body, inner, change)) : whole(each))),
  )
}
