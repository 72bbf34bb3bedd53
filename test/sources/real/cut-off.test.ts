/** A source that was cut off has a note with numbers, and is refused when that is asked; a whole one is not called cut off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAST_480P, picture, realCase, refusal, tone, X264 } from '../../../testing/sources/real.ts'

const FILM = [...picture({ size: '160x90', seconds: 12 }), ...tone({ seconds: 12 }), ...X264, '-g', '50', '-c:a', 'aac']

for (const [name, args] of Object.entries({ 'film.mkv': [], 'film.mp4': ['-movflags', '+faststart'] })) {
  test(`${name} with 60 % of its bytes says how much of it is there`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(name, [...FILM, ...args])
    await film.cutShort(name, 0.6)
    const { notes } = await film.run(source)
    const frames = name === 'film.mp4' ? String.raw` \(1\d\d of 300 frames\)` : ''
    assert.equal(notes.length, 1, notes.join('\n'))
    assert.match(notes[0] ?? '', new RegExp(`^The file was cut off: [67]\\.\\d of 12\\.0 s are there${frames}\\.$`))
    const strict = film.run(source, { ...FAST_480P, strict: true })
    assert.match(
      await refusal(strict),
      /film\.\w+" is refused\. The file was cut off: .* --strict takes whole files only\.$/,
    )
  })
}
