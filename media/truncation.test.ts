import assert from 'node:assert/strict'
import { appendFile, stat, truncate } from 'node:fs/promises'
import { test } from 'node:test'
import { picture, realCase, tone, X264 } from '../testing/sources/real.ts'
import { cutOff, cutOffFates, cutOffSentence } from './truncation.ts'

const SIZE = picture({ size: '64x64', seconds: 3 })
const MPEG2 = ['-c:v', 'mpeg2video', '-c:a', 'mp2']
const FILMS: Readonly<Record<string, readonly string[]>> = {
  'film.mkv': [...X264, '-c:a', 'aac'],
  'film.mp4': [...X264, '-c:a', 'aac', '-movflags', '+faststart'],
  'fragments.mp4': [...X264, '-g', '25', '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'],
  'film.avi': ['-c:v', 'mpeg4', '-c:a', 'mp2'],
  'film.flv': [...X264, '-c:a', 'aac'],
  'film.wmv': ['-c:v', 'wmv2', '-c:a', 'wmav2'],
  'film.ogg': ['-c:v', 'libtheora', '-c:a', 'libvorbis'],
  'film.mxf': ['-c:v', 'mpeg2video', '-c:a', 'pcm_s16le'],
  'film.ts': [...X264, '-c:a', 'aac'],
  'film.mpg': MPEG2,
}
const FORMATS: Readonly<Record<string, string>> = {
  mkv: 'matroska,webm', mp4: 'mov,mp4,m4a,3gp,3g2,mj2', avi: 'avi', flv: 'flv', wmv: 'asf', ogg: 'ogg', mxf: 'mxf', ts: 'mpegts', mpg: 'mpeg',
} // biome-ignore format: a record
const of = (name: string, duration_s = 3) => ({ format: FORMATS[name.split('.')[1] ?? ''] ?? '', duration_s })

test('a whole file of every container promises what it has, and a part of its bytes does not', async (t) => {
  const film = await realCase(t)
  for (const [name, args] of Object.entries(FILMS)) {
    const source = await film.make(name, [...SIZE, ...tone({ seconds: 3 }), ...args])
    assert.equal(await cutOff(source, of(name)), null, `${name} is whole`)
    await truncate(source, Math.floor((await stat(source)).size * 0.613))
    assert.notEqual(await cutOff(source, of(name)), null, `${name} is cut off`)
    await truncate(source, 40)
    await cutOff(source, of(name))
  }
})

test('an MP4 with the tag of an audio player behind its last box is whole', async (t) => {
  const film = await realCase(t)
  const source = await film.make('film.mp4', [...SIZE, ...X264])
  const tag = Buffer.alloc(128, ' ')
  tag.write('TAGA song by nobody')
  await appendFile(source, tag)
  assert.equal(await cutOff(source, of('film.mp4')), null)
})

test('a recording of unknown length promises nothing', async (t) => {
  const film = await realCase(t)
  const source = await film.make('live.mkv', [...SIZE, ...X264, '-live', '1'])
  await truncate(source, Math.floor((await stat(source)).size * 0.613))
  assert.equal(await cutOff(source, of('live.mkv', 0)), null)
})

test('the sentence names what is known', () => {
  const there = { seconds: 7.12, frames: 178 }
  assert.equal(
    cutOffSentence({ seconds: 12.02, frames: 300 }, there),
    'The file was cut off: 7.1 of 12.0 s are there (178 of 300 frames)',
  )
  assert.equal(cutOffSentence({ seconds: 12.02, frames: null }, there), 'The file was cut off: 7.1 of 12.0 s are there')
  assert.equal(
    cutOffSentence({ seconds: null, frames: null }, there),
    'The file was cut off: 7.1 s are there, and its last part is not whole',
  )
  assert.deepEqual(cutOffFates(null, there), [])
})
