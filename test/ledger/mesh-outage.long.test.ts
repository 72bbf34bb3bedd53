/** The absences of `mesh-outage.test.ts` for as long as the promise says. */
import { test } from 'node:test'
import { startMongod } from '../tools/mongod.ts'
import { freezeAll, powerCut } from './crowd-outage.ts'
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
