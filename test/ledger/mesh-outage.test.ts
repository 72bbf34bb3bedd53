/** A whole small mesh whose database stops, dies, elects, or loses replies in the middle of a video. */
import { test } from 'node:test'
import { startMongod } from '../tools/mongod.ts'
import { freezeAll, powerCut, threeElections } from './crowd-outage.ts'
import { outlives } from './mesh-outage.ts'

const AWAY_MS = 12_000
const FILM = { source: 'h264-closed', preset: 'medium' } as const

test('a mesh outlives a database that freezes', async (t) => {
  await using mongod = await startMongod({ owned: true })
  await outlives(t, mongod, { ...FILM, away: () => freezeAll(mongod, AWAY_MS), isTold: true })
})

test('a mesh outlives a database whose power is cut', async (t) => {
  await using mongod = await startMongod({ owned: true })
  await outlives(t, mongod, { ...FILM, away: () => powerCut(mongod, AWAY_MS), isTold: true })
})

test('a mesh outlives a step-down, a dead and a frozen primary', async (t) => {
  await using mongod = await startMongod({ members: 3 })
  await outlives(t, mongod, { ...FILM, away: () => threeElections(mongod), isTold: false })
})
