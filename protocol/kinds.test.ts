/** The table of task kinds: what its answers mean together, and that a kind of a newer version does no harm. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addKind,
  controlSlots,
  isKind,
  type KindFacts,
  kindFacts,
  kindsWhere,
  resultKinds,
  UNKNOWN_KIND,
} from './kinds.ts'
import { DEFAULT_RECIPE, type Recipe } from './recipe.ts'
import { isRenditionId } from './rendition.ts'
import { describeTask, requiredTasks } from './task.ts'
import { VIDEO_STATUSES } from './video.ts'

describe('the table of task kinds', () => {
  test('gives the kinds of control tasks slots, and no others', () => {
    for (const kind of kindsWhere(() => true)) {
      const { slots, scope } = kindFacts(kind)
      if (slots === 'encode') continue
      assert.ok(slots.length > 0, kind)
      assert.equal(scope, 'video', kind)
    }
    assert.deepEqual(controlSlots(), [['merge', 'package'], ['ingest', 'merge', 'package'], ['ingest']])
  })
  test('names what a video needs in each of its states, by its recipe', () => {
    const needed = (recipe: Recipe) =>
      VIDEO_STATUSES.map((status) => {
        const video = { _id: '00112233445566aa' as never, priority: 3, due: 20, created_at: 10, status, recipe }
        return requiredTasks(video).map(({ kind, class: taskClass, priority, due, rank }) => [
          kind,
          taskClass,
          priority,
          due,
          rank,
        ])
      })
    const [ingest, merge, streaming] = ['ingest', 'merge', 'package'].map((kind) => [kind, kind, 3, 10, 0])
    assert.deepEqual(needed(DEFAULT_RECIPE), [[ingest], [ingest], [], [merge], [], [], []])
    const packaged = needed({ ...DEFAULT_RECIPE, package: { formats: ['hls'] } })
    assert.deepEqual(packaged, [[ingest], [ingest], [], [merge, streaming], [], [], []])
  })
  test('has the kinds that make the results a recipe asks for, and one that makes the tasks', () => {
    assert.deepEqual(resultKinds({}), ['merge'])
    assert.deepEqual(resultKinds({ package: {} }), ['merge', 'package'])
    assert.deepEqual(resultKinds({ package: { only: true } }), ['package'])
    assert.deepEqual(
      kindsWhere(({ createsTasks }) => createsTasks),
      ['ingest'],
    )
  })
  test('has facts for an unknown kind by which it is not claimed, counted or waited for', () => {
    assert.equal(kindFacts('loudness'), UNKNOWN_KIND)
    assert.equal(isKind('loudness'), false)
    assert.deepEqual([UNKNOWN_KIND.countsAsEncode, UNKNOWN_KIND.claimedIn, UNKNOWN_KIND.requiredIn], [false, [], []])
    assert.equal(describeTask({ kind: 'loudness', chunk_id: 0, resolution: 'loudness' }), 'loudness')
  })
  test('takes one more kind, under a name that is free, and no rendition may be called so then', () => {
    assert.ok(isRenditionId('loudness'))
    const remove = addKind('loudness', { ...kindFacts('audio'), countsAsEncode: false })
    assert.equal(isRenditionId('loudness'), false)
    assert.throws(() => addKind('loudness', UNKNOWN_KIND), TypeError)
    assert.throws(() => addKind('Not a name', UNKNOWN_KIND), TypeError)
    remove()
    assert.equal(isKind('loudness'), false)
  })
})

/** Compiles only while every answer is required: a kind that leaves one out is an error in `tsc`. */
type Without<Answer extends keyof KindFacts> = Omit<KindFacts, Answer>
type IsRequired<Answer extends keyof KindFacts> = Without<Answer> extends KindFacts ? never : true
export const REQUIRED: { readonly [Answer in keyof KindFacts]-?: IsRequired<Answer> } = {
  slots: true,
  waitingMax: true,
  scope: true,
  countsAsEncode: true,
  tasksOf: true,
  createsTasks: true,
  outputCollected: true,
  outputs: true,
  eligibility: true,
  dueFrom: true,
  requiredIn: true,
  wantedBy: true,
  claimedIn: true,
  backedUp: true,
  countsAgainstPeer: true,
  failsVideo: true,
  audited: true,
  audits: true,
}
