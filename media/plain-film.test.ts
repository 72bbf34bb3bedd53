import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { folder } from '../testing/tools/folder.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, ffmpeg, film, signal } from './film.test-support.ts'
import { isPlainFilm } from './plain-film.ts'

const X264 = ['-c:v', 'libx264', '-c:a', 'aac']
const KEY = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '0'.repeat(32), '-encryption_kid', '1'.repeat(32)]

test('a film as phones write it shows by its boxes what it is, and needs no ffprobe', {
  timeout: 60_000,
}, async (t) => {
  const dir = await folder(t)
  const films = {
    'phone.mp4': X264,
    'camera.mov': X264,
    'start.mp4': [...X264, '-movflags', '+faststart'],
    'silent.mp4': ['-c:v', 'libx264', '-an'],
  }
  const programs = { ffmpeg: FFMPEG, ffprobe: '/bin/false', clock: systemClock, rng: systemRng }
  const media = createFfmpegMedia({ ...programs, sandbox: 'off' })
  for (const [name, args] of Object.entries(films)) await media.check(await film({ dir, name }, 1, ...args), signal)
})

test('whatever may be no film, or is read in another way, is left to ffprobe', { timeout: 60_000 }, async (t) => {
  const dir = await folder(t)
  const whole = await film({ dir, name: 'whole.mp4' }, 1, ...X264)
  const bytes = await readFile(whole)
  const written = async (name: string, content: Buffer) => {
    await writeFile(join(dir, name), content)
    return join(dir, name)
  }
  const without = (type: string) => Buffer.from(bytes.toString('latin1').replaceAll(type, 'skip'), 'latin1')
  const unsure = [
    await film({ dir, name: 'film.mkv' }, 1, ...X264),
    await film({ dir, name: 'fragments.mp4' }, 1, ...X264, '-movflags', '+frag_keyframe+empty_moov'),
    await film({ dir, name: 'sound.m4a' }, 1, '-vn'),
    await film({ dir, name: 'other.mp4' }, 1, '-c:v', 'mpeg4'),
    await film({ dir, name: 'secret.mp4' }, 1, ...X264, ...KEY),
    await written('cut.mp4', bytes.subarray(0, bytes.length - 100)),
    await written('half.mp4', bytes.subarray(0, bytes.length >> 1)),
    await written('unconfigured.mp4', without('avcC')),
    await written('unlisted.mp4', without('stsz')),
    await written('nowhere.mp4', without('stco')),
    await written('twice.mp4', Buffer.concat([bytes, bytes])),
  ]
  const two = join(dir, 'two.mp4')
  await ffmpeg('-i', `file:${whole}`, '-map', '0:v', '-map', '0:v', '-c', 'copy', `file:${two}`)
  assert.equal(await isPlainFilm(whole), true)
  for (const path of [...unsure, two]) assert.equal(await isPlainFilm(path), false, path)
})

test('no damage of the index makes the look at it fail', { timeout: 60_000 }, async (t) => {
  const dir = await folder(t)
  const bytes = await readFile(await film({ dir, name: 'whole.mp4' }, 1, ...X264, '-movflags', '+faststart'))
  const [start, path] = [bytes.indexOf('moov', 0, 'latin1'), join(dir, 'damaged.mp4')]
  for (let at = start; at < start + 1_200; at += 3) {
    const damaged = Buffer.from(bytes)
    damaged.fill(0xff, at, at + 3)
    await writeFile(path, damaged)
    assert.equal(typeof (await isPlainFilm(path)), 'boolean')
  }
})
