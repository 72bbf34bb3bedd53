/** A film that nobody can decode without its key is refused as what it is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture, realCase, refusal, tone, X264 } from '../../../testing/sources/real.ts'

test('an encrypted MP4 is named so', async (t) => {
  const film = await realCase(t)
  const key = [
    '-encryption_key',
    '76a6c65c5ea762046bd749a2e632ccbb',
    '-encryption_kid',
    'a7e61c373e219033c21091fa607bf3b8',
  ]
  const cenc = ['-c:a', 'aac', '-encryption_scheme', 'cenc-aes-ctr', ...key]
  const source = await film.make('film.mp4', [...picture({ seconds: 1 }), ...tone({ seconds: 1 }), ...X264, ...cenc])
  assert.match(await refusal(film.run(source)), /film\.mp4" is encrypted \(DRM: cenc\)/)
})
