/**
 * A fleet that sizes itself: the coordinating peers start workers on their engine when work waits, replace one that vanishes, drain them
 * when it is done, and another peer keeps the engine when its keeper dies. None of it costs a chunk.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { StatusSnapshot } from '../../node/status.ts'
import { ensureSource } from '../sources/make.ts'
import { type ComposeMesh, composeMesh } from './compose.ts'
import { docker } from './engine.ts'

const FILMS = ['scope', 'portrait']
const MAX = 3
const ENV = {
  INPUT_PRESET: 'veryfast', WORKER_CPUS: '0.7', SCALE_MIN: '1', SCALE_MAX: String(MAX), SCALE_TARGET_S: '15', SCALE_COOLDOWN_S: '20',
} // biome-ignore format: a list

describe('the fleet of docker compose --profile autoscale', () => {
  let mesh: ComposeMesh
  /** The peer whose container is taken away. */
  let victim: string | undefined
  before(async () => {
    for (const film of FILMS) await ensureSource(film)
    mesh = await composeMesh('autoscale', { watchers: ['autoscaler-1', 'autoscaler-2'], env: ENV })
  })
  after(() => mesh?.down())
  const workers = ({ peers }: StatusSnapshot) =>
    peers.filter(({ name, heard_s, state }) => name.startsWith('auto-') && heard_s < 5 && state !== 'leaving')
  const told = ({ events }: StatusSnapshot, word: string) =>
    events.filter(({ what }) => what === word).map(({ text }) => text)

  test('starts with the minimum', { timeout: 180_000 }, async () => {
    await mesh.up()
    const seen = await mesh.until('one started worker in the mesh', (status) => workers(status).length === 1, 150)
    assert.match(told(seen, 'scaled').join(), /workers 0 → 1: nothing waits, at least 1 asked for/)
    const [name] = await mesh.started()
    const labels = await docker(
      'inspect',
      '-f',
      '{{json .Config.Labels}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}',
      name!,
    )
    assert.match(
      labels,
      /"reelmesh.mesh":"[0-9a-f]{16}".*"reelmesh.reason":"nothing waits, at least 1 asked for","reelmesh.rendition":"all"/,
    )
    assert.match(labels, / 700000000 2147483648$/)
  })

  test('grows to the maximum under a queue, and says why', { timeout: 180_000 }, async (t) => {
    for (const film of FILMS) await mesh.drop(film)
    const seen = await mesh.until(`${MAX} workers`, (status) => workers(status).length === MAX, 150)
    const [reason] = told(seen, 'scaled').slice(-1)
    assert.match(reason ?? '', /^workers \d → 3: .*(of work|not yet planned) in 15 s takes \d+/)
    t.diagnostic(reason ?? '')
  })

  test('replaces a worker that vanishes', { timeout: 120_000 }, async (t) => {
    const [first] = workers(await mesh.status())
    victim = first?.peer
    await mesh.remove(first!.name)
    const began = performance.now()
    await mesh.until(
      'another in its place',
      (status) => told(status, 'worker_started').length > MAX && workers(status).length === MAX,
      90,
    )
    t.diagnostic(`${first?.name} was removed; another worked ${((performance.now() - began) / 1000).toFixed(1)} s later`)
  })

  test('delivers exact files, and shrinks to the minimum without the loss of a chunk', {
    timeout: 400_000,
  }, async (t) => {
    const delivered = ({ videos }: StatusSnapshot) =>
      videos.length === FILMS.length &&
      videos.every(({ deliveries }) => deliveries.every(({ done_at }) => done_at !== null))
    await mesh.until('both films delivered', delivered, 300)
    for (const film of FILMS) assert.deepEqual(await mesh.problems(film), [], film)
    const seen = await mesh.until(
      'one worker left',
      (status) => workers(status).length === 1 && told(status, 'worker_drained').length >= MAX - 1,
      90,
    )
    assert.equal((await mesh.started()).length, 1)
    const others = seen.events.filter(({ what, peer }) => what === 'reclaimed' && peer !== victim)
    assert.deepEqual(others, [], 'only the removed worker lost claims')
    assert.deepEqual(told(seen, 'blob_lost'), [])
    assert.deepEqual(
      await mesh.failures(),
      [],
      'neither the worker that was removed nor those that were drained failed',
    )
    t.diagnostic(told(seen, 'scaled').join(' | '))
  })

  test('is kept by the other peer when its keeper dies: what runs is adopted, what vanishes replaced', {
    timeout: 120_000,
  }, async () => {
    const [keeper] = (await mesh.status()).peers
      .filter(({ name }) => name.startsWith('coordinator-'))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
    const [stray] = await mesh.started()
    await docker('kill', '-s', 'KILL', mesh.container(keeper!.name.replace('coordinator', 'autoscaler')))
    await mesh.until(
      'the other one leads',
      ({ leader, self, peers }) => leader?.peer === self && peers.find((peer) => peer.self)?.name !== keeper!.name,
      30,
    )
    assert.deepEqual(await mesh.started(), [stray], 'the stray goes on')
    await mesh.remove(stray!)
    const seen = await mesh.until(
      'another in its place',
      (status) => workers(status).some(({ name }) => name !== stray),
      60,
    )
    assert.notEqual(workers(seen)[0]?.name, stray)
  })
})
