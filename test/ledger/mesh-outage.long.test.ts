/** The absences of `mesh-outage.test.ts` for as long as the promise says, and the elections of a set of three. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { dice } from '../../ledger/crowd-worker.fixture.ts'
import { ReplyEater } from '../../ledger/mongo/reply-eater.fixture.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { freezeAll, powerCut, threeElections } from './crowd-outage.ts'
import { outlives } from './mesh-outage.ts'

const MINUTE_MS = 60_000

for (const [what, fault] of [
  ['frozen', freezeAll],
  ['without power', powerCut],
] as const) {
  test(`a mesh outlives a database that is ${what} for 60 s, and repeats nothing`, async (t) => {
    await using mongod = await startMongod({ owned: true })
    const film = { source: 'h264-closed', preset: 'veryslow' } as const
    await outlives(t, mongod, { ...film, away: () => fault(mongod, MINUTE_MS), isShown: true })
  })
}

test('a mesh outlives a step-down, a dead and a frozen primary', async (t) => {
  await using mongod = await startMongod({ members: 3 })
  const film = { source: 'h264-closed', preset: 'medium' } as const
  await outlives(t, mongod, { ...film, away: () => threeElections(mongod), isShown: false })
})

test('a mesh outlives requests that are cut in the middle and replies that are eaten', async (t) => {
  await using mongod = await startMongod({ owned: true })
  const proxy = await ReplyEater.start(mongod.members[0]!.host)
  atEnd(t, () => proxy.stop())
  const film = { source: 'h264-closed', preset: 'medium', ledger: proxy.url('eaten') } as const
  const away = async () => {
    proxy.disturb({ eat: 0.15, cut: 0.1, roll: dice(31) })
    await sleep(20_000)
    proxy.disturb(null)
  }
  await outlives(t, mongod, { ...film, away, isShown: false })
  assert.ok(proxy.eaten > 5 && proxy.cut > 2, `${proxy.eaten} eaten, ${proxy.cut} cut: the test tests nothing`)
})
