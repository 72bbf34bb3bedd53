/** A whole small mesh whose database loses its power in the middle of a video. For a minute, or frozen: `*.long.test.ts`. */
import { test } from 'node:test'
import { startMongod } from '../../testing/tools/mongod.ts'
import { powerCut } from './crowd-outage.ts'
import { outlives } from './mesh-outage.ts'

const AWAY_MS = 8_000
const FILM = { source: 'h264-closed', preset: 'medium' } as const

test('a mesh outlives a database whose power is cut', async (t) => {
  await using mongod = await startMongod({ owned: true })
  await outlives(t, mongod, { ...FILM, away: () => powerCut(mongod, AWAY_MS), isShown: true })
})
