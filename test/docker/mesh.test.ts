/**
 * The whole life of a mesh in containers: one command brings it up, files dropped into a folder come out exact in three renditions, and
 * neither the kill of a busy worker nor that of the coordinator is more than a delay.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PeerStatus, StatusSnapshot } from '../../protocol/status.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { type ComposeMesh, composeMesh } from './compose.ts'
import { docker } from './engine.ts'

const FILM = 'forty-seconds'

describe('the mesh of docker compose --profile base', () => {
  let mesh: ComposeMesh
  before(async () => {
    await ensureSource(FILM)
    mesh = await composeMesh('base', {
      watchers: ['coordinator-1', 'coordinator-2'],
      env: { INPUT_PRESET: 'ultrafast' },
    })
  })
  after(() => mesh?.down())

  /** The container of a peer: its name is its service, or, where the peer had none, the container's own id. */
  const containerOf = ({ name }: Pick<PeerStatus, 'name'>) =>
    /^[0-9a-f]{12}$/.test(name) ? name : mesh.container(name)
  const isVideo = (task: string) => /\/\d+p\//.test(task)
  const busiest = ({ peers }: StatusSnapshot) =>
    peers
      .filter(({ running }) => running.some(({ task, done }) => isVideo(task) && done < 0.7))
      .sort((a, b) => b.running.length - a.running.length)[0]

  test('comes up with one command: six peers that found each other by name, one of them leading', {
    timeout: 180_000,
  }, async (t) => {
    const began = performance.now()
    await mesh.up()
    const { peers } = await mesh.until(
      'six peers and a leader',
      (seen) => seen.peers.length === 6 && seen.leader !== null,
      120,
    )
    assert.equal((await mesh.status()).peers.length, 6)
    const encodes = peers.map(({ name, renditions, slots }) =>
      slots > 0 ? `${/^worker-/.test(name) ? name : 'worker'} ${renditions}` : name,
    )
    assert.deepEqual(encodes.sort(), [
      'coordinator-1',
      'coordinator-2',
      'worker all',
      'worker-1080p 1080p',
      'worker-480p 480p',
      'worker-720p 720p',
    ])
    t.diagnostic(`up in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  })

  test('a busy worker killed: its tasks are reclaimed and run elsewhere', { timeout: 180_000 }, async (t) => {
    await mesh.drop(FILM)
    const seen = await mesh.until('a busy worker', (status) => busiest(status) !== undefined, 120)
    const victim = busiest(seen)!
    await docker('kill', '-s', 'KILL', containerOf(victim))
    const began = performance.now()
    const reclaimEvent = (status: StatusSnapshot) =>
      status.events.find(({ what, peer }) => what === 'reclaimed' && peer === victim.peer)
    const after = await mesh.until('its tasks reclaimed', (status) => reclaimEvent(status) !== undefined, 30)
    t.diagnostic(
      `${victim.name} with ${victim.running.length} tasks; reclaimed within ${((performance.now() - began) / 1000).toFixed(1)} s: ${reclaimEvent(after)?.text}`,
    )
  })

  test('the coordinator killed: another leads within seconds, and encoding never stops', {
    timeout: 120_000,
  }, async (t) => {
    const { leader } = await mesh.until('a leader', (status) => status.leader !== null, 30)
    assert.ok(leader)
    const began = performance.now()
    await docker('kill', '-s', 'KILL', mesh.container(leader.name))
    const now = await mesh.until(
      'another leader',
      (status) => status.leader !== null && status.leader.term > leader.term,
      30,
    )
    assert.notEqual(now.leader?.name, leader.name)
    t.diagnostic(
      `${leader.name} was killed, ${now.leader?.name} leads ${((performance.now() - began) / 1000).toFixed(1)} s later, term ${now.leader?.term}`,
    )
    assert.deepEqual(
      now.videos.filter(({ status }) => status === 'FAILED'),
      [],
    )
  })

  test('brought up again, every file comes out exact in three renditions', { timeout: 360_000 }, async (t) => {
    await mesh.up()
    const delivered = (status: StatusSnapshot) =>
      status.videos.length === 1 &&
      status.videos.every(
        (video) => video.status === 'COMPLETED' && video.deliveries.every(({ done_at }) => done_at !== null),
      )
    const { events } = await mesh.until('the film delivered', delivered, 300)
    assert.deepEqual(await mesh.problems(FILM), [])
    // The leader that was killed may have been the only one with a chunk that another wanted just then.
    const failures = (await mesh.failures()).filter(({ code }) => code !== 'input_missing')
    assert.deepEqual(failures, [], 'who is killed fails at nothing')
    t.diagnostic(`three files; ${events.filter(({ what }) => what === 'reclaimed').length} reclaims`)
  })

  test('a peer that is stopped ends cleanly: exit code 0, and the mesh knows that it left', {
    timeout: 60_000,
  }, async () => {
    const name = mesh.container('worker-480p')
    await docker('stop', '-t', '15', name)
    assert.equal(await docker('inspect', '-f', '{{.State.ExitCode}}', name), '0')
    await mesh.until(
      'it left',
      ({ peers }) => peers.every((peer) => peer.name !== 'worker-480p' || peer.state === 'leaving' || peer.heard_s > 2),
      20,
    )
  })
})
