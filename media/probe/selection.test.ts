import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseObject } from './json.ts'
import { selectStreams } from './selection.ts'

interface Said {
  readonly size: string
  readonly fps?: string
  readonly frames?: number
  readonly codec?: string
  readonly flags?: readonly string[]
}

const flagged = (flags: readonly string[] = []) => Object.fromEntries(flags.map((flag) => [flag, 1]))
const video = ({ size, fps = '25/1', frames = 100, codec = 'h264', flags }: Said) => {
  const [width, height] = size.split('x').map(Number)
  const rate = { avg_frame_rate: fps, nb_frames: String(frames) }
  return { codec_type: 'video', codec_name: codec, width, height, ...rate, disposition: flagged(flags) }
}
const AUDIO = { codec_type: 'audio', codec_name: 'aac', channels: 2 }

function select(streams: readonly object[], programs: readonly (readonly number[])[] = []) {
  const root = {
    format: { duration: '4' },
    streams: streams.map((stream, index) => ({ index, ...stream })),
    programs: programs.map((members, at) => ({ program_id: at, streams: members.map((index) => ({ index })) })),
  }
  const selection = selectStreams(parseObject(JSON.stringify(root)) ?? {})
  const indexes = (list: Iterable<{ readonly [name: string]: unknown }> = []) => [...list].map(({ index }) => index)
  return {
    picture: selection?.facts.stream,
    audio: indexes(selection?.audio),
    covers: indexes(selection?.covers),
    foreign: indexes(selection?.foreign),
  }
}
const picture = (...said: readonly Said[]) => select(said.map(video)).picture

test('the default picture is the film, else the largest, then the one of more frames a second, then the first', () => {
  assert.equal(picture({ size: '640x360' }, { size: '320x180', flags: ['default'] }), 1)
  assert.equal(picture({ size: '320x180', flags: ['default'] }, { size: '640x360', flags: ['default'] }), 1)
  assert.equal(picture({ size: '320x180' }, { size: '640x360' }), 1)
  assert.equal(picture({ size: '320x180' }, { size: '320x180', fps: '50/1' }), 1)
  assert.equal(picture({ size: '320x180' }, { size: '320x180' }), 0)
})

test('a stream of few pictures beside one of many is no film, however large', () => {
  assert.equal(picture({ size: '1440x1080', frames: 90 }, { size: '2048x1536', frames: 2 }), 0)
  assert.equal(picture({ size: '160x90', fps: '1/1', frames: 4, flags: ['default'] }, { size: '320x180' }), 1)
  assert.equal(picture({ size: '320x180', codec: 'mjpeg', fps: '0/0', frames: 0 }, { size: '160x90', frames: 0 }), 1)
})

test('slides that alone have the default flag and are the largest are the film', () => {
  assert.equal(picture({ size: '320x180' }, { size: '1920x1080', fps: '1/1', frames: 4, flags: ['default'] }), 1)
})

test('covers and timed thumbnails are no film; a cover that ffmpeg cannot size stays behind', () => {
  const cover = { size: '800x800', codec: 'mjpeg', flags: ['attached_pic'] }
  const unsized = { ...video({ ...cover, codec: 'png' }), width: 0, height: 0 }
  const thumbnails = video({ size: '160x90', codec: 'mjpeg', flags: ['attached_pic', 'timed_thumbnails'] })
  const webp = video({ ...cover, codec: 'webp' })
  const got = select([video(cover), video({ size: '320x180' }), unsized, thumbnails, webp])
  assert.deepEqual([got.picture, got.covers], [1, [0]])
  assert.equal(select([video(cover)]).picture, undefined)
})

test('sound of another programme with a picture is foreign; sound of none, or of one without a picture, is not', () => {
  const streams = [video({ size: '320x180' }), AUDIO, video({ size: '640x360' }), AUDIO, AUDIO, AUDIO]
  const got = select(streams, [[0, 1], [2, 3], [4]])
  assert.deepEqual([got.picture, got.audio, got.foreign], [2, [3, 4, 5], [0, 1]])
})
