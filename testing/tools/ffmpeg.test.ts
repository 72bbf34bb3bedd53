import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureFfmpeg, isNewEnough } from './ffmpeg.ts'

test('versions from 5.1 on will do, however a build writes them', () => {
  for (const version of [
    '5.1',
    '5.1.9-0+deb12u1',
    'n7.1',
    '6.0-static',
    '9.0.2',
    'N-118193-g5f38c82536',
    '2025-01-02-git-x',
  ]) {
    assert.ok(isNewEnough(version), version)
  }
  for (const version of ['5.0.3', '4.4.2-0ubuntu0.22.04.1', 'n4.4', '5']) assert.ok(!isNewEnough(version), version)
})

test('an ffmpeg that is too old is refused in one sentence, and nothing is installed for it', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-ffmpeg-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  for (const name of ['ffmpeg', 'ffprobe']) {
    await writeFile(join(dir, name), `#!/bin/sh\necho "${name} version 4.4.2 Copyright"\n`)
    await chmod(join(dir, name), 0o755)
  }
  const { REELMESH_FFMPEG, REELMESH_FFPROBE } = process.env
  t.after(() => {
    for (const [key, value] of Object.entries({ REELMESH_FFMPEG, REELMESH_FFPROBE })) {
      if (value === undefined) delete process.env[key]
      else process.env[key] = value
    }
  })
  process.env.REELMESH_FFMPEG = join(dir, 'ffmpeg')
  delete process.env.REELMESH_FFPROBE
  await assert.rejects(ensureFfmpeg(), /version 4\.4\.2, older than 5\.1\. Install ffmpeg/)
})
