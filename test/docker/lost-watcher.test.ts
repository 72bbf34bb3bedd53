/**
 * The peer that watches the folder of films is killed for good, in each part of a film's way: another one that sees the same folder goes on,
 * from the source that lies there, and delivers.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StatusSnapshot, VideoRow } from '../../protocol/status.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { type ComposeMesh, composeMesh } from './compose.ts'
import { docker } from './engine.ts'

const FILM = 'minute'
/** Both see the folder; the one that takes the film in is killed. */
const WATCHERS = ['coordinator-1', 'coordinator-2'] as const
/** A kill costs at most this share of the time without one, and this many seconds; more where the machine was slower before it, too. */
const LONGER = { share: 1.3, s: 10 } as const
/** The mesh is up, and the film encoded, within these. */
const [UP_S, DONE_S] = [120, 240]

/** Parts of a film's way, and how each is told in `status`. */
const PARTS: Readonly<Record<string, (video: VideoRow) => boolean>> = {
  'it is taken in': ({ status }) => status === 'PLANNING' || status === 'RUNNING',
  'a third is encoded': ({ status, done }) => status === 'RUNNING' && done >= 1 / 3,
  'it is merged': ({ status }) => status === 'MERGING',
  'it is delivered': ({ status }) => status === 'COMPLETED',
}

const isDelivered = ({ videos }: StatusSnapshot): boolean =>
  videos.length === 1 &&
  videos.every(
    ({ status, deliveries }) => status === 'COMPLETED' && deliveries.every(({ done_at }) => done_at !== null),
  )

async function meshUp(t: Ends): Promise<ComposeMesh> {
  await ensureSource(FILM)
  const mesh = await composeMesh('base', { watchers: WATCHERS, env: { INPUT_PRESET: 'ultrafast' } })
  atEnd(t, () => mesh.down())
  await mesh.up()
  await mesh.until('six peers', ({ peers, leader }) => peers.length === 6 && leader !== null, UP_S)
  return mesh
}

describe('a film whose watching peer is killed for good', () => {
  let undisturbedS = 0
  /** When each part began without a kill, s. */
  const beganS = new Map<string, number>()

  test('without a kill, it takes its time', { timeout: 420_000 }, async (t) => {
    const mesh = await meshUp(t)
    const began = performance.now()
    await mesh.drop(FILM)
    const nowS = () => (performance.now() - began) / 1000
    const isDone = (status: StatusSnapshot) => {
      for (const [part, isNow] of Object.entries(PARTS))
        if (!beganS.has(part) && status.videos.some(isNow)) beganS.set(part, nowS())
      return isDelivered(status)
    }
    await mesh.until('delivered', isDone, DONE_S)
    undisturbedS = nowS()
    assert.deepEqual(await mesh.problems(FILM), [])
    t.diagnostic(`${undisturbedS.toFixed(0)} s`)
  })

  for (const [part, isNow] of Object.entries(PARTS))
    test(`killed while ${part}, it is delivered exact, in little more time`, { timeout: 480_000 }, async (t) => {
      assert.ok(undisturbedS > 0, 'the time without a kill is known')
      const mesh = await meshUp(t)
      const began = performance.now()
      await mesh.drop(FILM)
      const seen = await mesh.until(part, ({ videos }) => videos.some(isNow), DONE_S)
      const victim = seen.peers.find(({ peer }) => peer === seen.videos[0]?.deliveries[0]?.peer)?.name ?? ''
      await docker('kill', '-s', 'KILL', mesh.container(victim))
      const killedS = (performance.now() - began) / 1000
      const { videos } = await mesh.until('delivered', isDelivered, DONE_S)
      const tookS = (performance.now() - began) / 1000
      assert.deepEqual(await mesh.problems(FILM), [])
      assert.equal(videos[0]?.deliveries.length, 1)
      t.diagnostic(
        `${victim} killed after ${killedS.toFixed(0)} s, delivered after ${tookS.toFixed(0)} s of ${undisturbedS.toFixed(0)} s`,
      )
      const slower = Math.max(1, killedS / (beganS.get(part) ?? killedS))
      assert.ok(tookS <= slower * (LONGER.share * undisturbedS + LONGER.s), `${tookS.toFixed(0)} s`)
    })
})
