/** A track that another build has planned, and that this one cannot decode, is silent in the result: the film does not fail. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import type { AudioFacts, Plan } from '../protocol/plan.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { folder } from '../testing/tools/folder.ts'
import { encodeAudio } from './audio-encoding.ts'
import { takeAudio } from './audio-extra.ts'
import { createRunner } from './run-ffmpeg.ts'
import { tracksOf } from './verify.ts'

const TRACK: AudioFacts = {
  stream: 1, codec: 'aac', channels: 1, layout: 'mono', source_channels: 1, extra: 'copied', relabelled: false,
  sample_rate: 48_000, language: '', title: '', flags: [],
} // biome-ignore format: a record

test('a track that cannot be decoded on the second look is a moment of silence', async (t) => {
  const dir = await folder(t)
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const source = join(dir, 'a.mp4')
  const sine = ['-f', 'lavfi', '-i', 'sine=440:r=48000:d=2']
  await execa(ffmpeg, [
    '-v', 'error', ...['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=25:d=2'], ...sine, '-map', '0', '-map', '1', '-map', '1',
    '-c:v', 'libx264', '-c:a:0', 'aac', '-c:a:1', 'alac', source,
  ]) // biome-ignore format: groups
  const bytes = await readFile(source)
  bytes.write('mhm1', bytes.indexOf('alac'), 'latin1')
  await writeFile(source, bytes)
  const programs = { ffmpeg, ffprobe, clock: systemClock, rng: systemRng, run: createRunner({ clock: systemClock }) }
  const plan = {
    audio: [TRACK, { ...TRACK, stream: 2, codec: 'alac', extra: 'decoded' }],
    start_pts: 0, end_pts: 2, time_base: [1, 1], lead: 0, track_timescale: 12_800, audio_kbps: 64,
  } as unknown as Plan // biome-ignore format: a record

  const input = await takeAudio(programs, { plan, source, outDir: dir, signal: t.signal })
  assert.ok(input)
  const out = join(dir, 'audio.m4a')
  await encodeAudio(programs, { plan, input, out, signal: t.signal })
  const seconds = (await tracksOf(out)).map(({ duration, timescale }) => duration / timescale)
  assert.equal(seconds.length, 2)
  assert.ok(Math.abs(seconds[0]! - 2) < 0.05 && seconds[1]! < 0.05, seconds.join())
})
