/**
 * For tests: a process that adds events, one after the other, until it is killed. The text of each that was acknowledged goes to stdout at once,
 * synchronously: what a killed process had been answered is known to the line.
 *
 *   node event-writer.fixture.ts '{"kind":"sqlite","at":"/path","name":"a","everyMs":20}'
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../node/host/system-clock.ts'
import { createLedger } from './crowd-worker.fixture.ts'

export interface EventJob {
  kind: 'sqlite' | 'mongo'
  /** A path or an address. */
  at: string
  /** Begins the text of its events. */
  name: string
  everyMs: number
}

const { name, everyMs, ...place } = JSON.parse(process.argv[2] ?? '') as EventJob
const ledger = createLedger({ ...place, claimMs: 1_000 })
await ledger.open()
for (let n = 1; ; n++) {
  const text = `${name} ${n}`
  await ledger.addEvent({ what: 'note', peer: null, video: null, text })
  writeSync(1, `${text}\n`)
  await systemClock.sleep(everyMs)
}
