/** An ordinary film is right in everything that these tests can measure; a cut-off one and a text are seen to be none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  captionedFrames,
  frameTimes,
  meanYuv,
  pictures,
  probe,
  sounds,
  subtitles,
} from '../../../testing/sources/measure.ts'
import {
  assertAlike,
  picture,
  realCase,
  refusal,
  tone,
  toneLevels,
  tones,
  X264,
} from '../../../testing/sources/real.ts'
import { runFilms } from '../../../testing/sources/real-run.ts'

const CHAPTERS = ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=4000\ntitle=All\n'

test('a film with 5.1 sound, subtitles and a chapter comes out whole', async (t) => {
  const film = await realCase(t)
  await film.write('lines.srt', '1\n00:00:01,000 --> 00:00:02,500\nHello\n')
  await film.write('chapters.txt', CHAPTERS)
  const inputs = [...picture(), ...tones('5.1', 6), '-i', 'lines.srt', '-i', 'chapters.txt']
  const maps = ['-map', '0', '-map', '1', '-map', '2', '-map_chapters', '3', '-metadata:s:a:0', 'language=fre']
  const source = await film.make('film.mp4', [...inputs, ...maps, ...X264, '-c:a', 'aac', '-c:s', 'mov_text'])

  const { output, notes, plan } = await film.run(source)

  assert.deepEqual(notes, [])
  assert.equal(plan.chunks.length, 1)
  assert.equal(plan.cut_format, 'none')
  assert.deepEqual(
    await frameTimes(output),
    Array.from({ length: 100 }, (_, at) => at / 25),
  )
  const shown = await pictures(output)
  assert.notEqual(shown.at(0)?.checksum, shown.at(-1)?.checksum)
  const [got, wanted] = [await meanYuv(output), await meanYuv(source)]
  for (const plane of ['y', 'u', 'v'] as const) assert.ok(Math.abs(got[plane] - wanted[plane]) < 1)
  await assertAlike(output, source, { pictures: 100 })

  const [sound] = await sounds(output)
  assert.equal(sound?.layout, '5.1')
  assert.equal(sound?.language, 'fra')
  assert.ok(Math.abs((sound?.samples ?? 0) - 4 * 48_000) <= 1024)
  for (const [channel, level] of toneLevels(6).entries()) {
    // The fourth is the LFE, which an encoder filters.
    if (channel !== 3) assert.ok(Math.abs((sound?.levels[channel] ?? 0) - level) < 0.5, `channel ${channel}`)
  }
  assert.deepEqual(await subtitles(output), [[{ start_s: 1, end_s: 2.5, text: 'Hello' }]])
  const { chapters, streams } = await probe(output)
  assert.deepEqual(chapters, [{ title: 'All', start_s: 0, end_s: 4 }])
  for (const type of ['video', 'audio']) {
    assert.deepEqual(streams.find((stream) => stream.type === type)?.dispositions, ['default'], type)
  }
  assert.equal(await captionedFrames(output), 0)
})

test('a file without a picture is refused with a sentence', async (t) => {
  const film = await realCase(t)
  const source = await film.make('sound.m4a', tone())
  assert.match(await refusal(film.run(source)), /sound\.m4a/)
})

test('the command line delivers the same film', async (t) => {
  const film = await realCase(t)
  const source = await film.make('film.mp4', [...picture({ seconds: 1 }), ...tone({ seconds: 1 }), ...X264])
  const { code, delivered, failures } = await runFilms([source], film)
  assert.equal(code, 0)
  assert.deepEqual(failures, [])
  const { outputs, notes } = delivered.get('film') ?? { outputs: [], notes: null }
  assert.deepEqual(notes, [])
  assert.equal((await frameTimes(outputs[0] ?? '')).length, 25)
})

test('bytes are joined, cut short and overwritten', async (t) => {
  const film = await realCase(t)
  await film.write('a', 'moovtrakmoov')
  await film.patch('a', { from: 'moov', to: 'free', which: 1 })
  await film.join('b', ['a', 'a'])
  assert.equal((await film.read('b')).toString(), 'moovtrakfreemoovtrakfree')
  await film.cutShort('b', 0.5)
  assert.equal((await film.read('b')).toString(), 'moovtrakfree')
})
