/** What a source holds beside its picture and sound comes along, or is named in a note: tags, covers, timecodes, flags, languages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes, probe } from '../../../testing/sources/measure.ts'
import { picture, type RealCase, realCase, runOrCannot, tone, X264 } from '../../../testing/sources/real.ts'

const AAC = ['-c:a', 'aac']
const SHORT = { seconds: 1 }
const meta = (tags: Readonly<Record<string, string>>, of = '') =>
  Object.entries(tags).flatMap(([key, value]) => [`-metadata${of}`, `${key}=${value}`])
const still = (film: RealCase, name: string) => film.make(name, [...picture({ seconds: 1 }), '-frames:v', '1'])

test('date, place, title, artist and comment of a film are those of its results', async (t) => {
  const film = await realCase(t)
  const tags = {
    title: 'A day',
    artist: 'Ann',
    comment: 'two\nlines',
    album: 'Trip',
    genre: 'Home',
    date: '2020-02-03',
  }
  const where = { creation_time: '2020-02-03T04:05:06Z', location: '+48.1-011.5/' }
  const source = await film.make('film.mp4', [
    ...picture(SHORT), ...tone(SHORT), ...X264, ...AAC, ...meta({ ...tags, ...where, encoder: 'secret build' }),
  ]) // biome-ignore format: groups

  const { output, notes } = await film.run(source)

  assert.deepEqual(notes, [])
  const got = (await probe(output)).tags
  assert.deepEqual(Object.fromEntries(Object.entries(got).filter(([key]) => !/brand|minor|-eng$/.test(key))), {
    ...tags,
    creation_time: '2020-02-03T04:05:06.000000Z',
    location: '+48.1000-011.5000/',
  })
})

test('tags of Matroska have the names that MP4 gives them; the ones without a place are named', async (t) => {
  const film = await realCase(t)
  const tags = { title: 'A', ARTIST: 'Ann', DATE_RELEASED: '2019', SUMMARY: 'So', DIRECTOR: 'Bob', ACTOR: 'Cid' }
  const source = await film.make('film.mkv', [...picture(SHORT), ...X264, ...meta(tags)])

  const { output, notes } = await film.run(source)

  const got = (await probe(output)).tags
  assert.deepEqual([got['title'], got['artist'], got['date'], got['synopsis']], ['A', 'Ann', '2019', 'So'])
  const [a, b] = ['director', 'actor'].sort()
  assert.deepEqual(notes, [`The tags ${a} and ${b} of the file are left out: MP4 has no place for them.`])
})

test('a comment of megabytes is cut, with a note, and control characters are no part of a tag', async (t) => {
  const film = await realCase(t)
  await film.write('tags.txt', `;FFMETADATA1\ntitle=a\u0007b\ncomment=${'x'.repeat(3_000_000)}\n`)
  const source = await film.make('film.mkv', [...picture(SHORT), '-i', 'tags.txt', '-map_metadata', '1', ...X264])

  const { output, notes } = await film.run(source)

  const got = (await probe(output)).tags
  assert.equal(got['title'], 'a b')
  assert.equal(got['comment'], 'x'.repeat(4096))
  assert.deepEqual(notes, ['The tag comment is cut to the first 4096 of its 3000000 characters.'])
})

for (const [name, args] of [
  ['film.mp4', ['-map', '0', '-map', '1', ...X264, '-c:v:1', 'copy', '-disposition:v:1', 'attached_pic']],
  [
    'film.mkv',
    ['-map', '0', ...X264, '-attach', 'cover.jpg', ...meta({ mimetype: 'image/jpeg', filename: 'cover.jpg' }, ':s:t')],
  ],
] as const) {
  test(`the cover of ${name} is a cover of its results, byte by byte`, async (t) => {
    const film = await realCase(t)
    await still(film, 'cover.jpg')
    const source = await film.make(name, [
      ...picture(SHORT),
      ...(name === 'film.mp4' ? ['-i', 'cover.jpg'] : []),
      ...args,
    ])

    const { output, notes } = await film.run(source)

    assert.deepEqual(notes, [])
    const { streams } = await probe(output)
    assert.deepEqual(
      streams.map(({ type, codec, isCover }) => [type, codec, isCover]),
      [
        ['video', 'h264', false],
        ['video', 'mjpeg', true],
      ],
    )
    await film.make('out.jpg', ['-i', output, '-map', '0:v:1', '-c', 'copy', '-f', 'image2'])
    assert.deepEqual(await film.read('out.jpg'), await film.read('cover.jpg'))
  })
}

test('a cover comes along with subtitles and chapters; fonts and covers of other kinds are named in notes', async (t) => {
  const film = await realCase(t)
  await still(film, 'cover.jpg')
  await film.write('font.ttf', 'no font')
  await film.write('lines.srt', '1\n00:00:00,200 --> 00:00:00,800\nHello\n')
  await film.write('chapters.txt', ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=All\n')
  const attached = [
    '-attach',
    'cover.jpg',
    '-metadata:s:t:0',
    'mimetype=image/jpeg',
    '-attach',
    'font.ttf',
    '-metadata:s:t:1',
    'mimetype=font/ttf',
  ]
  const source = await film.make('film.mkv', [
    ...picture(SHORT), '-i', 'lines.srt', '-i', 'chapters.txt', '-map', '0', '-map', '1', '-map_chapters', '2', ...X264, ...attached,
  ]) // biome-ignore format: groups

  const { output, notes } = await film.run(source)

  assert.deepEqual(notes, ['Attachment font.ttf is left out: MP4 holds no attachments.'])
  const { streams, chapters } = await probe(output)
  assert.deepEqual(
    streams.filter(({ type }) => type !== 'data').map(({ codec, isCover }) => [codec, isCover]),
    [
      ['h264', false],
      ['mov_text', false],
      ['mjpeg', true],
    ],
  )
  assert.deepEqual(
    chapters.map(({ title }) => title),
    ['All'],
  )
})

test('flags and languages of tracks come along; what MP4 has no place for is named in a note', async (t) => {
  const film = await realCase(t)
  const [a, b, c] = [200, 300, 400].map((hz) => tone({ hz, seconds: 1 }))
  const source = await film.make('film.mkv', [
    ...picture(SHORT), ...a!, ...b!, ...c!, ...['0', '1', '2', '3'].flatMap((input) => ['-map', input]), ...X264, ...AAC,
    '-disposition:a:0', 'comment', '-disposition:a:1', 'default', '-disposition:a:2', 'visual_impaired+original',
    '-metadata:s:a:0', 'language=en', '-metadata:s:a:1', 'language=pt-BR', '-metadata:s:a:2', 'language=ger',
  ]) // biome-ignore format: groups

  const { output, notes } = await film.run(source)

  const audio = (await probe(output)).streams.filter(({ type }) => type === 'audio')
  assert.deepEqual(
    audio.map(({ language }) => language),
    ['eng', 'por', 'deu'],
  )
  // Readers of MP4 take "descriptions" and "for the visually impaired" for one.
  assert.deepEqual(
    audio.map(({ dispositions }) => dispositions),
    [['comment'], ['default'], ['visual_impaired', 'descriptions']],
  )
  assert.deepEqual(notes, [
    'The language of track 2, pt-BR, is written as por: ffmpeg writes three letters into MP4.',
    'The flag original of track 3 (aac, deu) is left out: MP4 has no place for it.',
  ])
})

test('the picture is the default one, the larger, the one with more frames; others are named in notes', async (t) => {
  const film = await realCase(t)
  const small = picture({ size: '160x90', rate: '1', of: 'testsrc' })
  const thumbs = await film.make('thumbs.mkv', [
    ...small, ...picture(), '-map', '0', '-map', '1', ...X264, '-disposition:v:0', '0', '-disposition:v:1', 'default',
  ]) // biome-ignore format: groups
  const two = await film.make('two.mkv', [
    ...picture({ of: 'testsrc', size: '160x90' }), ...picture(), '-map', '0', '-map', '1', ...X264, '-disposition:v', '0',
  ]) // biome-ignore format: groups
  for (const source of [thumbs, two]) {
    const { output, notes } = await film.run(source)
    assert.equal((await frameTimes(output)).length, 100)
    assert.equal((await probe(output)).streams[0]?.width, 320)
    assert.deepEqual(notes, ['Video track 0 (h264, 160×90) is left out: an MP4 result holds one picture.'])
  }
})

test('a timecode comes along; one that the frame rate cannot have is named in a note', async (t) => {
  const film = await realCase(t)
  const source = await film.make('film.mov', [...picture(SHORT), ...X264, '-timecode', '01:02:03:04'])
  const drop = await film.make('drop.mkv', [...picture(SHORT), ...X264, ...meta({ timecode: '01:02:03;04' }, ':s:v:0')])

  const kept = await film.run(source)
  assert.deepEqual(kept.notes, [])
  assert.equal((await probe(kept.output)).streams[0]?.tags['timecode'], '01:02:03:04')

  const { notes, output } = await film.run(drop)
  assert.deepEqual(notes, ['The timecode 01:02:03;04 is left out: it does not go with 25 frames per second.'])
  assert.equal((await probe(output)).streams[0]?.tags['timecode'], undefined)
})

test('the sound of the picture’s own programme comes along, that of another is named in a note', async (t) => {
  const film = await realCase(t)
  const programmes = ['-program', 'title=One:st=0:st=1', '-program', 'title=Two:st=2:st=3']
  const source = await film.make('two.ts', [
    ...picture({ size: '160x90' }), ...tone({ hz: 300 }), ...picture(), ...tone({ hz: 500 }),
    ...['0', '1', '2', '3'].flatMap((input) => ['-map', input]), ...X264, '-c:a', 'mp2', ...programmes,
  ]) // biome-ignore format: groups

  const result = await runOrCannot(film, source)
  if (result === null) return
  const { notes, plan } = result

  assert.deepEqual(
    plan.audio.map(({ stream }) => stream),
    [3],
  )
  assert.deepEqual(notes, [
    'Video track 0 (h264, 160×90) is left out: the picture of the result is of another programme.',
    'Audio track 1 (mp2) is left out: the picture of the result is of another programme.',
  ])
})
