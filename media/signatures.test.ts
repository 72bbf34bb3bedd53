import assert from 'node:assert/strict'
import { chmod, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { asSha256 } from '../protocol/ids.ts'
import { folder } from '../testing/tools/folder.ts'
import { createSignatures } from './signatures.ts'

const SIGNATURES = ['a', 'b'].map((digit) => asSha256(digit.repeat(64)))
const run = () => Promise.reject(new Error('nothing is run'))

test('signatures are kept for their arguments and their build', async (t) => {
  const [dir, kept] = [await folder(t), await folder(t)]
  const ffmpeg = join(dir, 'ffmpeg')
  await writeFile(ffmpeg, 'one build')
  const make = (cacheDir: string | null) =>
    createSignatures({ ffmpeg, ffprobe: ffmpeg, clock: systemClock, rng: systemRng, run }, cacheDir)
  const first = make(kept)
  assert.equal(await first.find(['-a']), null)
  await first.keep(['-a'], SIGNATURES)
  assert.deepEqual(await first.find(['-a']), SIGNATURES)
  assert.equal(await first.find(['-b']), null)
  assert.deepEqual(await make(kept).find(['-a']), SIGNATURES, 'another process finds them')
  assert.equal(await make(null).find(['-a']), null)
  await utimes(ffmpeg, 1, 1)
  assert.equal(await make(kept).find(['-a']), null, 'another build does not')
})

test('a damaged file, and a folder that cannot be written, cost only trials', async (t) => {
  const [dir, kept] = [await folder(t), await folder(t)]
  const ffmpeg = join(dir, 'ffmpeg')
  const programs = { ffmpeg, ffprobe: ffmpeg, clock: systemClock, rng: systemRng, run }
  await createSignatures(programs, kept).keep(['-a'], SIGNATURES)
  const [name] = await readdir(kept)
  for (const text of ['[["x",["no hash"]]]', '{}', '[[', 'null']) {
    await writeFile(join(kept, name!), text)
    assert.equal(await createSignatures(programs, kept).find(['-a']), null, text)
  }
  const file = join(dir, 'no-folder')
  await writeFile(file, '')
  await chmod(file, 0o400)
  const unkept = createSignatures(programs, file)
  await unkept.keep(['-a'], SIGNATURES)
  assert.deepEqual(await unkept.find(['-a']), SIGNATURES)
})
