/** Subtitles and chapters of real files: shown when they are due, cut to the film, with a note where they lose something; none fails a film. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMp4 } from '../../../media/mp4.ts'
import { pictures, probe, subtitles } from '../../../testing/sources/measure.ts'
import { picture, type RealCase, realCase, tone, X264 } from '../../../testing/sources/real.ts'

const AAC = ['-c:a', 'aac']
const time = (seconds: number) =>
  `${new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23).replace('.', ',')}`
const srt = (...events: readonly (readonly [number, number, string])[]) =>
  events.map(([start, end, text], at) => `${at + 1}\n${time(start)} --> ${time(end)}\n${text}\n\n`).join('')
const ass = (...events: readonly string[]) => `[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${events.map((event) => `Dialogue: 0,${event.replace(/^([^,]*),([^,]*),/, '$1,$2,Default,,0,0,0,,')}`).join('\n')}
`
const chapters = (...list: readonly (readonly [number, number, string])[]) =>
  `;FFMETADATA1\n${list.map(([start, end, title]) => `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${start * 1000}\nEND=${end * 1000}\ntitle=${title}\n`).join('')}`

const PICTURE = picture({ size: '160x90' })

/** A silent film of 4 s from 0 on, with these files as subtitles or chapters, stream by stream. */
async function filmWith(film: RealCase, name: string, texts: readonly string[], more: readonly string[] = []) {
  const inputs = texts.flatMap((text) => ['-i', text])
  const maps = texts.flatMap((_, at) => ['-map', String(at + 1)])
  return film.make(name, [...PICTURE, ...inputs, '-map', '0', ...maps, ...X264, ...more])
}

/** The samples of text tracks by the boxes of the file: start and end, ms, and whether there is text in it. */
async function boxes(file: string) {
  return (await readMp4(file))
    .filter(({ entry }) => entry === 'tx3g')
    .map(({ times, sizes, duration, timescale }) => {
      const ms = (ticks: number) => Math.round((ticks * 1000) / timescale)
      const all = [...times].map((start, at) => [ms(start), ms(times[at + 1] ?? duration), sizes[at]! > 2] as const)
      // Some builds end a track with an empty sample of no length.
      return all.filter(([start, end]) => end > start)
    })
}

/** The texts as ffmpeg exports them: start, end, s, and text without marks. */
const shown = async (file: string) =>
  (await subtitles(file)).map((cues) =>
    cues.map(({ start_s, end_s, text }) => [start_s, end_s, text.replace(/<[^>]*>/g, '')]),
  )

const chaptersOf = async (file: string) => (await probe(file)).chapters.map(({ start_s, title }) => [start_s, title])

test('texts keep their distance to the picture where the film does not begin at 0, and those before it are dropped', async (t) => {
  const film = await realCase(t)
  await film.write('s.srt', srt([0.5, 2, 'Early'], [4, 5, 'Later']))
  const late = ['-itsoffset', '3']
  const source = await film.make('film.mkv', [
    ...late, ...PICTURE, ...late, ...tone(), '-i', 's.srt', '-map', '0', '-map', '1', '-map', '2', ...X264, ...AAC, '-c:s', 'srt',
  ]) // biome-ignore format: groups

  const { output, notes } = await film.run(source)

  const [first] = await pictures(output)
  const [track] = await shown(output)
  assert.equal(track?.length, 1)
  assert.ok(Math.abs((track?.[0]?.[0] as number) - first!.at_s - 1) < 0.03, `${track}`)
  assert.ok(Math.abs((track?.[0]?.[1] as number) - first!.at_s - 2) < 0.03, `${track}`)
  assert.deepEqual(notes, ['Subtitle track 2 (subrip): texts outside of the film are left out (1 of 2).'])
})

test('a text of ten hours ends with the film, one after the end is dropped, and the file is as long as its picture', async (t) => {
  const film = await realCase(t)
  await film.write('s.srt', srt([0.5, 36_000 - 1, 'Long'], [30, 32, 'After']))
  const source = await filmWith(film, 'film.mkv', ['s.srt'], ['-c:s', 'srt'])

  const { output, notes } = await film.run(source)

  assert.deepEqual(await boxes(output), [[[0, 500, false], [500, 4_000, true]]]) // biome-ignore format: samples
  assert.deepEqual(await shown(output), [[[0.5, 4, 'Long']]])
  assert.equal((await probe(output)).duration_s, 4)
  assert.deepEqual(notes, ['Subtitle track 1 (subrip): texts outside of the film are left out (1 of 2).'])
})

