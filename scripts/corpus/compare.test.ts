/** The script that holds results against plain ffmpeg finds each kind of fault, and nothing where there is none. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ssim } from '../../testing/sources/measure.ts'
import { picture, type RealCase, realCase, tone, tones, X264 } from '../../testing/sources/real.ts'
import { compare, type Declared, type Facts } from './compare.ts'
import { declaredOf, factsOf } from './facts.ts'
import { makePlain } from './plain.ts'
import { compareTexts } from './texts.ts'

const CHAPTERS =
  ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n'
const MOVED = CHAPTERS.replace('END=1000', 'END=500').replace('START=1000', 'START=500')
const LINES = '1\n00:00:00,500 --> 00:00:01,000\nHello\n'
const COPY = ['-map', '0', '-c', 'copy']
const AGAIN = [
  '-map',
  '0',
  '-c',
  'copy',
  ...X264,
  '-crf',
  '12',
  '-fps_mode',
  'passthrough',
  '-enc_time_base',
  '1:90000',
]

/** What is done to a good result (`plain.mp4`), and what must be said of it. */
const FAULTS: readonly { what: string; args: readonly string[]; said: RegExp }[] = [
  {
    what: 'a dropped picture',
    args: [...AGAIN, '-vf', "select='not(eq(n,20))'"],
    said: /^pictures: 1 of 50 pictures are missing, the first at 0\.800 s$/,
  },
  {
    what: 'a picture at another time',
    args: [...AGAIN, '-vf', "setpts='PTS+eq(N,20)*0.01/TB'"],
    said: /^pictures: 1 pictures stand where the source has none, the first at 0\.810 s$/,
  },
  {
    what: 'a picture that looks different',
    args: [...AGAIN, '-vf', "negate=enable='between(n,10,12)'"],
    said: /^pixels: 3 of 50 pictures look different, picture 10 first/,
  },
  {
    what: 'a shorter sound',
    args: [...COPY, '-c:a:0', 'aac', '-filter:a:0', 'atrim=end=1.5'],
    said: /^sound: sound 1: ends 0\.\d+ s too early$/,
  },
  {
    what: 'a later sound',
    args: [...COPY, '-c:a:1', 'aac', '-filter:a:1', "asetpts='PTS+0.2/TB'"],
    said: /^sound: sound 2: begins 0\.\d+ s too late$/,
  },
  {
    what: 'channels on other speakers',
    args: [...COPY, '-c:a:0', 'aac', '-filter:a:0', 'pan=stereo|c0=c1|c1=c0'],
    said: /^sound: sound 1: channel 1 at -1[67]\.\d dB in place of -2[23]\.\d dB$/,
  },
  {
    what: 'another layout',
    args: [...COPY, '-c:a:0', 'aac', '-ac:a:0', '1'],
    said: /^sound: sound 1: 1 channels in place of 2$/,
  },
  { what: 'a lost sound', args: [...COPY, '-map', '-0:a:1'], said: /^sound: 1 sound tracks in place of 2$/ },
  { what: 'lost subtitles', args: [...COPY, '-map', '-0:s'], said: /^subtitles: 0 subtitle tracks in place of 1$/ },
  {
    what: 'a lost chapter',
    args: [...COPY, '-map', '-0:d', '-map_chapters', '-1'],
    said: /^chapters: 0 chapters in place of 2$/,
  },
  {
    what: 'a moved chapter',
    args: ['-i', 'moved.txt', ...COPY, '-map', '-0:d', '-map_chapters', '1'],
    said: /^chapters: chapter "One" \(0\.00 to 0\.50 s\) in place of "One" \(0\.00 to 1\.00 s\)$/,
  },
  {
    what: 'a lost tag',
    args: [...COPY, '-metadata', 'artist='],
    said: /^tags: tag artist is missing in place of "Somebody"$/,
  },
  {
    what: 'a lost language',
    args: [...COPY, '-metadata:s:a:1', 'language=und'],
    said: /^tags: sound 2: language und in place of ger$/,
  },
  {
    what: 'a lost flag',
    args: [...COPY, '-disposition:a:1', '0'],
    said: /^tags: sound 2: flags comment are gone$/,
  },
]

/** A film with all of it, and what is known of it: made once for all faults. */
let film: RealCase
let source: Declared
let plain: Facts
const ends: (() => Promise<void>)[] = []
after(() => Promise.all(ends.map((act) => act())))

