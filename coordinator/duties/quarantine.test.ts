/** When outcomes are read for quarantines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { asPeerId } from '../../protocol/ids.ts'
import { COMPLETED_LATE_MS, QUARANTINE_CHECK_MS } from '../../protocol/limits.ts'
import { createQuarantine, type QuarantineContext } from './quarantine.ts'

const CLUMSY = asPeerId('peer Clumsy')
/** Chunks that the clumsy peer failed, and another one completed. */
const OUTCOMES = Array.from({ length: 8 }, (_, at) => ({
  _id: `film/480p/${at}`,
  kind: 'video',
  worker_id: asPeerId('peer Ann'),
  end_time: 900_000,
  failures: [{ worker_id: CLUMSY, at: 900_000 + at, code: 'ffmpeg_failed', message: 'exit code 1' }],
}))

function stage() {
  const at = { now: 1_000_000, completed: Number.NEGATIVE_INFINITY, reads: 0 }
  const answers: ('changed' | 'unchanged' | Error)[] = []
  const quarantined: string[] = []
  const ledger = {
    now: async () => at.now,
    completedSince: async (since: number) => (at.completed >= since ? ['film'] : []),
    outcomes: async () => {
      at.reads++
      return OUTCOMES
    },
    peers: async () => [],
    quarantine: async () => {
      const answer = answers.shift() ?? 'changed'
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  const context = {
    ledger,
    clock: { mono: () => at.now } as Clock,
    emit: async ({ name }: { name: string }) => void quarantined.push(name),
    hints: { publish() {} },
    peers: { get: () => ({ beat: { name: 'clumsy' } }) },
  } as unknown as QuarantineContext
  const duty = createQuarantine(context)
  const round = async () => {
    at.now += QUARANTINE_CHECK_MS
    await duty.round(new AbortController().signal)
  }
  return { at, answers, quarantined, round }
}

test('outcomes are read when a term begins, and again after a task was completed', async () => {
  const { at, quarantined, round } = stage()
  for (let n = 0; n < 5; n++) await round()
  assert.deepEqual([at.reads, quarantined], [1, ['clumsy']])
  at.completed = at.now - COMPLETED_LATE_MS / 2
  await round()
  assert.equal(at.reads, 2, 'a task that became visible late')
})

test('where the record of a peer changed meanwhile, or the ledger failed, they are read again', async () => {
  const { at, answers, quarantined, round } = stage()
  answers.push('unchanged', new Error('the ledger is away'))
  await round()
  await assert.rejects(round())
  await round()
  await round()
  assert.deepEqual([at.reads, quarantined], [3, ['clumsy']])
})
