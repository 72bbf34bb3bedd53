import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { sampleOf } from './samples.ts'

const peer = (self: boolean, heard_s: number, busy: number, speed: number) => ({ self, heard_s, busy, speed })

test('the throughput is that of the peers that are heard and encode', () => {
  const peers = [peer(true, 0, 1, 0.5), peer(false, 2, 1, 0.25), peer(false, 30, 1, 12), peer(false, 1, 0, 7)]
  const video = (status: string, eta_s: number | null) => ({
    status,
    eta_s,
    tasks: [
      { status: 'PENDING', count: 3 },
      { status: 'PROCESSING', count: 2 },
    ],
  })
  const videos = [video('RUNNING', 40), video('QUEUED', null), video('COMPLETED', 99)]
  const sample = sampleOf({ at: 5_000, peers, videos } as unknown as StatusSnapshot)
  assert.deepEqual(sample, { at: 5, speed: 0.75, waits: 6, runs: 4, eta: 40 })
})
