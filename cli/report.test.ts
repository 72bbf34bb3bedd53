/** What a run prints and writes where nothing goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { createReporter } from './report.ts'

/** The lines that this writes to standard output. */
function printed(act: () => void): string[] {
  const { write } = process.stdout
  const lines: string[] = []
  process.stdout.write = ((text: string) => lines.push(text.trimEnd()) > 0) as typeof write
  try {
    act()
  } finally {
    process.stdout.write = write
  }
  return lines
}

const snapshot = (at: number, text: string | null) =>
  ({
    at,
    peers: [],
    events: [],
    leader: null,
    ledger: { description: 'MongoDB db', away: text, since: text && 10_000, text },
  }) as unknown as StatusSnapshot
const AWAY = 'nothing can be claimed or recorded, for 3 s: MongoDB db has not answered'

test('an unavailable ledger is one line, and its end another with how long it was', async () => {
  const reporter = await createReporter({ json: false, files: 1 })
  const lines = printed(() => {
    reporter.progress([], snapshot(9_000, null))
    reporter.progress([], snapshot(13_000, AWAY))
    reporter.progress([], snapshot(16_000, AWAY.replace('3 s', '6 s')))
    reporter.progress([], snapshot(51_000, null))
    reporter.progress([], snapshot(52_000, null))
  })
  assert.deepEqual(lines, [AWAY, 'the ledger answers again after 0:41'])
})

test('what is said of a deadline is one line, and another when that changes', async () => {
  const reporter = await createReporter({ json: false, files: 1 })
  const row = (minute: number) => {
    const forecast = { done_at: minute * 60_000, spare_s: (60 - minute) * 60, more: 0, like: 'nas', text: '' }
    return {
      id: 'x',
      name: 'film',
      status: 'QUEUED',
      done: 0,
      fps: null,
      eta_s: null,
      deadline: 3_600_000,
      forecast,
    } as unknown as VideoRow
  }
  const lines = printed(() => {
    for (const minute of [50, 51, 70, 72, 49]) reporter.progress([row(minute)], snapshot(0, null))
  })
  const said = lines.filter((line) => line.startsWith('film: ')).map((line) => line.replace(/^.*?, /, ''))
  const late = '10 min late: 0 more workers like nas would hold it'
  assert.deepEqual(said, ['10 min to spare', late, '11 min to spare'])
})

test('each progress event has the state of the ledger', async () => {
  const reporter = await createReporter({ json: true, files: 1 })
  const [line] = printed(() => reporter.progress([], snapshot(13_000, AWAY)))
  assert.deepEqual(JSON.parse(line!).ledger, { description: 'MongoDB db', away: AWAY, since: 10_000, text: AWAY })
})
