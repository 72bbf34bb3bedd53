import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audioText, codecText, encodeText, rateText } from './settings-text.ts'

test('the settings of a rendition are short words, each once', () => {
  const capped = { crf: 23, maxrate_kbps: 4500, bufsize_kb: 4500 }
  const of = { preset: 'medium', rate: capped, bit_depth: 8 } as const
  assert.equal(encodeText({ ...of, encoder: 'x264', profile: 'high' }), 'x264 high medium crf 23 ≤4500k')
  assert.equal(encodeText({ ...of, encoder: 'x265-199-10bit', bit_depth: 10 }), 'x265-199-10bit medium crf 23 ≤4500k')
  assert.equal(encodeText({ ...of, encoder: 'deep', bit_depth: 10, rate: { kbps: 900 } }), 'deep 10 bit medium 900k')
  assert.equal(rateText(capped), 'crf 23, at most 4500 kb/s')
  assert.equal(rateText({ kbps: 900 }), '900 kb/s')
  assert.equal(codecText({ codec: 'hevc', bit_depth: 10 }), 'hevc 10 bit')
  assert.equal(codecText({ codec: 'h264', bit_depth: 8, profile: 'main' }), 'h264 main')
})

test('the sound of a ladder is said in words', () => {
  assert.equal(audioText(undefined), 'aac, 64 kb/s a channel')
  assert.equal(
    audioText([{ codec: 'aac', channels: 2, kbps: 128, languages: ['eng', 'deu'] }, { codec: 'copy' }]),
    'aac stereo 128 kb/s (eng, deu); copy',
  )
  assert.equal(audioText([{ codec: 'opus', channels: 6 }]), 'opus 6 channels')
})
