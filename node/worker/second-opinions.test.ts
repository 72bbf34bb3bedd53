/** Which films wait behind the others after a failure, and until when. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { createSecondOpinions } from './second-opinions.ts'

const [SELF, OTHER] = [asPeerId('ann'), asPeerId('bob')]
const film = (n: number) => n.toString(16).padStart(16, '0') as VideoId
const sound = (n: number) => taskId(film(n), 'audio')

function stage() {
  const at = { now: 1_000 }
  const hints = createHints()
  const opinions = createSecondOpinions({ self: SELF }, { hints, clock: { mono: () => at.now } as Clock })
  opinions.start()
  const failed = (n: number, peer = OTHER) => hints.publish({ what: 'tasks', video: film(n), task: sound(n), peer })
  return { at, hints, opinions, failed }
}

it('a film waits from its failure until the task that failed succeeds, its state changes, or a minute is over', () => {
  const { at, hints, opinions, failed } = stage()
  for (const n of [1, 2, 3]) failed(n)
  assert.deepEqual(opinions.films(), [film(1), film(2), film(3)])
  hints.publish({ what: 'decided', video: film(1), task: taskId(film(1), '480p', 0) })
  assert.equal(opinions.films().length, 3, 'another task of the film says nothing')
  hints.publish({ what: 'decided', video: film(1), task: sound(1) })
  hints.publish({ what: 'video', video: film(2) })
  assert.deepEqual(opinions.films(), [film(3)])
  at.now += 40_000
  failed(3)
  at.now += 59_999
  assert.deepEqual(opinions.films(), [film(3)], 'a further failure starts the minute again')
  at.now += 1
  assert.deepEqual(opinions.films(), [])
  opinions.stop()
  failed(4)
  assert.deepEqual(opinions.films(), [])
})

it('each task that another peer failed at is to be tried once; one of this peer is not', () => {
  const { opinions, failed } = stage()
  failed(1)
  failed(2, SELF)
  failed(3)
  assert.deepEqual([opinions.takeTask(), opinions.takeTask(), opinions.takeTask()], [sound(1), sound(3), null])
  assert.equal(opinions.films().length, 3)
})

it('a hint of tasks that says no failure makes no film wait', () => {
  const { hints, opinions } = stage()
  hints.publish({ what: 'tasks', video: film(1) })
  hints.publish({ what: 'tasks', video: film(1), task: sound(1) })
  hints.publish({ what: 'tasks', video: null, task: sound(1), peer: OTHER })
  assert.deepEqual([opinions.films(), opinions.takeTask()], [[], null])
})

it('hints of ever more films are forgotten, the oldest first', () => {
  const { opinions, failed } = stage()
  for (let n = 0; n < 3_000; n++) failed(n)
  assert.equal(opinions.films().length, 1_000)
  assert.equal(opinions.films()[0], film(2_000))
})
