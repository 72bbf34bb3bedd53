import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toneMapping } from './doctor.ts'

test('an ffmpeg without zscale leaves HDR to others, one whose zscale has other results does not', () => {
  assert.deepEqual(toneMapping(['bwdif', 'zscale-9f0a03']), [])
  assert.deepEqual(toneMapping(['zscale']), [])
  assert.match(toneMapping(['bwdif'])[0]?.text ?? '', /HDR sources are left to other peers/)
})
