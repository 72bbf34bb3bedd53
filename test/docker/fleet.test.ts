/**
 * A fleet that sizes itself: the coordinating peers start workers on their engine when work waits, drain them as it ends without the
 * cost of a chunk, replace one that vanishes, and another peer owns the engine when its owner dies.
 */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import type { PeerStatus, StatusSnapshot } from '../../protocol/status.ts'
import { ensureSource, TOOLS } from '../../testing/sources/make.ts'
import { type ComposeMesh, composeMesh } from './compose.ts'
import { docker } from './engine.ts'

const FILMS = ['minute', 'portrait']
const MAX = 3
const PRESET = 'veryfast'

/**
 * The minute is 8 chunks, of which the last two run alone. They are too few for a third worker where one takes less than the target, and
 * all are enough for it where one takes more than a quarter of that. So the target goes by the machine: three and a half times the CPU
 * time of a chunk, of which a worker of 0.7 CPUs does one in 1.4 of them, and in up to 3 where the machine is busy.
 */
async function targetSeconds(film: string): Promise<number> {
  const scaled = '[0:v]split=3[a][b][c];[a]scale=-2:480[x];[b]scale=-2:720[y]'
  const outputs = ['[x]', '[y]', '[c]'].flatMap((each) => [
    '-map',
    each,
    '-c:v',
    'libx264',
    '-preset',
    PRESET,
    '-f',
    'null',
    '-',
  ])
  const args = ['-nostdin', '-hide_banner', '-benchmark', '-t', '8', '-i', film, '-filter_complex', scaled, ...outputs]
  const { stderr } = await execa(TOOLS.ffmpeg, args)
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? []
  assert.ok(user && system, stderr)
  return Math.round(3.5 * (Number(user) + Number(system)))
}

describe('the fleet of docker compose --profile autoscale', () => {
  let mesh: ComposeMesh
  let target: number
  before(async () => {
    const [minute = ''] = await Promise.all(FILMS.map((film) => ensureSource(film)))
    target = await targetSeconds(minute)
    const env = {
      INPUT_PRESET: PRESET,
      WORKER_CPUS: '0.7',
      SCALE_MIN: '1',
      SCALE_MAX: String(MAX),
      SCALE_TARGET_S: String(target),
      SCALE_COOLDOWN_S: '5',
    }
    mesh = await composeMesh('autoscale', { watchers: ['autoscaler-1', 'autoscaler-2'], env })
  })
  after(() => mesh?.down())
  const workers = ({ peers }: StatusSnapshot) =>
    peers.filter(({ name, heard_s, state }) => name.startsWith('auto-') && heard_s < 5 && state !== 'leaving')
  const isEncoding = ({ running }: PeerStatus) => running.some(({ task }) => /\/\d+p\//.test(task))
  const isDelivered = (film: string) => (status: StatusSnapshot) =>
    status.videos.some(
      ({ name, deliveries }) => name.startsWith(film) && deliveries.every(({ done_at }) => done_at !== null),
    )
  const eventsOf = ({ events }: StatusSnapshot, word: string) =>
    events.filter(({ what }) => what === word).map(({ text }) => text)

  test('starts with the minimum', { timeout: 180_000 }, async () => {
    await mesh.up()
    const seen = await mesh.until('one started worker in the mesh', (status) => workers(status).length === 1, 150)
    assert.match(eventsOf(seen, 'scaled').join(), /workers 0 → 1: nothing waits, at least 1 asked for/)
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
    await mesh.drop('minute')
    const seen = await mesh.until(`${MAX} workers`, (status) => workers(status).length === MAX, 150)
    const [reason] = eventsOf(seen, 'scaled').slice(-1)
    assert.match(reason ?? '', new RegExp(`^workers \\d → 3: .*(of work|not yet planned) in ${target} s takes \\d+`))
    t.diagnostic(reason ?? '')
  })

  test('shrinks to the minimum while it still encodes, without the loss of a chunk, and delivers exact files', {
    timeout: 400_000,
  }, async (t) => {
    await mesh.until('the film delivered', isDelivered('minute'), 300)
    assert.deepEqual(await mesh.problems('minute'), [])
    const seen = await mesh.until(
      'one worker left',
      (status) => workers(status).length === 1 && eventsOf(status, 'worker_drained').length >= MAX - 1,
      90,
    )
    assert.equal((await mesh.started()).length, 1)
    const when = (word: string, text: RegExp) =>
      seen.events.find((each) => each.what === word && text.test(each.text))?.at
    const [shrunk, encoded] = [when('scaled', /^workers 3 → [12]/), when('merging', /./)]
    const story = seen.events.map(({ at, what, text }) => `${new Date(at).toISOString()} ${what}: ${text}`).join('\n')
    assert.ok(shrunk && encoded && shrunk < encoded, `fewer were wanted only when nothing was left to encode\n${story}`)
    for (const loss of ['reclaimed', 'blob_lost']) assert.deepEqual(eventsOf(seen, loss), [])
    assert.deepEqual(await mesh.failures(), [])
    t.diagnostic(eventsOf(seen, 'scaled').join(' | '))
    t.diagnostic(`fewer were wanted ${((encoded - shrunk) / 1000).toFixed(0)} s before every chunk was encoded`)
  })

  test('replaces a worker that vanishes with what it encodes', { timeout: 360_000 }, async (t) => {
    await mesh.drop('portrait')
    const seen = await mesh.until('a worker that encodes', (status) => workers(status).some(isEncoding), 60)
    const victim = workers(seen).find(isEncoding)!
    await mesh.remove(victim.name)
    const began = performance.now()
    const others = (status: StatusSnapshot) => workers(status).filter(({ peer }) => peer !== victim.peer)
    const known = new Set(others(seen).map(({ peer }) => peer))
    await mesh.until('another in its place', (status) => others(status).some(({ peer }) => !known.has(peer)), 90)
    t.diagnostic(
      `${victim.name} was removed; another worked ${((performance.now() - began) / 1000).toFixed(1)} s later`,
    )
    await mesh.until('the film delivered', isDelivered('portrait'), 120)
    assert.deepEqual(await mesh.problems('portrait'), [])
    // Only the worker that vanished may have had a sound or a chunk that was wanted just then.
    const failures = (await mesh.failures()).filter(({ code }) => code !== 'input_missing')
    assert.deepEqual(failures, [], 'a worker that vanished has failed at nothing')
  })

  test('gets another owner when its owner dies: running workers stay, vanished ones are replaced', {
    timeout: 120_000,
  }, async () => {
    const still = await mesh.until('one worker left', (status) => workers(status).length === 1, 90)
    const [owner] = still.peers
      .filter(({ name }) => name.startsWith('autoscaler-'))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
    const [orphan] = await mesh.started()
    await docker('kill', '-s', 'KILL', mesh.container(owner!.name))
    await mesh.until(
      'the others have noticed',
      ({ peers }) => (peers.find(({ peer }) => peer === owner!.peer)?.heard_s ?? 0) > 5,
      30,
    )
    assert.deepEqual(await mesh.started(), [orphan], 'the orphaned worker continues')
    await mesh.remove(orphan!)
    const seen = await mesh.until(
      'another in its place',
      (status) => workers(status).some(({ name }) => name !== orphan),
      60,
    )
    assert.notEqual(workers(seen)[0]?.name, orphan)
  })
})
