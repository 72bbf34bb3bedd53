import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notesOf } from '../../protocol/plan.ts'
import { parseProbe } from './probe.ts'

const VIDEO = { codec_type: 'video', codec_name: 'h264', width: 320, height: 180, time_base: '1/90000' }
const AUDIO = { codec_type: 'audio', codec_name: 'aac', channels: 2, sample_rate: '48000' }
const data = (codec_tag_string: string, tags = {}) => ({ codec_type: 'data', codec_tag_string, tags })

function fatesOf(streams: readonly object[], root: object = {}) {
  const outcome = parseProbe(
    JSON.stringify({ format: {}, streams: streams.map((stream, index) => ({ index, ...stream })), ...root }),
  )
  assert.ok(outcome.ok)
  const { fates, metadata } = outcome.probe
  return { fates, metadata, notes: notesOf(fates), of: (part: string) => fates.findLast((fate) => fate.part === part) }
}

test('telemetry and metadata tracks are named by what they are, those of one kind in one sentence', () => {
  const { notes, of } = fatesOf([VIDEO, data('gpmd'), data('mebx'), data('mebx'), data('xyz0')])
  assert.deepEqual(notes, [
    'Data track 1 (unknown) is left out: a result holds picture, sound, text and covers, not GoPro telemetry.',
    'Data tracks 2 (unknown) and 3 (unknown) are left out: a result holds picture, sound, text and covers, not Apple metadata.',
    'Data track 4 (unknown) is left out: a result holds picture, sound, text and covers, not other data.',
  ])
  assert.equal(of('stream 3')?.fate, 'left_out')
})

test('a timecode track gives its timecode, and the track of chapter titles the chapters', () => {
  const chapters = [{ start_time: '0', end_time: '1', tags: { title: 'One', DESCRIPTION: 'x' } }]
  const timecode = '01:00:00:00'
  const { notes, metadata, of } = fatesOf([VIDEO, data('tmcd', { timecode }), data('text')], { chapters })
  assert.equal(metadata.picture.timecode, timecode)
  assert.deepEqual(notes, ['The tag description of the chapters is left out: MP4 has no place for it.'])
  assert.deepEqual([of('tag timecode of stream 1')?.fate, of('stream 2')?.fate], ['kept', 'converted'])
})

test('fonts are named, a long list of them is not', () => {
  const font = (name: string) => ({ codec_type: 'attachment', tags: { filename: name, mimetype: 'font/ttf' } })
  const { notes, fates } = fatesOf([VIDEO, ...Array.from({ length: 40 }, (_, at) => font(`${at}.ttf`))])
  assert.deepEqual(notes, [
    'Attachments 0.ttf, 1.ttf, 2.ttf, 3.ttf, 4.ttf and 35 more are left out: MP4 holds no attachments.',
  ])
  assert.equal(fates.filter(({ part }) => /^stream \d+$/.test(part)).length, 41)
})

test('3D, 360°, Dolby Vision and side data of no known kind are named; what every file has is not', () => {
  const side = (side_data_type: string, said: object = {}) => ({ side_data_type, ...said })
  const { notes } = fatesOf([
    {
      ...VIDEO,
      view_ids_available: '0,1',
      side_data_list: [
        side('Stereo 3D', { type: 'side by side' }),
        side('Spherical Mapping', { projection: 'equirectangular' }),
        side('DOVI configuration record'),
        side('CPB properties'),
        side('Strange\ndata'),
      ],
    },
  ])
  assert.deepEqual(notes, [
    'The picture is 3D (side by side): it is encoded as it lies, and the result does not say that it is 3D.',
    'The picture is a 360° video (equirectangular): it is encoded as it lies, and the result does not say that it is.',
    'The Dolby Vision data of the picture are left out: the result is made of its base layer.',
    'The side data "Strange data" of the picture are left out: a result has no place for them.',
    'The picture is 3D with 2 views: the result shows the base view.',
  ])
})

test('a track’s name in its handler is its title, the default of a muxer is none', () => {
  const named = (handler_name: string) => ({ ...AUDIO, tags: { handler_name } })
  const outcome = parseProbe(
    JSON.stringify({ streams: [VIDEO, named('Director'), named('SoundHandler'), named('Core Media Audio')] }),
  )
  assert.ok(outcome.ok)
  assert.deepEqual(
    outcome.probe.audio.map(({ title }) => title),
    ['Director', '', ''],
  )
})

test('what is said of tracks that are left out goes with them', () => {
  const other = {
    ...VIDEO,
    width: 160,
    disposition: { original: 1 },
    tags: { title: 'Rear', foo: 'x', language: 'pt-BR' },
  }
  const { notes, of } = fatesOf([VIDEO, other])
  assert.deepEqual(notes, ['Video track 1 (h264, 160×180, por) is left out: an MP4 result holds one picture.'])
  for (const part of ['flag original', 'tag title', 'tag foo', 'tag language'])
    assert.equal(of(`${part} of stream 1`)?.fate, 'left_out', part)
})

test('in Matroska pictures of the same programme are copied, without the default flag; thumbnails are left out', () => {
  const rear = {
    ...VIDEO,
    width: 160,
    disposition: { default: 1, forced: 1 },
    tags: { title: 'Rear', language: 'swe' },
  }
  const turned = { side_data_type: 'Display Matrix', rotation: -90, displaymatrix: '\n0: 0 1 0\n1: -1 0 0\n2: 0 0 1\n' }
  const thumbnails = { ...VIDEO, width: 80, disposition: { attached_pic: 1, timed_thumbnails: 1 } }
  const streams = [
    { ...VIDEO, disposition: { default: 1 } },
    rear,
    { ...VIDEO, width: 170, side_data_list: [turned] },
    thumbnails,
    { ...VIDEO, width: 90 },
  ]
  const outcome = parseProbe(
    JSON.stringify({
      streams: streams.map((stream, index) => ({ index, ...stream })),
      programs: [[0, 1, 2, 3], [4]].map((members) => ({ streams: members.map((index) => ({ index })) })),
    }),
  )
  assert.ok(outcome.ok)
  const { kept, fates } = outcome.probe.asMatroska
  assert.deepEqual(kept.pictures, [
    { stream: 1, codec: 'h264', language: 'swe', title: 'Rear', flags: ['forced'], rotation: 0, mirrored: false },
    { stream: 2, codec: 'h264', language: '', title: '', flags: [], rotation: 90, mirrored: false },
  ])
  assert.deepEqual(notesOf(fates), [
    'Video tracks 1 (h264, 160×180, swe) and 2 (h264, 170×180) are copied into each result, not encoded.',
    'Video track 3 (h264, 80×180) is left out: it holds thumbnails.',
    'Video track 4 (h264, 90×180) is left out: the picture of the result is of another programme.',
  ])
  const of = (part: string) => fates.find((fate) => fate.part === part)?.fate
  assert.deepEqual(
    ['flag default of stream 1', 'flag forced of stream 1', 'side data Display Matrix of stream 2'].map(of),
    ['left_out', 'kept', 'kept'],
  )
})
