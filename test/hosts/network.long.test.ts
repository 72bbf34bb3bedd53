/** More of what networks do to a mesh, each to the exact bytes: see `network.test.ts`. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BadNetwork } from './bad-network.ts'
import { seconds, until } from './watch.ts'

const LEADS_MS = 20_000
const AWAY_MS = 20_000

describe('a mesh of four hosts on a worse network', () => {
  let net: BadNetwork
  before(async () => {
    net = await BadNetwork.open()
  })
  beforeEach(() => net.heal())
  after(() => net?.close())

  test('the leader, cut off with everything: another leads, and it comes back as a follower', async (t) => {
    const done = await net.underWay(net.nodes[0]!)
    const { leader } = await net.leaderAndOthers()
    const began = performance.now()
    await leader.host.cut()
    const led = await net.ledByAnother(leader)
    t.diagnostic(`another leads ${seconds(led)} after the leader was cut off`)
    assert.ok(led <= LEADS_MS)
    await leader.host.heal()
    await net.finish(t, done, began)
    assert.match(await leader.log(), /this peer no longer leads/)
  })

  test('a worker alone, without peers or database, misses nothing but time', async (t) => {
    const { leader, others } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const began = performance.now()
    await others[0]!.host.cut()
    await sleep(AWAY_MS)
    await others[0]!.host.heal()
    await net.finish(t, done, began)
  })

  test('a minority with the leader and without the database: the others lead and finish without it', async (t) => {
    const giver = net.nodes[0]!
    const done = await net.underWay(giver)
    const { leader, others } = await net.leaderAndOthers()
    // Who holds the source stays with the database, unless it leads.
    const away = [leader.host, others.find((node) => node !== giver)!.host]
    const began = performance.now()
    await net.lab.partition(
      away,
      net.lab.hosts.filter((host) => !away.includes(host)),
    )
    const led = await net.ledByAnother(leader)
    t.diagnostic(`the side with the database leads again after ${seconds(led)}`)
    assert.ok(led <= LEADS_MS)
    if (giver === leader) await net.lab.healAll()
    await net.finish(t, done, began)
  })

  test('a minority without the leader and without the database: the leader continues and finishes', async (t) => {
    const { leader, others } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const away = others.slice(0, 2).map(({ host }) => host)
    const began = performance.now()
    await net.lab.partition(
      away,
      net.lab.hosts.filter((host) => !away.includes(host)),
    )
    await net.finish(t, done, began)
  })

  test('one-way loss: a worker that hears no peer, and one that no peer hears', async (t) => {
    const { leader, others } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const began = performance.now()
    const [receivesNone, sendsNone, third] = others
    for (const other of [leader, sendsNone!, third!]) await receivesNone!.host.dropFrom(other.host)
    for (const other of [leader, receivesNone!, third!]) await other.host.dropFrom(sendsNone!.host)
    await sleep(AWAY_MS)
    await net.lab.healAll()
    await net.finish(t, done, began)
  })

  test('one worker without the database reports it, and continues when it is back', async (t) => {
    const { leader, others } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const began = performance.now()
    const victim = others[0]!
    await victim.host.cutFrom(net.database)
    const says = async () => (await victim.status().catch(() => null))?.ledger.away != null
    const said = await until('its status says that the ledger is away', says, 90)
    t.diagnostic(`one worker’s status showed the lost database after ${seconds(said)}`)
    await victim.host.heal()
    await net.finish(t, done, began)
  })

  test('all without the database for 20 s, peers reachable: nothing is lost, nothing doubled', async (t) => {
    const { leader } = await net.leaderAndOthers()
    const done = await net.underWay(leader)
    const began = performance.now()
    await net.lab.partition(
      [net.database],
      net.nodes.map(({ host }) => host),
    )
    await sleep(AWAY_MS)
    await net.lab.healAll()
    await net.finish(t, done, began)
  })
})
