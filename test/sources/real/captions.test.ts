/** Closed captions in the picture (CEA-608/708 of ATSC A/53) stay in the results, at their pictures. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { withCaptions } from '../../../testing/sources/captions.ts'
import { captionedFrames } from '../../../testing/sources/measure.ts'
import { FAST_480P, picture, realCase, X264 } from '../../../testing/sources/real.ts'

for (const codec of ['h264', 'hevc']) {
  test(`captions in the picture are kept in H.264, or have a note: ${codec}`, async (t) => {
    const film = await realCase(t)
    await film.make('bare.h264', [...picture({ size: '160x90', seconds: 9 }), ...X264, '-g', '50', '-bf', '0'])
    await film.write('captions.h264', withCaptions(await film.read('bare.h264')))
    const times = ['-bsf:v', 'setts=ts=N*3600:duration=3600:time_base=1/90000']
    const source = await film.make('film.ts', ['-r', '25', '-i', 'captions.h264', '-c', 'copy', ...times])
    assert.equal(await captionedFrames(source), 225)

    const renditions = FAST_480P.renditions.map((rendition) => ({ ...rendition, codec }))
    const { output, notes, plan } = await film.run(source, { ...FAST_480P, renditions })

    assert.equal(plan.chunks.length, 2)
    assert.equal(await captionedFrames(output), codec === 'h264' ? 225 : 0)
    assert.equal(notes.some((note) => /captions.*left out of 480p/.test(note)), codec === 'hevc') // biome-ignore format: one line
    assert.ok(!(await readFile(output)).includes('x264 - core'), 'the encoder names its build')
  })
}
