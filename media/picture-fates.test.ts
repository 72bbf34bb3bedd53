import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VideoFacts } from '../protocol/plan.ts'
import { DEFAULT_ENCODING } from '../protocol/recipe.ts'
import type { SizedRendition } from './ladder.ts'
import { hdrFates, presetFates } from './picture-fates.ts'

const sized = (...depths: (8 | 10)[]): SizedRendition[] =>
  depths.map((bit_depth) => ({ ...DEFAULT_ENCODING, id: `480p-${bit_depth}`, width: 854, height: 480, bit_depth }))
const fates = (hdr: boolean, ...depths: (8 | 10)[]) => hdrFates({ hdr } as VideoFacts, sized(...depths))

test('HDR is kept in 10 bits, tone-mapped in 8, and both are named where both are made', () => {
  assert.deepEqual(fates(false, 8, 10), [])
  assert.deepEqual(fates(true, 10), [{ part: 'HDR', fate: 'kept', note: null }])
  assert.match(fates(true, 8)[0]?.note ?? '', /these 8-bit renditions are tone-mapped to BT\.709/)
  assert.equal(
    fates(true, 8, 10)[0]?.note,
    'The picture is HDR, and so are 480p-10; of 8 bits, and tone-mapped to BT.709 (SDR), are 480p-8.',
  )
})

test('a rendition that is made at another preset than is asked for has a note that says both', () => {
  const [asked] = sized(10)
  const made = { id: '480p-10', codec: 'av1', class: 'h264>svtav1-4-1-0-10bit/480p-10' }
  const wanted = [{ ...asked!, preset: '12' }]
  assert.deepEqual(presetFates(wanted, [{ ...made, preset: '12' }]), [])
  assert.equal(
    presetFates(wanted, [{ ...made, preset: '9' }])[0]?.note,
    '480p-10 is encoded at preset 9 in place of 12, at which this build of libsvtav1 shows wrong blocks.',
  )
})
