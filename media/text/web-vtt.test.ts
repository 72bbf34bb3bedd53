import assert from 'node:assert/strict'
import { test } from 'node:test'
import { webVtt } from './web-vtt.ts'

test('cues have their times to the millisecond, marks around styled text, and nothing that a parser would take for a mark', () => {
  const style = { size: 100, color: 0xffffffff }
  const samples = [
    { start: 0, end: 900, text: '', styles: [] },
    { start: 900, end: 3_661_001, text: '<b> & 😀 bold-italic', styles: [{ from: 6, to: 10, face: 1, ...style }, { from: 8, to: 99, face: 2, ...style }] },
    { start: 3_661_001, end: 3_662_000, text: 'a\n\nb', styles: [] },
  ] // biome-ignore format: short
  assert.equal(
    webVtt(samples),
    [
      'WEBVTT',
      '',
      '00:00:00.900 --> 01:01:01.001',
      '&lt;b&gt; &amp; <b>😀 </b><i>bold-italic</i>',
      '',
      '01:01:01.001 --> 01:01:02.000',
      'a\nb',
      '',
    ].join('\n'),
  )
})
