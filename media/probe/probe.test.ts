import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notesOf } from '../../protocol/plan.ts'
import { parseProbe } from './probe.ts'

const VIDEO = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  time_base: '1/90000',
}
const CHAPTERS = [{ start_time: '0.5', end_time: '2', tags: { title: 'One' } }, { start_time: '2' }, { end_time: '3' }]
const probe = (...streams: object[]) =>
  parseProbe(JSON.stringify({ format: { format_name: 'mov,mp4', duration: '10.5' }, streams, chapters: CHAPTERS }))
const facts = (stream: object) => {
  const outcome = probe({ ...VIDEO, ...stream })
  assert.ok(outcome.ok)
  return outcome.probe.video
}

test('cover art is not the video, wherever it stands', () => {
  const outcome = probe({ ...VIDEO, codec_name: 'mjpeg', disposition: { attached_pic: 1 } }, { ...VIDEO, index: 1 })
  assert.ok(outcome.ok && outcome.probe.video.stream === 1 && outcome.probe.duration_s === 10.5)
  assert.deepEqual(outcome.probe.chapters, [
    { start: 500, end: 2_000, title: 'One' },
    { start: 2_000, end: null, title: '' },
  ])
})

test('what is not a video is refused with its cause', () => {
  const why = (json: string) => {
    const outcome = parseProbe(json)
    return outcome.ok ? '' : outcome.why
  }
  assert.match(why('{"streams":[{"codec_type":"audio"}]}'), /no video stream/)
  assert.match(why('{"streams":[{"codec_type":"video","disposition":{"attached_pic":1}}]}'), /still picture/)
  assert.match(why('{"streams":[]}'), /no video stream/)
  assert.match(why('['), /not a video file/)
  assert.match(why(JSON.stringify({ streams: [{ ...VIDEO, width: 0 }] })), /cannot identify/)
  assert.match(why(JSON.stringify({ streams: [{ ...VIDEO, width: 100_000 }] })), /cannot identify/)
})

test('the display matrix gives the clockwise turn and a mirror', () => {
  const turned = (rotation: number, ...rows: string[]) => {
    const { rotation: clockwise, mirrored } = facts({
      side_data_list: [{ rotation, displaymatrix: `\n00000000: ${rows[0]}\n00000001: ${rows[1]}\n` }],
    })
    return [clockwise, mirrored]
  }
  assert.deepEqual(turned(-90, '0 65536 0', '-65536 0 0'), [90, false])
  assert.deepEqual(turned(90, '0 -65536 0', '65536 0 0'), [270, false])
  assert.deepEqual(turned(-180, '-65536 0 0', '0 -65536 0'), [180, false])
  assert.deepEqual(turned(0, '65536 0 0', '0 -65536 0'), [0, true])
})

test('depth, aspect, fields and HDR are read; nonsense is taken as usual', () => {
  assert.equal(facts({ pix_fmt: 'yuv420p10le' }).bit_depth, 10)
  assert.deepEqual(facts({ sample_aspect_ratio: '64:45' }).sample_aspect, [64, 45])
  assert.deepEqual(facts({ sample_aspect_ratio: '1000:1' }).sample_aspect, [1, 1])
  assert.deepEqual(facts({ sample_aspect_ratio: '0:1' }).sample_aspect, [1, 1])
  assert.ok(facts({ field_order: 'bb' }).interlaced && !facts({ field_order: 'bb' }).top_field_first)
  assert.ok(facts({ color_transfer: 'smpte2084' }).hdr)
  assert.equal(facts({ color_primaries: 'bt709,evil=1' }).color.primaries, 'unknown')
})

test('tracks keep their languages; tracks that are left out are noted', () => {
  const outcome = probe(
    VIDEO,
    {
      index: 1,
      codec_type: 'audio',
      codec_name: 'aac',
      channels: 6,
      channel_layout: '5.1',
      sample_rate: '48000',
      tags: { language: 'fra', title: 'Fran\nçais' },
      disposition: { comment: 1, default: 1, original: 1 },
    },
    { index: 3, codec_type: 'subtitle', codec_name: 'subrip', tags: { language: 'und' }, disposition: { forced: 1 } },
    { index: 4, codec_type: 'subtitle', codec_name: 'hdmv_pgs_subtitle', tags: { language: 'deu' } },
  )
  assert.ok(outcome.ok)
  const { audio, subtitles, fates } = outcome.probe
  const notes = notesOf(fates)
  assert.deepEqual(audio, [
    {
      stream: 1,
      codec: 'aac',
      channels: 6,
      layout: '5.1',
      source_channels: 6,
      extra: 'copied',
      relabelled: false,
      sample_rate: 48_000,
      language: 'fra',
      title: 'Fran çais',
      flags: ['default', 'comment'],
    },
  ])
  assert.deepEqual(subtitles, [{ stream: 3, codec: 'subrip', language: '', title: '', flags: ['forced'] }])
  assert.match(notes.join('\n'), /Subtitle track 4 \(hdmv_pgs_subtitle, deu\) is left out/)
})

test('audio of any name is tried, but for what is past the limit, of which a note names the limit', () => {
  const sound = (index: number) => ({ index, codec_type: 'audio', codec_name: index === 1 ? 'unknown' : 'aac' })
  const outcome = probe(VIDEO, ...Array.from({ length: 40 }, (_, at) => sound(at + 1)))
  assert.ok(outcome.ok)
  assert.deepEqual(
    outcome.probe.audio.map(({ stream }) => stream),
    Array.from({ length: 32 }, (_, at) => at + 1),
  )
  assert.match(
    notesOf(outcome.probe.fates).join('\n'),
    /^Audio tracks 33 \(aac\), .* are left out: only 32 tracks are taken\.$/m,
  )
})

test('the streams of an IAMF sound are left out together; those that mix with a programme are not', () => {
  const opus = { codec_type: 'audio', codec_name: 'opus' }
  const iamf = [
    { ...opus, index: 1 },
    { ...opus, index: 2 },
    { ...opus, index: 3, disposition: { dependent: 1 } },
  ]
  const taken = (format: string, ...streams: object[]) => {
    const outcome = parseProbe(JSON.stringify({ format: { format_name: format }, streams: [VIDEO, ...streams] }))
    return outcome.ok ? outcome.probe.audio.map(({ stream }) => stream) : []
  }
  assert.deepEqual(taken('mov,mp4', ...iamf), [1])
  assert.deepEqual(
    taken('mov,mp4', { index: 1, codec_type: 'audio', codec_tag_string: 'iamf' }, { ...opus, index: 2 }),
    [2],
  )
  assert.deepEqual(taken('mpegts', ...iamf), [1, 2, 3])
})
