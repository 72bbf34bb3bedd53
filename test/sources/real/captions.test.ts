/** Closed captions in the picture (CEA-608/708 of ATSC A/53) stay in H.264, at their pictures; what cannot hold them has a note. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { DEFAULT_ENCODING, ladderOf } from '../../../protocol/recipe.ts'
import { withCaptions } from '../../../testing/sources/captions.ts'
import { captionedFrames } from '../../../testing/sources/measure.ts'
import { FAST_480P, picture, realCase, runOrCannot, X264 } from '../../../testing/sources/real.ts'

test('captions in the picture are kept in H.264, and a note says that HEVC lacks them', async (t) => {
  const film = await realCase(t)
  await film.make('bare.h264', [...picture({ size: '160x90', seconds: 9 }), ...X264, '-g', '50', '-bf', '0'])
  await film.write('captions.h264', withCaptions(await film.read('bare.h264')))
  const times = ['-bsf:v', 'setts=ts=N*3600:duration=3600:time_base=1/90000']
  const source = await film.make('film.ts', ['-r', '25', '-i', 'captions.h264', '-c', 'copy', ...times])
  assert.equal(await captionedFrames(source), 225)
  const [hevc] = ladderOf([480], { ...DEFAULT_ENCODING, codec: 'hevc', preset: 'ultrafast' })
  const renditions = [...FAST_480P.renditions, { ...hevc!, id: '480p-hevc' }]

  const result = await runOrCannot(film, source, { ...FAST_480P, renditions })
  if (result === null) return

  const { outputs, notes, plan } = result
  assert.equal(plan.chunks.length, 2)
  assert.equal(plan.cut_format, 'nut')
  for (const { rendition, path } of outputs) {
    assert.equal(await captionedFrames(path), rendition === '480p' ? 225 : 0, rendition)
    assert.ok(!(await readFile(path)).includes('x264 - core'), 'the encoder names its build')
  }
  assert.equal(outputs.length, 2)
  assert.deepEqual(notes.map((note) => /captions.*left out of 480p-hevc/.test(note)), [true]) // biome-ignore format: one line
})
