/** The absences of `mesh-outage.test.ts` for as long as the promise says, and the elections of a set of three. */
import { test } from 'node:test'
import { startMongod } from '../tools/mongod.ts'
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
    await outlives(t, mongod, { ...film, away: () => fault(mongod, MINUTE_MS), isTold: true })
  })
}

test('a mesh outlives a step-down, a dead and a frozen primary', async (t) => {
  await using mongod = await startMongod({ members: 3 })
  const film = { source: 'h264-closed', preset: 'medium' } as const
  await outlives(t, mongod, { ...film, away: () => threeElections(mongod), isTold: false })
})
