/**
 * A fleet over two engines: two hosts of their own network, each with an engine and a peer that keeps it. The leader says how many
 * workers each should run; they shrink while they encode without the loss of a chunk; and what an engine has that can start none,
 * or that nobody reaches any more, is started on the other.
 */

import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { openLedger } from '../../testing/tools/open-ledger.ts'
import { IMAGE, problemsOf } from './compose.ts'
import { type HostEngine, startHostEngine } from './host-engine.ts'

const FILM = 'minute'
const OWNERS = [1, 2]

describe('a fleet over two engines', () => {
  let lab: Lab
  let home: LabNode
  const engines: HostEngine[] = []
  const owners: LabNode[] = []
  before(async () => {
    lab = await openLab({ hosts: 3 })
    await lab.mongod(0)
    // The peers in the containers are another user.
    await chmod(lab.swarmKey!, 0o644)
    home = await lab.host(0).node({ name: 'home', roles: 'worker', slots: 0 })
    const scale = {
      scale_min: 2,
      scale_max: 4,
      scale_target_s: 15,
      scale_cooldown_s: 5,
      scale_cpus: 0.4,
      scale_image: IMAGE,
    }
    for (const at of OWNERS) {
      const engine = await startHostEngine(lab.host(at), IMAGE)
      engines.push(engine)
      const launcher = {
        launcher: 'docker',
        docker: engine.socket,
        scale_volumes: `${lab.swarmKey}:${lab.swarmKey}:ro`,
      }
      const owner = { name: `owner-${at}`, roles: 'coordinator', join: home.addresses[0] ?? null }
      owners.push(await lab.host(at).node({ ...owner, ...scale, ...launcher }))
    }
  })
  after(async () => {
    // First those that would start another worker for each that goes.
    for (const owner of owners) await owner.kill('SIGTERM')
    for (const engine of engines) await engine.stop()
    await lab?.close()
  })

  const workers = ({ peers }: StatusSnapshot) =>
    peers.filter(({ name, heard_s, state }) => name.startsWith('auto-') && heard_s < 5 && state !== 'leaving')
  const wanted = ({ engines }: StatusSnapshot) => engines.map((engine) => engine.wanted).sort()
  const counts = async () => (await Promise.all(engines.map((engine) => engine.running()))).map(({ length }) => length)
  const eventsOf = ({ events }: StatusSnapshot, word: string) =>
    events.filter(({ what }) => what === word).map(({ text }) => text)

  async function until(what: string, holds: (seen: StatusSnapshot) => boolean | Promise<boolean>, seconds: number) {
    const giveUpAt = performance.now() + seconds * 1000
    for (;;) {
      const seen = await home.status()
      if (await holds(seen)) return seen
      if (performance.now() > giveUpAt)
        assert.fail(
          `not within ${seconds} s: ${what}; ${await counts()} run, ${JSON.stringify(seen.engines)}, ${eventsOf(seen, 'scaled').join(' | ')}`,
        )
      await sleep(300)
    }
  }
  const isSpread = (each: number) => async (seen: StatusSnapshot) =>
    workers(seen).length === 2 * each &&
    wanted(seen).join() === `${each},${each}` &&
    (await counts()).join() === `${each},${each}`

  test('runs the minimum in equal shares', { timeout: 150_000 }, async () => {
    await until('one worker on each', isSpread(1), 120)
  })

  test('grows on both, and shrinks on both while it encodes, without the loss of a chunk', {
    timeout: 280_000,
  }, async (t) => {
    const out = join(lab.dir, 'out')
    const submit = ['submit', await ensureSource(FILM), '--preset', 'veryfast', '--wait', '--out', out]
    const done = lab.host(0).cli([...submit, '--data-dir', home.dataDir])
    await until('two wanted on each', (seen) => wanted(seen).join() === '2,2', 60)
    const { code, stderr } = await done
    assert.equal(code, 0, stderr)
    assert.deepEqual(await problemsOf(FILM, out), [])
    const seen = await until('one worker on each again', isSpread(1), 90)
    for (const loss of ['reclaimed', 'blob_lost']) assert.deepEqual(eventsOf(seen, loss), [])
    assert.deepEqual(await failures(), [])
    t.diagnostic(eventsOf(seen, 'scaled').join(' | '))
  })

  test('gives the share of an engine that has no image to the other, and takes it in again later', {
    timeout: 300_000,
  }, async () => {
    const [first, second] = engines as [HostEngine, HostEngine]
    await second.docker('tag', IMAGE, 'put-aside')
    await second.docker('rmi', IMAGE)
    await second.docker('rm', '-fv', ...(await second.running()))
    const seen = await until('two workers on the first', async () => (await first.running()).length === 2, 90)
    assert.match(eventsOf(seen, 'launch_failed').join(), /has no image/)
    assert.match(eventsOf(seen, 'engine_left').join(), /cannot run the workers that are wanted/)
    await second.docker('tag', 'put-aside', IMAGE)
    await until('one worker on each again', isSpread(1), 180)
  })

  test('gives the share of an engine that no peer reaches any more to the other', { timeout: 120_000 }, async () => {
    await owners[1]?.kill('SIGKILL')
    const [first] = engines
    await until('two workers on the first', async () => (await first?.running())?.length === 2, 60)
    assert.equal((await engines[1]?.running())?.length, 1, 'what runs on the other goes on')
  })

  async function failures() {
    const ledger = await openLedger(lab.ledger)
    try {
      const [video] = await ledger.videos()
      return (await ledger.tasks({ video: video!._id })).flatMap((task) => task.failures)
    } finally {
      await ledger.close()
    }
  }
})
