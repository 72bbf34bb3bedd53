/**
 * What networks do to a mesh: a host that is stopped, or cut off; a leader that its peers cannot reach although the database
 * can; halves that do not see each other. Each time the film's bytes are those of an undisturbed run and every task was
 * committed once. Times are measured and reported; the bounds are twice the promised ones, because the hosts share one machine.
 * More of it: `network.long.test.ts`.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import type { LabHost } from '../../testing/hosts/lab.ts'
import { BadNetwork } from './bad-network.ts'
import { seconds, until } from './watch.ts'

/** Noticed ≤ 3 s, running elsewhere ≤ 5 s: twice that. */
const NOTICED_MS = 6_000
const ELSEWHERE_MS = 10_000
const LEADS_MS = 20_000

describe('a mesh of four hosts on a bad network', () => {
  let net: BadNetwork
  before(async () => {
    net = await BadNetwork.open()
  })
  beforeEach(() => net.heal())
  after(() => net?.close())

  async function goneAndBack(
    t: TestContext,
    of: { what: string; hurt(host: LabHost): Promise<void>; heal(host: LabHost): Promise<void> },
  ): Promise<void> {
    const { done, victim } = await net.lastChunks()
    const { noticed, elsewhere, tasks } = await net.takenUp({ victim, done }, () => of.hurt(victim.host))
    t.diagnostic(`${of.what}: ${tasks} tasks noticed after ${seconds(noticed)}, elsewhere after ${seconds(elsewhere)}`)
    const began = performance.now()
    await of.heal(victim.host)
    await net.finish(t, done, began)
    assert.ok(noticed <= NOTICED_MS, `noticed after ${seconds(noticed)}`)
    assert.ok(elsewhere <= ELSEWHERE_MS, `elsewhere after ${seconds(elsewhere)}`)
  }

  test('a stopped host is noticed, and what it ran runs elsewhere', (t) =>
    goneAndBack(t, { what: 'stopped host', hurt: (host) => host.freeze(), heal: (host) => host.thaw() }))

  test('a host that is cut off is noticed, and what it ran runs elsewhere', (t) =>
    goneAndBack(t, { what: 'cut-off host', hurt: (host) => host.cut(), heal: (host) => host.heal() }))

  test('the leader, out of its peers’ reach but not of the database’s, does no harm and lets another lead', async (t) => {
    const done = await net.underWay(net.nodes[0]!)
    const { leader, others } = await net.leaderAndOthers()
    const cutAt = await net.watch.ledger.now()
    const began = performance.now()
    await net.lab.partition(
      [leader.host],
      others.map(({ host }) => host),
    )
    const led = await net.ledByAnother(leader)
    t.diagnostic(`the leader without peers gave the lease back, and another led, after ${seconds(led)}`)
    assert.ok(led <= LEADS_MS)
    const events = (await net.watch.ledger.events(200)).filter(({ at }) => at >= cutAt)
    const handover =
      events.find(({ what, peer }) => what === 'leader' && peer !== leader.peer)?.at ?? Number.POSITIVE_INFINITY
    const early = events.filter(({ what, at, peer }) => what === 'reclaimed' && at < handover && peer !== leader.peer)
    assert.deepEqual(
      early.map(({ text }) => text),
      [],
      'cut off, it took nothing back from anybody',
    )
    await leader.host.heal()
    await net.finish(t, done, began)
  })

  test('two halves that both reach the database continue, and finish after they are healed', async (t) => {
    const { leader, others } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const near = [leader, others[0]!]
    const far = others.slice(1)
    const began = performance.now()
    await net.lab.partition(
      near.map(({ host }) => host),
      far.map(({ host }) => host),
    )
    const completedBy = async (nodes: typeof far) =>
      (await net.watch.tasks(done.video)).some(
        ({ kind, status, end_time, worker_id }) =>
          kind === 'video' &&
          status === 'COMPLETED' &&
          end_time !== null &&
          nodes.some(({ peer }) => peer === worker_id),
      )
    for (const side of [near, far]) await until('each side completes tasks', () => completedBy(side), 90)
    await net.lab.healAll()
    await net.finish(t, done, began)
  })
})