test('texts that are due at the same time are shown together, and what has no length or is drawn is not', async (t) => {
  const film = await realCase(t)
  await film.write(
    's.ass',
    ass(
      '0:00:01.00,0:00:03.00,Lower {\\b1}bold{\\b0} {\\c&HFF&}red',
      '0:00:01.50,0:00:02.50,{\\an8}Upper',
      '0:00:02.00,0:00:02.00,Never',
      '0:00:03.20,0:00:03.80,{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}',
    ),
  )
  const source = await filmWith(film, 'film.mkv', ['s.ass'], ['-c:s', 'copy'])

  const { output, notes } = await film.run(source)

  const lower = 'Lower bold red'
  assert.deepEqual(await boxes(output), [
    [[0, 1_000, false], [1_000, 1_500, true], [1_500, 2_500, true], [2_500, 3_000, true], [3_000, 4_000, false]],
  ]) // biome-ignore format: samples
  assert.deepEqual(await shown(output), [[[1, 1.5, lower], [1.5, 2.5, `Upper\n${lower}`], [2.5, 3, lower]]]) // biome-ignore format: texts
  const [marked] = await subtitles(output)
  assert.match(marked?.[0]?.text ?? '', /<b>bold<\/b>.*<font color="#ff0000">red/)
  assert.deepEqual(notes, ['Subtitle track 1 (ass): drawings and positions are lost.'])
})

test('chapters end with the film; those without length or after the end are left out', async (t) => {
  const film = await realCase(t)
  await film.write(
    'c.txt',
    chapters([0, 1, 'one'], [1, 1, 'zero'], [2.5, 60, 'long'], [30, 31, 'after'], [86_399, 86_400, 'far']),
  )
  const source = await film.make('film.mkv', [...PICTURE, '-i', 'c.txt', '-map_chapters', '1', ...X264])

  const { output, notes } = await film.run(source)

  assert.deepEqual(await chaptersOf(output), [[0, 'one'], [1, ''], [2.5, 'long']]) // biome-ignore format: chapters
  assert.equal((await probe(output)).duration_s, 4)
  assert.deepEqual(notes, ['Chapters without length or outside of the film are left out (3 of 5).'])
})

test('a late first chapter and a hole stay where they are', async (t) => {
  const film = await realCase(t)
  await film.write('c.txt', chapters([2, 2.5, 'two'], [3, 3.6, 'four']))
  const source = await film.make('film.mkv', [...PICTURE, '-i', 'c.txt', '-map_chapters', '1', ...X264])

  const { output, notes } = await film.run(source)

  assert.deepEqual(await chaptersOf(output), [[0, ''], [2, 'two'], [2.5, ''], [3, 'four']]) // biome-ignore format: chapters
  assert.deepEqual(notes, [])
})

test('chapters in an order of their own are sorted by time, none is lost, and a note names the order', async (t) => {
  const film = await realCase(t)
  await film.write('c.txt', chapters([2, 4, 'B'], [0, 1, 'A']))
  await film.make('film.mkv', [...PICTURE, '-i', 'c.txt', '-map_chapters', '1', ...X264])
  // The flag of a default edition becomes that of an ordered one.
  const source = await film.patch('film.mkv', { from: '\x45\xdb\x81\x01', to: '\x45\xdd\x81\x01' })

  const { output, notes } = await film.run(source)

  assert.deepEqual(await chaptersOf(output), [[0, 'A'], [1, ''], [2, 'B']]) // biome-ignore format: chapters
  assert.match(
    notes.join('\n'),
    /^The chapters of the source are to be played in an order of their own \(ordered edition\)/,
  )
})

test('WebVTT under a name that no ffmpeg knows comes along', async (t) => {
  const film = await realCase(t)
  await film.write(
    's.vtt',
    'WEBVTT\n\n00:00.000 --> 00:01.234\nThe <b>first</b> &amp; best\n\n00:02.000 --> 00:03.000\nSecond\n',
  )
  await filmWith(film, 'film.mkv', ['s.vtt'], ['-c:s', 'webvtt', '-metadata:s:s:0', 'language=eng'])
  const source = await film.patch('film.mkv', { from: 'D_WEBVTT/SUBTITLES', to: 'S_TEXT/WEBVTT\0\0\0\0\0' })

  const { output, notes } = await film.run(source)

  assert.deepEqual(await shown(output), [[[0, 1.234, 'The first & best'], [2, 3, 'Second']]]) // biome-ignore format: texts
  assert.deepEqual(notes, [])
})

