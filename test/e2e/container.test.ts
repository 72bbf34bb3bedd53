/** Results as Matroska files through the real command line. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { probe } from '../../testing/sources/measure.ts'
import { realCase } from '../../testing/sources/real.ts'
import { runFilms } from '../../testing/sources/real-run.ts'
import { richFilm } from '../../testing/sources/rich-film.ts'

const KEPT = [
  'h264',
  'h264 swe',
  'flac ger',
  'ac3 eng',
  'hdmv_pgs_subtitle fre',
  'ass jpn',
  'subrip eng',
  'mjpeg',
  'attachment',
  'attachment',
]

test('--container mkv keeps what the same command without it leaves out with a note', {
  timeout: 240_000,
}, async (t) => {
  const film = await realCase(t)
  const source = await richFilm(film)
  const args = ['--container', 'mkv', '--audio', 'copy']
  const { code, delivered, events, stderr } = await runFilms([source], { dir: film.dir, args })
  assert.equal(code, 0, stderr)
  const { outputs, notes } = delivered.get('rich')!
  assert.deepEqual(outputs, [join(film.dir, 'out', '480p', 'rich.mkv')])
  assert.deepEqual(notes, [
    'Video track 6 (h264, 80×60, swe) is copied into each result, not encoded.',
    'The flag original of track 2 (ac3, eng) is left out: results have no place for it.',
  ])
  const files = events.flatMap(({ event, files }) => (event === 'delivered' ? (files as { media_type: string }[]) : []))
  assert.deepEqual(files.map(({ media_type }) => media_type), ['video/x-matroska']) // biome-ignore format: short
  const { streams } = await probe(outputs[0]!)
  assert.deepEqual(
    streams.map(({ type, codec, language }) =>
      type === 'attachment' ? type : `${codec} ${language}`.replace(/ und$/, ''),
    ),
    KEPT,
  )
  const plain = await runFilms([source], { dir: film.dir, args: ['--out', join(film.dir, 'plain')] })
  assert.deepEqual(plain.delivered.get('rich')?.outputs, [join(film.dir, 'plain', '480p', 'rich.mp4')])
  const said = plain.delivered.get('rich')?.notes.join('\n') ?? ''
  assert.match(said, /Video track 6 \(h264, 80×60, swe\) is left out: an MP4 result holds one picture/)
  assert.match(said, /Attachments one\.ttf and two\.otf are left out: MP4 holds no attachments/)
  assert.match(
    said,
    /Subtitle track 3 \(hdmv_pgs_subtitle, 320×180, fra\) is left out: MP4 holds text subtitles, no pictures/,
  )
})
