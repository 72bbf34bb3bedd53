/** From where the sound of a video is listed while and after it is encoded. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Track } from '../../media/mp4.ts'
import { part } from '../../protocol/conformance/ledger/parts.ts'
import { ANN, claim, output, own, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { wholeVideoTask } from '../../protocol/task.ts'
import { createSoundSegments } from './sound-segments.ts'

test('sound is listed from its parts until its task is completed, then from the encoded file, which is read once', async () => {
  const ledger = createLedgerModel({ now: () => 1_000_000, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING')
  const reads: string[] = []
  const tracksOf = async (_: unknown, { sha256 }: { sha256: string }): Promise<Track[]> => {
    reads.push(sha256)
    return []
  }
  const { soundsOf } = createSoundSegments({ ledger, tracksOf })
  const { signal } = new AbortController()
  const listed = async () => (await soundsOf(video._id, signal)).map(({ track, segments }) => [track, segments.length])
  assert.deepEqual(await listed(), [])
  const task = wholeVideoTask(video, 'audio')
  await ledger.insertTasks([task])
  assert.deepEqual(await listed(), [])
  const held = own(await claim(ledger, (await ledger.task(task._id))!, ANN))
  await ledger.listParts({ ...held, parts: [part(1, 'a'), part(2, 'b')], instead: false })
  assert.deepEqual(await listed(), [[1, 2]])
  await ledger.complete({ ...held, output: output('whole'), outputs: [] })
  assert.deepEqual(await listed(), [])
  await listed()
  assert.equal(reads.length, 1)
})
