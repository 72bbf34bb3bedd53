/** What is known of plain pictures and plain sound without a decode is what a decode shows. By real ffmpeg. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { folder } from '../testing/tools/folder.ts'
import { tryAudio } from './audio-trial.ts'
import { FFMPEG, FFPROBE, film, run, signal } from './film.test-support.ts'
import { plainCutting } from './plain-cuts.ts'
import { plainPicture } from './plain-picture.ts'
import { plainSound } from './plain-sound.ts'
import { probeSource } from './probing.ts'
import { type IndexJob, indexSource } from './reading.ts'
import { chooseCutting } from './trial-cuts.ts'

const programs = { ffmpeg: FFMPEG, ffprobe: FFPROBE, clock: systemClock, rng: systemRng, run }
const selfTestReport = { ffmpeg: '', decoders: [], encoders: [], filters: [], encode_bytes: 1, cores_per_slot: 1 }

const ends: (() => unknown)[] = []
let dir = ''
before(async () => {
  dir = await folder({ after: (end) => void ends.push(end) })
})
after(async () => {
  for (const end of ends) await end()
})

async function read(name: string, ...options: string[]) {
  const source = await film({ dir, name }, 2, ...options)
  return { source, probe: await probeSource(programs, source, signal) }
}

async function isPlain(name: string, ...options: string[]) {
  const { source, probe } = await read(name, ...options)
  const { format, video, packets } = probe
  return (await plainPicture({ source, format, codec: video.codec, packets: packets! })) !== null
}

const isSoundPlain = async ({ source, probe }: Awaited<ReturnType<typeof read>>) =>
  (await plainSound({ ...probe, source, isStraight: true, start: 0 })) !== null

test('progressive H.264 in MP4 is plain, with B-frames and without', { timeout: 60_000 }, async () => {
  assert.equal(await isPlain('reordered.mp4', '-preset', 'fast'), true)
  assert.equal(await isPlain('in-order.mov', '-bf', '0'), true)
})

test('fields, structures, other codecs and containers, and hidden beginnings are not plain', {
  timeout: 60_000,
}, async () => {
  assert.equal(await isPlain('fields.mp4', '-flags', '+ildct+ilme', '-s', '160x96'), false)
  assert.equal(await isPlain('structured.mp4', '-x264-params', 'pic-struct=1'), false)
  assert.equal(await isPlain('film.mkv'), false)
  assert.equal(await isPlain('mpeg4.mp4', '-c:v', 'mpeg4'), false)
  assert.equal(await isPlain('in-band.mp4', '-x264-params', 'repeat-headers=1'), false)
})

test('the index of a plain picture is that of its decoded beginning', { timeout: 60_000 }, async () => {
  for (const options of [
    ['-preset', 'fast'],
    ['-bf', '0'],
    ['-preset', 'fast', '-vf', 'setpts=N*N/(10*TB)'],
  ]) {
    const { source, probe } = await read('indexed.mp4', ...options)
    const job: IndexJob = { source, probe, selfTestReport, signal }
    const known = await indexSource(programs, job)
    // Another name of the container is not looked into.
    const decoded = await indexSource(programs, { ...job, probe: { ...probe, format: 'other' } })
    assert.ok(known.plain)
    assert.deepEqual({ ...known, head: 0, plain: null }, { ...decoded, head: 0 })
    assert.equal(known.frames, probe.packets!.pts.length)
  }
})

test('AAC-LC in MP4 is plain; other codecs, rates and containers are tried', { timeout: 60_000 }, async () => {
  const sound = async (name: string, ...options: string[]) => isSoundPlain(await read(name, ...options))
  assert.equal(await sound('mono.mp4'), true)
  assert.equal(await sound('stereo.mp4', '-ac', '2'), true)
  assert.equal(await sound('round.mp4', '-ac', '6'), true)
  assert.equal(await sound('quad.mp4', '-ac', '4'), false)
  assert.equal(await sound('low.mp4', '-ar', '24000'), false)
  assert.equal(await sound('ac3.mp4', '-c:a', 'ac3'), false)
  assert.equal(await sound('sound.mkv', '-c:a', 'aac'), false)
  assert.equal(await sound('early.mp4', '-vf', 'setpts=PTS+1/TB'), true)
})

test('bytes that do not begin as sound are tried', { timeout: 60_000 }, async () => {
  const { source, probe } = await read('damaged.mp4', '-ac', '2')
  const bytes = await readFile(source)
  for (const { fields } of probe.sounds[0]!.packets)
    bytes.fill(0xff, Number(fields.get('pos')), Number(fields.get('pos')) + 2)
  const damaged = join(dir, 'damaged-sound.mp4')
  await writeFile(damaged, bytes)
  assert.equal(await isSoundPlain({ source: damaged, probe }), false)
})

/** A film of 20 s with pictures every 40 ms, to be cut. */
async function toCut(name: string, ...options: string[]) {
  const source = await film({ dir, name }, 20, '-ac', '2', ...options)
  const probe = await probeSource(programs, source, signal)
  const index = await indexSource(programs, { source, probe, selfTestReport, signal })
  const { video, time_base } = probe
  const plan = { video, time_base, genpts: index.genpts, start_pts: index.times[0]!, lead: 0, track_timescale: 12_800 }
  return { probe, trial: { source, index, plan, encodeCores: 1.8, oneAtATime: false, breaks: [], signal } }
}

test('cuts and sound of a plain film are known without the trials that find the same', {
  timeout: 60_000,
}, async () => {
  const { probe, trial } = await toCut('plain-cuts.mp4', '-preset', 'fast', '-g', '60')
  const cutting = await plainCutting(trial)
  assert.ok(cutting && cutting.chunks.length > 1)
  assert.deepEqual(cutting, { ...(await chooseCutting(programs, trial)), closed_cuts: true })
  const { source } = trial
  const audio = { source, audio: probe.audio, seconds: 20, start: 0, isStraight: false, signal }
  const sound = await plainSound({ ...audio, format: probe.format, sounds: probe.sounds })
  // A trial decodes less of what an encoder has added before the first sample: the film begins with its picture either way.
  assert.deepEqual(sound, { ...(await tryAudio(programs, audio)), begins: sound?.begins })
})

test('cuts that begin with a picture to which later ones do not keep, or with changes of shape, are tried', {
  timeout: 60_000,
}, async () => {
  const open = await toCut('open.mp4', '-preset', 'fast', '-x264-params', 'open-gop=1:keyint=60:scenecut=0')
  assert.ok(open.trial.index.plain)
  assert.equal(await plainCutting(open.trial), null)
  const closed = await toCut('closed.mp4', '-g', '60')
  assert.equal(await plainCutting({ ...closed.trial, breaks: [5 * 12_800] }), null)
  assert.equal(await plainCutting({ ...closed.trial, index: { ...closed.trial.index, plain: null } }), null)
})
