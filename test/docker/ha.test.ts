/**
 * The mesh on a database of three: the member that takes the writes is killed while a film is encoded, which costs nothing but the
 * time of an election; brought up again, it is a member as before.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { type ComposeMesh, composeMesh } from './compose.ts'
import { docker } from './engine.ts'

const FILM = 'portrait'
const MEMBERS = ['mongo-1', 'mongo-2', 'mongo-3']
const STATES = 'JSON.stringify(rs.status().members.map(({ name, stateStr }) => [name.split(":")[0], stateStr]))'

describe('the mesh of docker compose --profile ha', () => {
  let mesh: ComposeMesh
  before(async () => {
    await ensureSource(FILM)
    const watchers = ['coordinator-1', 'coordinator-2']
    mesh = await composeMesh('ha', { watchers, env: { INPUT_PRESET: 'veryfast' } })
  })
  after(() => mesh?.down())

  /** Members by name, as those that live see them. */
  const states = async (asked: readonly string[]) =>
    new Map(JSON.parse(await mesh.ask(STATES, asked)) as [string, string][])
  async function untilMembers(asked: readonly string[], holds: (members: ReadonlyMap<string, string>) => boolean) {
    for (let tries = 0; ; tries++) {
      const members = await states(asked)
      if (holds(members)) return
      assert.ok(tries < 60, `the members are still ${JSON.stringify([...members])}`)
      await sleep(1_000)
    }
  }
  const primaryOf = (members: ReadonlyMap<string, string>) =>
    MEMBERS.find((member) => members.get(member) === 'PRIMARY')

  test('comes up with one command: three members, six peers', { timeout: 240_000 }, async () => {
    await mesh.up()
    await mesh.until('six peers and a leader', ({ peers, leader }) => peers.length === 6 && leader !== null, 120)
    // The peers need the first member only: the others may still be on their way.
    await untilMembers(MEMBERS, (members) => [...members.values()].sort().join() === 'PRIMARY,SECONDARY,SECONDARY')
  })

  test('its primary killed while a film is encoded: another is elected, the file comes out exact', {
    timeout: 240_000,
  }, async (t) => {
    await mesh.drop(FILM)
    const isEncoding = ({ peers }: StatusSnapshot) =>
      peers.some(({ running }) => running.some(({ task }) => /\/\d+p\//.test(task)))
    await mesh.until('an encode', isEncoding, 60)
    const primary = primaryOf(await states(MEMBERS))
    assert.ok(primary)
    await docker('kill', '-s', 'KILL', mesh.container(primary))
    const began = performance.now()
    const isDelivered = ({ videos }: StatusSnapshot) =>
      videos.some(({ deliveries }) => deliveries.length > 0 && deliveries.every(({ done_at }) => done_at !== null))
    await mesh.until('the film delivered', isDelivered, 150)
    assert.deepEqual(await mesh.problems(FILM), [])
    const alive = MEMBERS.filter((member) => member !== primary)
    const now = primaryOf(await states(alive))
    assert.notEqual(now, primary)
    t.diagnostic(
      `${primary} was killed, ${now} took over; delivered ${((performance.now() - began) / 1000).toFixed(0)} s later`,
    )
    await mesh.up()
    await untilMembers(alive, (members) => members.get(primary) === 'SECONDARY')
  })
})
