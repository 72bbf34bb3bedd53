import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { activityOf } from './activity.ts'

const ID = '00000000000000aa'
const row = (status: VideoRow['status'], ...tasks: [kind: string, status: string][]) =>
  ({
    id: ID,
    status,
    deliveries: [{ done_at: null }],
    tasks: tasks.map(([kind, status]) => ({ kind, status })),
  }) as unknown as VideoRow
const peers = (...of: { slots: number; running?: { task: string; done: number }[] }[]) =>
  ({ peers: of.map((peer) => ({ running: [], ...peer })) }) as unknown as StatusSnapshot
const HERE = { slots: 0 }
const IDLE = { slots: 2 }
const busy = (task: string, done: number) => ({ slots: 2, running: [{ task, done }] })

test('a video says at every moment what happens to it, or what it waits for', () => {
  const mine = `${ID}/480p/00000`
  assert.deepEqual(
    [
      activityOf(row('QUEUED'), peers(HERE)),
      activityOf(row('QUEUED'), peers({ ...busy(`${ID}/ingest/00000`, 0), slots: 0 })),
      activityOf(row('PLANNING'), peers(HERE)),
      activityOf(row('RUNNING'), peers(HERE)),
      activityOf(row('RUNNING'), peers(HERE, IDLE)),
      activityOf(row('RUNNING'), peers(HERE, busy('00000000000000bb/480p/00000', 0.5))),
      activityOf(row('RUNNING'), peers(HERE, busy(mine, 0))),
      activityOf(row('RUNNING'), peers(HERE, busy(mine, 0.01))),
      activityOf(row('MERGING'), peers(HERE, IDLE)),
      activityOf(row('MERGING', ['merge', 'PROCESSING'], ['package', 'PENDING']), peers(HERE, IDLE)),
      activityOf(row('MERGING', ['merge', 'COMPLETED'], ['package', 'PROCESSING']), peers(HERE, IDLE)),
      activityOf(row('MERGING', ['video', 'COMPLETED'], ['package', 'PROCESSING']), peers(HERE, IDLE)),
      activityOf(row('COMPLETED'), peers(HERE, IDLE)),
    ],
    [
      'waits to be read',
      'reading',
      'reading',
      'waits for the workers to start',
      'waits for a worker',
      'waits for a worker',
      'starts to encode',
      'encoding',
      'joining',
      'joining',
      'packaging',
      'packaging',
      'delivering',
    ],
  )
})
