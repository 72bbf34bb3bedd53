/** Which results are drawn, who may audit them, what results say, and what is made again. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ANN, BOB, CAT, peer, sha } from '../../protocol/conformance/ledger/world.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { AUDITED_FIRST } from '../../protocol/limits.ts'
import {
  type Auditor,
  type AuditResult,
  auditors,
  isComparable,
  isDrawn,
  judge,
  notBy,
  sinceLastGood,
} from './audits.ts'

const DAN = peer('Dan')

describe('which results are comparable', () => {
  for (const [taskClass, is] of [
    ['h264>x264/1080p', true],
    ['hevc10>x265-199/720p', true],
    ['vp910>x264/720p', true],
    ['h264+bwdif+mpegts>x264/480p', true],
    ['hevc10+zscale>x264/1080p', false],
    ['hevc10+zscale-abc123>x264/1080p', false],
    ['mpeg2video>x264/480p', false],
    ['mjpeg>x264/480p', false],
    ['audio', false],
  ] as const)
    test(`${taskClass}: ${is}`, () => assert.equal(isComparable(taskClass), is))
})

describe('the draw', () => {
  test('takes the first results of a new peer whatever the share, and no more than must agree', () => {
    for (let agreed = 0; agreed <= AUDITED_FIRST; agreed++)
      for (let outstanding = 0; outstanding <= AUDITED_FIRST; outstanding++)
        assert.equal(isDrawn({ agreed, outstanding, share: 0.02, random: 0.5 }), agreed + outstanding < AUDITED_FIRST)
  })
  test('takes the share of the others', () => {
    const known = { agreed: AUDITED_FIRST, outstanding: 0, share: 0.2 }
    assert.deepEqual(
      [0, 0.19, 0.2, 0.9].map((random) => isDrawn({ ...known, random })),
      [true, true, false, false],
    )
    assert.equal(isDrawn({ ...known, share: 1, random: 0.999 }), true)
    assert.equal(isDrawn({ ...known, share: 0, random: 0 }), false)
  })
})

const able = (id: PeerId, change: Partial<Auditor> = {}): Auditor => ({
  peer: id,
  host: `${id}-0000000${id.length % 10}`,
  state: 'idle',
  slots: 1,
  decoders: ['h264'],
  encoders: ['x264'],
  filters: [],
  renditions: 'all',
  kinds: [],
  ...change,
})

test('nobody audits a result of its own or of its machine, and only who takes work and can do it', () => {
  const neighbour = peer('Eve')
  const present = [
    able(ANN, { host: 'a-00000001' }),
    able(neighbour, { host: 'container-00000001' }),
    able(BOB, { host: 'b-00000002' }),
    able(CAT, { host: 'c-00000003', state: 'paused' }),
    able(DAN, { host: 'd-00000004', renditions: ['480p'] }),
    able(peer('Fay'), { host: 'f-00000005', slots: 0 }),
  ]
  const not_by = notBy([ANN], present)
  assert.deepEqual(not_by, [ANN, neighbour])
  assert.deepEqual(auditors(present, { taskClass: 'h264>x264/1080p', not_by }), [BOB])
  assert.deepEqual(auditors(present, { taskClass: 'h264>x264/480p', not_by: notBy([ANN, BOB], present) }), [DAN])
  assert.deepEqual(notBy([peer('gone')], present), [peer('gone')])
})

const result = (by: PeerId, word: string): AuditResult => ({
  task: `${by}` as TaskId,
  attempt: 1,
  peer: by,
  sha256: sha(word),
  at: 1,
})

describe('the judgement of results', () => {
  const judged = (...results: AuditResult[]) => {
    const { right, wrong, areDifferent } = judge(results)
    return { right, wrong: wrong.map((each) => each.peer), areDifferent }
  }
  test('needs two peers that agree, more than any others', () => {
    assert.deepEqual(judged(result(ANN, 'x')), { right: null, wrong: [], areDifferent: false })
    assert.deepEqual(judged(result(ANN, 'x'), result(BOB, 'x')), { right: sha('x'), wrong: [], areDifferent: false })
    assert.deepEqual(judged(result(ANN, 'x'), result(BOB, 'y')), { right: null, wrong: [], areDifferent: true })
    const third = judged(result(ANN, 'x'), result(BOB, 'y'), result(CAT, 'y'))
    assert.deepEqual(third, { right: sha('y'), wrong: [ANN], areDifferent: true })
    const liar = judged(result(ANN, 'x'), result(BOB, 'y'), result(CAT, 'x'))
    assert.deepEqual(liar, { right: sha('x'), wrong: [BOB], areDifferent: true })
    const tie = judged(result(ANN, 'x'), result(BOB, 'y'), result(CAT, 'x'), result(DAN, 'y'))
    assert.deepEqual(tie, { right: null, wrong: [], areDifferent: true })
  })
  test('counts a peer once, however often it says the same', () => {
    assert.deepEqual(judged(result(ANN, 'x'), result(ANN, 'x')), { right: null, wrong: [], areDifferent: false })
  })
  test('never calls honest peers wrong while they are more than those that say one other thing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 0, max: 6 }), (honest, lying) => {
        const liars = Math.min(lying, honest - 1)
        const results = [
          ...Array.from({ length: liars }, (_, n) => result(peer(`liar${n}`), 'lie')),
          ...Array.from({ length: honest }, (_, n) => result(peer(`honest${n}`), 'truth')),
        ]
        assert.deepEqual(judge(results).right, sha('truth'))
        assert.equal(judge(results).wrong.length, liars)
      }),
    )
  })
})

test('all results since the last good audit before the wrong one are made again, but those that were audited', () => {
  const made = (['none', 'agreed', 'none', 'undecided', 'chosen', 'agreed', 'none'] as const).map((audit, n) => ({
    audit,
    end_time: n * 10,
  }))
  const times = (at: number) => sinceLastGood(made, at).map(({ end_time }) => end_time)
  assert.deepEqual(times(40), [20, 30, 40, 60])
  assert.deepEqual(times(60), [60])
  assert.deepEqual(times(5), [0, 20, 30, 40, 60])
})
