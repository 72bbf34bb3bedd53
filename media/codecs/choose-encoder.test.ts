import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkerAbility } from '../../protocol/media.ts'
import { chooseEncoder } from './choose-encoder.ts'

const AV1 = { id: '720p-av1', codec: 'av1', preset: '8', bit_depth: 8 } as const
const worker = (encoder: string, change: Partial<WorkerAbility> = {}): WorkerAbility => ({
  ...{ slots: 2, encoders: ['x264', encoder, `${encoder}-10bit`], renditions: 'all' },
  ...change,
})
const [SVT, AOM] = ['svtav1-4-1-0', 'aom-3-6-0']
const BOTH = ['x264', AOM, `${AOM}-10bit`, SVT, `${SVT}-10bit`]

test('a plan names libaom where no worker has SVT-AV1, and SVT-AV1 where one has', () => {
  assert.equal(chooseEncoder(AV1, BOTH, []), SVT, 'nobody is known')
  assert.equal(chooseEncoder(AV1, [AOM], [worker(SVT)]), AOM, 'the planner needs it for its trial frame')
  assert.equal(chooseEncoder(AV1, BOTH, [worker(AOM)]), AOM)
  assert.equal(chooseEncoder(AV1, BOTH, [worker('svtav1-1-4-1'), worker(AOM)]), AOM, 'another build is no help')
  assert.equal(chooseEncoder(AV1, BOTH, [worker(AOM), worker(SVT), worker(AOM)]), SVT)
  assert.equal(chooseEncoder({ ...AV1, bit_depth: 10 }, BOTH, [worker(AOM)]), `${AOM}-10bit`)
  assert.equal(chooseEncoder({ ...AV1, codec: 'hevc' }, BOTH, [worker(AOM)]), undefined)
})

test('workers that are together much faster decide, by their slots, measured speeds, and what their owners allow', () => {
  const many = (change: Partial<WorkerAbility> = {}) => [worker(SVT), worker(AOM, { slots: 9, ...change })]
  assert.equal(chooseEncoder(AV1, BOTH, many()), AOM)
  assert.equal(chooseEncoder(AV1, BOTH, many({ slots: 6 })), SVT)
  assert.equal(chooseEncoder(AV1, BOTH, many({ renditions: ['480p'] })), SVT)
  assert.equal(chooseEncoder(AV1, BOTH, many({ speeds: { 'aom/8': 1.2 } })), SVT)
  assert.equal(chooseEncoder(AV1, BOTH, many({ slots: 2, speeds: { 'aom/8': 0.1 } })), AOM)
})
