/** Who should plan, by the encoders of coordinators and what the workers have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId } from '../../protocol/ids.ts'
import type { WorkerAbility } from '../../protocol/media.ts'
import { DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { bestPlanners, createPlanners, type Planner } from './best-planners.ts'

const [SVT, AOM] = ['svtav1-4-1-0', 'aom-3-6-0']
const planner = (name: string, ...encoders: string[]): Planner => ({ peer: asPeerId(name), encoders })
const worker = (slots: number, ...encoders: string[]): WorkerAbility => ({ slots, encoders, renditions: 'all' })
const av1: Rendition = {
  ...ladderOf([720])[0]!,
  ...{ id: '720p-av1', codec: 'av1', preset: '8' },
}
const best = (holder: Planner, others: readonly Planner[], workers: readonly WorkerAbility[], renditions = [av1]) =>
  bestPlanners(renditions, { planners: [...others, holder], holders: [holder.peer], workers })

const [hub, pc] = [planner('hub', 'x264', AOM), planner('pc', 'x264', SVT)]

test('a coordinator with the source and libaom alone leaves the plan to one with the SVT-AV1 that workers have', () => {
  const workers = [worker(2, 'x264', AOM), worker(2, 'x264', SVT)]
  assert.deepEqual(best(hub, [pc], workers), [pc.peer])
  assert.deepEqual(best(hub, [pc, planner('a', SVT), planner('b')], workers), [asPeerId('a'), pc.peer])
  assert.deepEqual(best(pc, [hub], workers), [], 'the one with the source has it')
  assert.deepEqual(best(hub, [pc], workers, ladderOf([720])), [], 'both have libx264')
})

test('it plans itself where no worker has SVT-AV1, where those are few, and where no coordinator has it', () => {
  assert.deepEqual(best(hub, [pc], [worker(2, 'x264', AOM)]), [])
  assert.deepEqual(best(hub, [pc], [worker(9, 'x264', AOM), worker(1, 'x264', SVT)]), [])
  assert.deepEqual(best(hub, [planner('nas', 'x264', AOM)], [worker(2, 'x264', SVT)]), [])
  assert.deepEqual(best(pc, [hub], [worker(9, 'x264', AOM), worker(1, 'x264', SVT)]), [hub.peer])
})

test('builds that are as good are planned by whoever has the source, unless that one lacks the codec', () => {
  const [old, young] = [planner('old', 'x265-199'), planner('young', 'x265-216')]
  const hevc = [{ ...av1, id: '720p-hevc', codec: 'hevc', preset: 'medium' }]
  const workers = [worker(2, 'x265-199'), worker(2, 'x265-216')]
  assert.deepEqual(best(old, [young], workers, hevc), [])
  assert.deepEqual(best(young, [old], workers, hevc), [])
  assert.deepEqual(best(planner('bare', 'x264'), [young, old], workers, hevc), [old.peer])
})

test('a node asks it of itself and of the coordinators that it hears and that take work', () => {
  const capability = { decoders: [], filters: [], encoders: ['x264', AOM], renditions: 'all', kinds: [] } as const
  const beat = (change: Partial<Heartbeat>) =>
    ({
      roles: ['worker', 'coordinator'],
      state: 'idle',
      slots: 2,
      encoders: ['x264', SVT],
      renditions: 'all',
      ...change,
    }) as Heartbeat
  const asked = (change: Partial<Heartbeat>, heard_mono = 0) =>
    createPlanners({
      ...{ self: hub.peer, slots: 2, capability, clock: { mono: () => 0 } },
      peers: { all: () => [{ peer: pc.peer, beat: beat(change), heard_mono }] },
    })({ recipe: { ...DEFAULT_RECIPE, renditions: [av1] }, source: { holders: [hub.peer] } as never })
  assert.deepEqual(asked({}), [pc.peer])
  assert.deepEqual(asked({ state: 'paused' }), [])
  assert.deepEqual(asked({ roles: ['worker'] }), [], 'it plans nothing')
  assert.deepEqual(asked({}, -60_000), [], 'it is silent')
})
