import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathFor, renditionPath } from './artifact.ts'

test('an artifact lies below the folder of its delivery, under the name of the delivery', () => {
  assert.equal(pathFor({ path: renditionPath('1080p-av1') }, 'film $& 1'), '1080p-av1/film $& 1.mp4')
  assert.equal(pathFor({ path: '{name}/hls/seg-00001.m4s' }, 'film'), 'film/hls/seg-00001.m4s')
})

test('a path that could lead out of the folder is refused', () => {
  for (const path of ['../x.mp4', '480p/../../x', '/etc/passwd', '480p//x', '', '.hidden/x', 'a\\b', '480p/x\n'])
    assert.throws(() => pathFor({ path }, 'film'), /bad_artifact|which is not a valid path/, path)
})
