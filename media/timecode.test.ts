import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_METADATA, notesOf, type Rational } from '../protocol/plan.ts'
import { fitTimecode } from './timecode.ts'

function fit(timecode: string | null, fps: Rational, variable_rate = false) {
  const metadata = { ...NO_METADATA, picture: { ...NO_METADATA.picture, timecode } }
  const tag = { part: 'tag timecode of stream 0', fate: 'kept', note: null } as const
  const fit = fitTimecode({ metadata, fates: [tag] }, { fps, variable_rate })
  return { timecode: fit.metadata.picture.timecode, notes: notesOf(fit.fates), fate: fit.fates[0]?.fate }
}

test('a timecode of the frame rate is kept; one that drops frames only at multiples of 29.97', () => {
  assert.equal(fit('01:02:03:24', [25, 1]).timecode, '01:02:03:24')
  for (const fps of [
    [30_000, 1001],
    [60_000, 1001],
  ] as const)
    assert.equal(fit('01:02:03;04', fps).timecode, '01:02:03;04')
  for (const fps of [
    [24_000, 1001],
    [25, 1],
    [30, 1],
  ] as const)
    assert.equal(fit('01:02:03;04', fps).timecode, null)
})

test('one that the rate does not have is left out with a note', () => {
  assert.deepEqual(fit('01:02:03:25', [25, 1]), {
    timecode: null,
    notes: ['The timecode 01:02:03:25 is left out: it does not go with 25 frames per second.'],
    fate: 'left_out',
  })
  assert.match(fit('00:00:00:00', [25, 1], true).notes[0] ?? '', /a variable frame rate/)
  assert.deepEqual(fit(null, [25, 1]), { timecode: null, notes: [], fate: 'kept' })
})