before(async () => {
  film = await realCase({ after: (act) => void ends.push(act), signal: new AbortController().signal })
  await film.write('lines.srt', LINES)
  await film.write('chapters.txt', CHAPTERS)
  await film.write('moved.txt', MOVED)
  const said = { seconds: 2 }
  const inputs = [...picture(said), ...tones('stereo', 2, said), ...tone(said), '-i', 'lines.srt', '-i', 'chapters.txt']
  const maps = ['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map_chapters', '4']
  const tags = ['-metadata', 'artist=Somebody', '-metadata:s:a:1', 'language=ger', '-disposition:a:1', 'comment']
  const file = await film.make('film.mkv', [...inputs, ...maps, ...tags, ...X264, '-c:a', 'flac', '-c:s', 'srt'])
  assert.ok(await makePlain({ file, out: film.path('plain.mp4'), size: { width: 320, height: 180 } }))
  source = await declaredOf(file)
  plain = await factsOf(film.path('plain.mp4'))
})

async function found(output: string): Promise<string[]> {
  const likeness = await ssim(output, film.path('plain.mp4'))
  const job = { source, plain, got: await factsOf(output), ssim: likeness, notes: [] }
  return compare(job).map(({ kind, sentence }) => `${kind}: ${sentence}`)
}

test('a good result differs in nothing', async () => {
  assert.deepEqual(await found(film.path('plain.mp4')), [])
  assert.deepEqual(await found(await film.make('again.mp4', ['-i', 'plain.mp4', ...AGAIN])), [])
})

for (const [number, { what, args, said }] of FAULTS.entries()) {
  test(`${what} is found, and nothing else`, async () => {
    const sentences = await found(await film.make(`${number}.mp4`, ['-i', 'plain.mp4', ...args]))
    assert.ok(
      sentences.some((sentence) => said.test(sentence)),
      sentences.join('; ') || 'not found',
    )
    assert.equal(new Set(sentences.map((sentence) => sentence.split(':', 1)[0])).size, 1, sentences.join('; '))
  })
}

const FACTS: Facts = {
  times_s: [0, 0.04],
  sounds: [],
  begin_s: 0,
  labels: [],
  texts: [],
  chapters: [],
  tags: {},
  duration_s: 0.08,
}
const DECLARED = { texts: [], chapters: [] }

test('a note explains a difference that it speaks of, and no other', () => {
  const job = { source: DECLARED, plain: FACTS, got: { ...FACTS, times_s: [0] }, ssim: [0.5] }
  const noted = (note: string): (string | null)[] => compare({ ...job, notes: [note] }).map((found) => found.note)
  assert.deepEqual(noted('Audio track 2 is left out.'), [null, null])
  assert.deepEqual(noted('1 of 2 pictures is missing.'), Array(2).fill('1 of 2 pictures is missing.'))
  const [pictures] = compare({ ...job, notes: ['1 of 2 frames is missing: no decoder can read it.'] })
  assert.equal(pictures?.note, null, 'plain ffmpeg decoded it')
})

test('a file that says another length than its pictures last is found', () => {
  const found = compare({ source: DECLARED, plain: FACTS, got: { ...FACTS, duration_s: 60 }, ssim: [], notes: [] })
  assert.deepEqual(
    found.map(({ sentence }) => sentence),
    ['the file says 59.920 s more than its pictures and sound last'],
  )
})

test('a language is the same in two letters and in the three of either standard', () => {
  const labelled = (language: string): Facts => ({
    ...FACTS,
    labels: [{ track: 'sound 1', language, title: '', flags: [] }],
  })
  const found = (language: string): number =>
    compare({ source: DECLARED, plain: labelled('ger'), got: labelled(language), ssim: [], notes: [] }).length
  assert.deepEqual(['ger', 'deu', 'de', 'gre', 'und'].map(found), [0, 0, 0, 1, 1])
})

test('texts are the same however they are cut into events, and what is shown too early, too late or never is found', () => {
  const cue = (start_s: number, end_s: number, text: string) => ({ start_s, end_s, text })
  const overlap = [cue(1, 3, 'Lower'), cue(1.5, 2.5, '{\\an8}<i>Upper</i>')]
  const apart = [cue(1, 1.5, 'Lower'), cue(1.5, 2.5, 'Upper\nLower'), cue(2.5, 3, 'Lower')]
  assert.deepEqual(compareTexts([overlap], [apart], 4), [])
  assert.deepEqual(compareTexts([overlap], [apart.slice(0, 2)], 4), [
    'subtitles 1: nothing in place of "Lower" at 2.50 s',
  ])
  assert.deepEqual(compareTexts([[cue(-2, 0, 'Early'), cue(3, 99, 'End')]], [[cue(3, 4, 'End')]], 4), [])
  assert.deepEqual(compareTexts([[cue(1, 2, 'Late')]], [[cue(1.2, 2, 'Late')]], 4), [
    'subtitles 1: nothing in place of "Late" at 1.00 s',
  ])
})
