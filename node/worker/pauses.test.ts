/** What a worker holds back after failures of its own, and what it goes on with. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { asPeerId, type VideoId } from '../../protocol/ids.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'
import { newTask } from './film.fixture.ts'
import { CLASS_FAILURES, createPauses } from './pauses.ts'
import type { Outcome } from './run-outcome.ts'

const film = (n: number) => n.toString(16).padStart(16, '0') as VideoId
const CLASS = newTask(0).class

function stage({ isAlone = false } = {}) {
  const at = { now: 1_000 }
  const beat = { state: 'idle', decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: [] }
  const other = { peer: asPeerId('bob'), beat, heard_mono: 1_000 } as unknown as HeardPeer
  const clock = { mono: () => at.now } as Clock
  const rng = { random: () => 0.5, token: () => '' }
  const pauses = createPauses({ clock, rng, peers: { all: () => (isAlone ? [] : [other]) } })
  const record = (n: number, outcome: Outcome, isAgreed = false) =>
    pauses.record([{ task: newTask(0, '480p', film(n)) as Task, outcome, isAgreed }])
  return { at, pauses, record }
}

describe('a worker that failed pauses', () => {
  it('the film alone, longer each time, until it succeeds in it', () => {
    const { at, pauses, record } = stage()
    for (const ms of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      record(1, 'failed')
      assert.deepEqual([pauses.films(), pauses.endsInMs(), pauses.isClassPaused(CLASS)], [[film(1)], ms, false])
      at.now += ms
      assert.deepEqual([pauses.films(), pauses.endsInMs()], [[], Number.POSITIVE_INFINITY])
    }
    record(1, 'succeeded')
    record(1, 'failed')
    assert.equal(pauses.endsInMs(), 2_000)
  })

  it('for the shortest time where it failed by circumstances', () => {
    const { pauses, record } = stage()
    for (let times = 0; times < 5; times++) record(1, 'blocked')
    assert.equal(pauses.endsInMs(), 1_000)
  })

  it('a class once it failed at it in several films in a row, while another peer can run it', () => {
    const [among, alone] = [stage(), stage({ isAlone: true })]
    for (const { pauses, record } of [among, alone]) {
      for (let n = 1; n < CLASS_FAILURES; n++) record(n, 'failed')
      assert.ok(!pauses.isClassPaused(CLASS))
      // The same films again are no further films.
      record(1, 'failed')
      assert.ok(!pauses.isClassPaused(CLASS))
      record(CLASS_FAILURES, 'failed')
    }
    assert.deepEqual([among.pauses.isClassPaused(CLASS), alone.pauses.isClassPaused(CLASS)], [true, false])
    assert.ok(!among.pauses.isClassPaused('h264>x264/1080p'))
    among.at.now += 1_000
    assert.ok(!among.pauses.isClassPaused(CLASS))
  })

  it('no class for failures that another peer had before, or after a success', () => {
    for (const isAgreed of [true, false]) {
      const { pauses, record } = stage()
      for (let n = 0; n < 5 * CLASS_FAILURES; n++) {
        record(n, 'failed')
        if (isAgreed) record(n, 'failed', true)
        else record(n, 'succeeded')
        assert.ok(!pauses.isClassPaused(CLASS))
      }
    }
  })
})
