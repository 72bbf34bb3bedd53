/** How long the heads of slices are, by ffmpeg's own reader of them. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execa } from 'execa'
import { FFMPEG, ffmpeg } from '../film.test-support.ts'
import { readMp4 } from '../mp4.ts'
import { h264 } from './h264.ts'

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-slices-'))
})
after(() => rm(dir, { recursive: true }))

/** Bytes that the head of each slice begins in, as ffmpeg traces its fields. */
async function traced(file: string): Promise<number[]> {
  const { stderr } = await execa(FFMPEG, ['-i', file, '-c', 'copy', '-bsf:v', 'trace_headers', '-f', 'null', '-'])
  const ends: number[] = []
  let isSlice = false
  for (const line of stderr.split('\n')) {
    const [, said = ''] = /^\[trace_headers[^\]]*\] (.*)$/.exec(line) ?? []
    const [, at, bits] = /^(\d+) +\S.* ([01]+) = -?\d+$/.exec(said) ?? []
    if (said === 'Slice Header') ends.push(0)
    if (at === undefined) isSlice = said === 'Slice Header'
    else if (isSlice) ends[ends.length - 1] = Math.ceil((Number(at) + bits!.length) / 8)
  }
  return ends
}

/** What is read here of each slice of a file. */
async function read(file: string): Promise<number[]> {
  const [bytes, [track]] = await Promise.all([readFile(file), readMp4(file)])
  const heads = h264.sliceHeads(track!.configuration)
  return [...track!.offsets].flatMap((offset, at) => {
    const slices: number[] = []
    for (let from = offset; from < offset + track!.sizes[at]!; ) {
      const unit = bytes.subarray(from + 4, from + 4 + bytes.readUInt32BE(from))
      const head = heads(unit)
      if (head < unit.length) slices.push(head)
      from += 4 + unit.length
    }
    return slices
  })
}

const FORMS: Readonly<Record<string, readonly string[]>> = {
  'without arithmetic coding': ['-preset', 'ultrafast'],
  'of many references, with weights': ['-preset', 'slower', '-vf', 'fade=in:0:40'],
  'of several slices': ['-preset', 'veryfast', '-x264-params', 'slices=3'],
  interlaced: ['-preset', 'medium', '-flags', '+ildct+ilme'],
  'of the baseline profile': ['-profile:v', 'baseline'],
}

for (const [form, args] of Object.entries(FORMS))
  test(`the head of a slice is as long as ffmpeg reads it: ${form}`, async () => {
    const file = join(dir, `${form}.mp4`)
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x96:r=25:d=2', ...args, file)
    const expected = await traced(file)
    assert.ok(expected.length >= 50, `${expected.length}`)
    assert.deepEqual(await read(file), expected)
  })

test('a slice that cannot be read is refused, and a form that encoders here do not make', async () => {
  const file = join(dir, 'broken.mp4')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25:d=1', file)
  const [track] = await readMp4(file)
  const heads = h264.sliceHeads(track!.configuration)
  assert.throws(() => heads(Buffer.from([0x65, 0])), { code: 'verify_failed' })
  assert.equal(heads(Buffer.from([6, 5, 1, 0, 0x80])), 5, 'a unit that is no slice is clear')
  const twice = Buffer.concat([track!.configuration.subarray(0, 5), Buffer.from([0xe0, 0])])
  assert.throws(() => h264.sliceHeads(twice), { code: 'build_cannot' })
})
