/** The level and the HDR data in sequence headers and keyframes, bit by bit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amendAv1 } from './av1-headers.ts'

const bytes = (text: string): Buffer => Buffer.from(text.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
const obu = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type * 8 + 2, payload.length]), payload])
const job = (height: number, fps: number) => ({ width: (height * 16) / 9, height, fps: [fps, 1] as const, hdr: {} })

/** 24 bits, a level with its tier from 8 on, and what follows, ended by a 1. */
const header = (level: number, rest: string): Buffer => {
  const text = `${'0'.repeat(24)}${level.toString(2).padStart(5, '0')}${level < 8 ? '' : '0'}${rest}1`
  return bytes(text.padEnd(8 * Math.ceil(text.length / 8), '0'))
}

test('a sequence header gets the level of its picture and rate, and keeps all other bits, whatever that makes of its length', () => {
  for (const rest of ['', '1', '10101', '0110011', '1110001110', '10'.repeat(40)])
    for (const [of, was, level] of [
      [job(720, 30), 5, 5],
      [job(720, 50), 5, 8],
      [job(1080, 60), 8, 9],
      [job(2160, 60), 12, 13],
      [job(180, 25), 8, 0],
    ] as const) {
      const { keyframe, record } = amendAv1(of)
      const frame = obu(6, Buffer.from('frame'))
      assert.deepEqual(
        keyframe(Buffer.concat([obu(1, header(was, rest)), frame])),
        Buffer.concat([obu(1, header(level, rest)), frame]),
        `${rest} ${level}`,
      )
      const before = Buffer.concat([Buffer.from([0x81, was, 0x4c, 0]), obu(1, header(was, rest))])
      assert.deepEqual(
        record(before),
        Buffer.concat([Buffer.from([0x81, level, 0x4c, 0]), obu(1, header(level, rest))]),
      )
    }
})

test('HDR data stand behind the sequence header of a keyframe, in the units of AV1', () => {
  const hdr = {
    mastering: { red: [34_000, 16_000], green: [13_250, 34_500], blue: [7_500, 3_000], white: [15_635, 16_450], luminance: [10_000_000, 1] },
    light: { pixel: 1_000, frame: 400 },
  } as const // biome-ignore format: a record
  const { keyframe, record } = amendAv1({ ...job(720, 30), hdr })
  const [head, frame] = [obu(1, header(5, '1')), obu(6, Buffer.from('frame'))]
  const light = Buffer.from('2a0601' + '03e8' + '0190' + '80', 'hex')
  const mastering = Buffer.from(
    '2a1a02' + 'ae14' + '51ec' + '43d7' + 'b0a4' + '2666' + '0f5c' + '500d' + '5439' + '0003e800' + '00000002' + '80',
    'hex',
  )
  assert.deepEqual(keyframe(Buffer.concat([head, frame])), Buffer.concat([head, light, mastering, frame]))
  assert.deepEqual(
    record(Buffer.concat([Buffer.from([0x81, 5, 0x4c, 0]), head])).subarray(4),
    head,
    'the record has none',
  )
})

test('what libaom does not write is refused', () => {
  const { keyframe } = amendAv1(job(720, 30))
  for (const wrong of ['0a0100', '0a05001000002a', '0a7f', '08'])
    assert.throws(() => keyframe(Buffer.from(wrong, 'hex')), RangeError, wrong)
})