test('texts in older encodings are read by the language of their track', async (t) => {
  const film = await realCase(t)
  const latin = Buffer.from(srt([1, 2, 'Caf\xe9 \xfcber']), 'latin1')
  await film.write('west.srt', latin)
  await film.write(
    'russian.srt',
    Buffer.concat([
      Buffer.from('1\n00:00:01,000 --> 00:00:02,000\n'),
      Buffer.from('cff0e8e2e5f2', 'hex'),
      Buffer.from('\n\n'),
    ]),
  )
  const source = await filmWith(
    film,
    'film.mkv',
    ['west.srt', 'russian.srt'],
    ['-c:s', 'copy', '-metadata:s:s:1', 'language=rus'],
  )

  const { output, notes } = await film.run(source)

  assert.deepEqual(await shown(output), [[[1, 2, 'Café über']], [[1, 2, 'Привет']]])
  assert.deepEqual(notes, [
    'Subtitle track 1 (subrip) is not in UTF-8: it was read as windows-1252.',
    'Subtitle track 2 (subrip, rus) is not in UTF-8: it was read as windows-1251.',
  ])
})

test('a track that cannot be read is left out with a note, beside others and an empty one that come along', async (t) => {
  const film = await realCase(t)
  await film.write('s.srt', srt([1, 2, 'Text']))
  await film.write('empty.srt', srt([30, 31, 'Nothing in here']))
  const codecs = ['-c:s:0', 'srt', '-c:s:1', 'webvtt', '-c:s:2', 'srt', '-metadata:s:s:2', 'language=deu']
  await filmWith(film, 'film.mkv', ['s.srt', 's.srt', 'empty.srt'], codecs)
  // Text of Blu-rays, for which ffmpeg has a name and no decoder.
  const source = await film.patch('film.mkv', { from: 'D_WEBVTT/SUBTITLES', to: 'S_HDMV/TEXTST\0\0\0\0\0' })

  const { output, notes } = await film.run(source)

  assert.deepEqual(await shown(output), [[[1, 2, 'Text']], []])
  assert.deepEqual(notes, [
    'Subtitle track 2 (hdmv_text_subtitle) is left out: ffmpeg cannot read it as text.',
    'Subtitle track 3 (subrip, deu): texts outside of the film are left out (1 of 1).',
  ])
  assert.equal((await probe(output)).duration_s, 4)
})

test('texts without an end last until the next one', async (t) => {
  const film = await realCase(t)
  await film.write('s.srt', srt([0.5, 0.5, 'One'], [1.5, 1.5, 'Two']))
  const source = await filmWith(film, 'film.mkv', ['s.srt'], ['-c:s', 'copy'])

  const { output } = await film.run(source)

  assert.deepEqual(await shown(output), [[[0.5, 1.5, 'One'], [1.5, 4, 'Two']]]) // biome-ignore format: texts
})

test('subtitles that are not marked as default are not shown unasked, and the marked ones are', async (t) => {
  const film = await realCase(t)
  await film.write('s.srt', srt([1, 2, 'Text']))
  const one = await filmWith(film, 'one.mkv', ['s.srt'], ['-c:s', 'srt', '-disposition:s:0', '0'])
  const two = await filmWith(
    film,
    'two.mkv',
    ['s.srt', 's.srt'],
    ['-c:s', 'srt', '-disposition:s:0', '0', '-disposition:s:1', 'default'],
  )
  const flags = async (file: string) =>
    (await probe(file)).streams.filter(({ type }) => type === 'subtitle').map(({ dispositions }) => dispositions)

  assert.deepEqual(await flags((await film.run(one)).output), [[]])
  assert.deepEqual(await flags((await film.run(two)).output), [[], ['default']])
})

test('captions of QuickTime (EIA-608) come along as text, and a note says that their place is lost', async (t) => {
  const film = await realCase(t)
  const words = '9420 9420 94ae 94ae 9470 9470 c8e5 ecec ef80 942f 942f'
  await film.write('s.scc', `Scenarist_SCC V1.0\n\n00:00:00:15\t${words}\n\n00:00:02:00\t942c 942c\n\n`)
  const source = await filmWith(film, 'film.mov', ['s.scc'], ['-c:s', 'copy'])

  const { output, notes } = await film.run(source)

  const [track] = await shown(output)
  assert.deepEqual(track?.map(([, , text]) => text), ['Hello']) // biome-ignore format: one line
  assert.deepEqual(notes, ['Subtitle track 1 (eia_608): positions are lost.'])
})
