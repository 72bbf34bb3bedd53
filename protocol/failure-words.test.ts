/** When two failures say the same of a task's data, and which never do. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAILURE_CODES, type FailureCode } from './errors.ts'
import { isAboutData, saysTheSame } from './failure-words.ts'

const failed = (message: string, code: FailureCode = 'encode_failed') => ({ code, message })
const AUDIO = 'encoding the audio failed with exit code 1: '

describe('two failures say the same', () => {
  const pairs: readonly [string, string][] = [
    ['Decoder (codec none) not found for input stream #0:0', 'Decoder (codec none) not found for input stream #0:0'],
    ['file:/data/a b/scratch/11-audio-x1/in.nut: bad', 'file:/data/a b/scratch/4711-audio-Zq/in.nut: bad'],
    ['[aac @ 0x55d0c0ffee00] Prediction is not allowed', '[aac @ 0x7f12abcd] Prediction is not allowed'],
    ["'/tmp/one/out.mp4': Invalid data", "'/srv/other/out.mp4': Invalid data"],
  ]
  for (const [one, other] of pairs)
    it(`in ${JSON.stringify(one)}`, () => assert.ok(saysTheSame(failed(AUDIO + one), failed(AUDIO + other))))

  it('of sound that was encoded by itself, and with the pictures', () => {
    assert.ok(saysTheSame(failed(`${AUDIO}no`), failed('encoding chunk 0 failed with exit code 1: no')))
  })

  it('not with other words, other numbers, or another code', () => {
    assert.ok(!saysTheSame(failed('exit code 1: no'), failed('exit code 1: yes')))
    assert.ok(!saysTheSame(failed('exit code 1: no'), failed('exit code 69: no')))
    assert.ok(!saysTheSame(failed('99 of 100 frames', 'verify_failed'), failed('98 of 100 frames', 'verify_failed')))
    assert.ok(!saysTheSame(failed('no'), failed('no', 'verify_failed')))
  })

  it('not by codes that circumstances cause', () => {
    const about = FAILURE_CODES.filter((code) => isAboutData(failed('no', code)))
    assert.deepEqual(about, ['encode_failed', 'verify_failed'])
    assert.ok(!saysTheSame(failed('ffmpeg made no progress', 'stalled'), failed('ffmpeg made no progress', 'stalled')))
  })

  it('not where ffmpeg repeats what its machine lacked', () => {
    for (const lack of ['Input/output error', 'Too many open files', 'No such file or directory', 'Permission denied'])
      assert.ok(!saysTheSame(failed(AUDIO + lack), failed(AUDIO + lack)), lack)
  })
})
