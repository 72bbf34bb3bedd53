import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cuesFile, takePacketLine, webVttOf } from './cues.ts'

test('packets are read from the lines that ffprobe prints', () => {
  const packet = { lines: [] }
  const lines = ['[PACKET]', 'pts_time=1.5', 'duration_time=1.234000', 'data=', '00000000: 5468 6973 2069 7320 7468 6520 6669 7273  This is the firs', '00000010: 7420 00                                t .', '', '[/PACKET]'] // biome-ignore format: lines
  const found = lines.map((line) => takePacketLine(packet, line)).filter((each) => each !== null)
  assert.deepEqual(found, [{ start: 1.5, end: 2.734, bytes: Buffer.from('This is the first \0') }])
  const endless = ['[PACKET]', 'pts_time=2', 'duration_time=N/A', 'data=', '', '[/PACKET]']
    .map((line) => takePacketLine(packet, line))
    .at(-1)
  assert.deepEqual(endless, { start: 2, end: null, bytes: Buffer.alloc(0) })
  assert.equal(['[PACKET]', 'pts_time=N/A', '[/PACKET]'].map((line) => takePacketLine(packet, line)).at(-1), null)
})

const box = (type: string, body: Buffer) => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}

test('samples of WebVTT in MP4 are boxes; anything else is none', () => {
  const cue = (text: string) =>
    box('vttc', Buffer.concat([box('sttg', Buffer.from('line:0')), box('payl', Buffer.from(text))]))
  assert.equal(webVttOf(Buffer.concat([cue('One'), cue('<i>Two</i>')])), 'One\n<i>Two</i>')
  assert.equal(webVttOf(box('vtte', Buffer.alloc(0))), '')
  for (const other of [
    Buffer.from('just text'),
    Buffer.from([0, 0, 0, 99, 118, 116, 116, 99]),
    box('mdat', Buffer.alloc(3)),
  ])
    assert.equal(webVttOf(other), null)
})

test('cues become a file that no cue can break', () => {
  const cues = [
    { start: -1, end: 1, text: 'Early' },
    { start: 1, end: null, text: 'a\n\n\n00:00 --> 00:01\nb' },
    { start: 3_661.5, end: 3_662, text: '<b>Late</b>' },
    { start: 4_000, end: 4_001, text: ' \n ' },
  ]
  assert.equal(
    cuesFile(cues),
    'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nEarly\n\n00:00:01.000 --> 01:01:01.500\na\n00:00 → 00:01\nb\n\n01:01:01.500 --> 01:01:02.000\n<b>Late</b>\n',
  )
})
