/** Closed captions for tests: puts an SEI with CEA-608 data before every picture of an H.264 stream with start codes (Annex B). */

/** Two bytes of captions for each picture, in the order of the stream: its number, as a player need not show it. */
export function withCaptions(stream: Buffer): Buffer {
  const parts: Buffer[] = []
  let [from, number] = [0, 0]
  for (let at = stream.indexOf(START); at >= 0; at = stream.indexOf(START, at + START.length)) {
    const [type = 0, slice = 0] = stream.subarray(at + START.length)
    // The first slice of a picture: its first macroblock is number 0, one bit that is set.
    if (![1, 5].includes(type & 31) || (slice & 0x80) === 0) continue
    parts.push(stream.subarray(from, at), captionsOf(number++))
    from = at
  }
  return Buffer.concat([...parts, stream.subarray(from)])
}

const START = Buffer.from([0, 0, 1])

/** ATSC A/53: user data of ITU-T T.35 (country, provider, GA94), cc_data with one pair of field 1. No byte pair needs an escape. */
function captionsOf(number: number): Buffer {
  const data = [0x41, 0xff, 0xfc, 0x20 + (number % 90), 0x20 + Math.floor(number / 90), 0xff]
  const payload = [0xb5, 0x00, 0x31, ...Buffer.from('GA94'), 0x03, ...data]
  return Buffer.from([...START, 6, 4, payload.length, ...payload, 0x80])
}
