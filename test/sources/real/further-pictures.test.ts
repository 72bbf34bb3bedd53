/** Pictures of a source beside the one that is encoded: copied into Matroska results, every picture at its time on the clock of the film. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pictures, probe } from '../../../testing/sources/measure.ts'
import { FAST_480P, picture, type RealCase, realCase, runOrCannot, X264 } from '../../../testing/sources/real.ts'

const MKV = { ...FAST_480P, packaging: 'mkv' } as const
const FRONT = { size: '160x90', seconds: 5 } as const
const REAR = { size: '80x60', of: 'testsrc' } as const
const TWO = ['-map', '0', '-map', '1', ...X264, '-bf', '2'] as const
const copiedNote = (said: string) => `Video track ${said} is copied into each result, not encoded.`

/** Asserts that the second picture of the result is stream `stream` of the source from its picture `from` on, at the same times after the film's first. */
async function assertCopied(
  source: string,
  output: string,
  { stream = 1, from = 0 }: { readonly stream?: number; readonly from?: number } = {},
): Promise<void> {
  const film = stream === 1 ? 0 : 1
  const [first, own, wanted] = [
    (await pictures(source, { stream: film, count: 1 }))[0]!,
    await pictures(output, { stream: 1 }),
    (await pictures(source, { stream })).slice(from),
  ]
  assert.deepEqual(own.map(({ checksum }) => checksum), wanted.map(({ checksum }) => checksum)) // biome-ignore format: short
  for (const [at, { at_s }] of wanted.entries())
    assert.ok(
      Math.abs(own[at]!.at_s - at_s + first.at_s) <= 0.00051,
      `${at}: ${own[at]!.at_s} for ${at_s - first.at_s}`,
    )
}

/** Makes a film of two pictures. `rear`: options of the second input; `more`: of the output. */
const twoPictures = (film: RealCase, name: string, of: { rear?: readonly string[]; more?: readonly string[] }) =>
  film.make(name, [...picture(FRONT), ...(of.rear ?? picture({ ...REAR, seconds: 5 })), ...TWO, ...(of.more ?? [])])

test('a picture that begins later, is turned, shorter and of another rate is there with its language, title and flags', async (t) => {
  const film = await realCase(t)
  const rear = ['-itsoffset', '1.1', ...picture({ ...REAR, seconds: 3, rate: '30000/1001' })]
  await twoPictures(film, 'flat.mp4', { rear })
  const source = await film.make('two.mp4', [
    '-i', 'flat.mp4', '-map', '0', '-c', 'copy', '-disposition:v:0', 'default', '-disposition:v:1', 'default+comment',
    '-metadata:s:v:1', 'language=swe', '-metadata:s:v:1', 'handler_name=Rear', '-metadata:s:v:1', 'rotate=90',
  ]) // biome-ignore format: groups
  const { output, notes } = await film.run(source, MKV)
  assert.deepEqual(notes, [copiedNote('1 (h264, 80×60, swe)')])
  await assertCopied(source, output)
  const [front, second, ...others] = (await probe(output)).streams
  assert.deepEqual(others, [])
  assert.deepEqual([front!.width, second!.width, second!.codec, second!.language], [160, 80, 'h264', 'swe'])
  // What ffmpeg 5.1 calls 90 degrees it writes as 270 clockwise.
  assert.deepEqual([second!.tags['title'], second!.rotation], ['Rear', 270])
  assert.deepEqual([front!.dispositions, second!.dispositions], [['default'], ['comment']])
  const plain = await film.run(source)
  assert.deepEqual(plain.notes, ['Video track 1 (h264, 80×60, swe) is left out: an MP4 result holds one picture.'])
})

test('a picture that goes on longer, in Matroska, is there to its end', async (t) => {
  const film = await realCase(t)
  const source = await twoPictures(film, 'long.mkv', { rear: picture({ ...REAR, seconds: 6 }) })
  const { output, notes } = await film.run(source, MKV)
  assert.deepEqual(notes, [copiedNote('1 (h264, 80×60)')])
  await assertCopied(source, output)
  assert.ok(Math.abs((await probe(output)).duration_s - 6) < 0.002)
})

test('in a film whose beginning was trimmed a picture begins with its first keyframe', async (t) => {
  const film = await realCase(t)
  const gops = ['-g:v:0', '25', '-g:v:1', '40', '-sc_threshold', '0']
  await twoPictures(film, 'whole.mp4', { more: gops })
  const source = await film.make('trimmed.mp4', ['-ss', '1.3', '-i', 'whole.mp4', '-map', '0', '-c', 'copy'])
  const { output, notes } = await film.run(source, MKV)
  const all = (await pictures(source, { stream: 1 })).length
  const lost = all - (await pictures(output, { stream: 1 })).length
  assert.deepEqual(notes, [
    copiedNote('1 (h264, 80×60)'),
    `Video track 1 (h264): ${lost} pictures are left out, which lie before the film or are hidden by an edit list, or cannot be decoded without such.`,
  ])
  // From the edit at 1.3 s to its keyframe at 1.6 s.
  assert.equal(lost, 7)
  await assertCopied(source, output, { from: lost })
})

test('HEVC beside MPEG-2 in a transport stream is there, and a picture of another programme is not', async (t) => {
  const film = await realCase(t)
  const inputs = [...picture(FRONT), ...picture({ ...REAR, seconds: 6 }), '-map', '0', '-map', '1', '-bf', '2']
  const codecs = ['-c:v:0', 'mpeg2video', '-c:v:1', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none']
  const one = await film.make('one.ts', [...inputs, ...codecs])
  const done = await runOrCannot(film, one, MKV)
  if (done === null) return
  assert.deepEqual(done.notes, [copiedNote('1 (hevc, 80×60)')])
  await assertCopied(one, done.output)
  const programmes = ['-program', 'title=One:st=0', '-program', 'title=Two:st=1']
  const two = await film.make('two.ts', ['-i', 'one.ts', '-map', '0', '-c', 'copy', ...programmes])
  const { notes } = await film.run(two, MKV)
  assert.deepEqual(notes, [
    'Video track 1 (hevc, 80×60) is left out: the picture of the result is of another programme.',
  ])
})
