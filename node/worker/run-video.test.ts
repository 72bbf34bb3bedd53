import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlobExchange } from '../../protocol/blobs.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import { asPeerId, asSha256, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage } from '../../test/simulation/stage.ts'
import { createVideoRunner } from './run-video.ts'

const video = '0123456789abcdef' as VideoId
const sha256 = asSha256('a'.repeat(64))
const input = { sha256, bytes: 1, holders: [], start_pts: 0, end_pts: 1, time_base: '1/25' }
const task = { _id: taskId(video, '480p', 0), video_id: video, input } as unknown as Task

describe('the input of a chunk', () => {
  /** Answers how long it took to be there, or to be given up, when its holder is met after so many tries. */
  async function bring(metAfter: number): Promise<{ path: string | null; tries: number; ms: number }> {
    const stage = await createStage()
    const { clock } = stage.actor('worker')
    let tries = 0
    const fetch: BlobExchange['fetch'] = async () => {
      if (++tries <= metAfter) throw new BlobMissing(sha256)
      return '/the/blob'
    }
    const parts = { store: {}, media: {}, plans: {}, exchange: { fetch }, self: asPeerId('me'), clock }
    const runner = createVideoRunner(parts as never)
    const began = clock.mono()
    try {
      const brought = runner.bring!(task, new AbortController().signal)
      const path = await stage.until(brought).catch((error: unknown) => {
        assert.ok(error instanceof BlobMissing)
        return null
      })
      return { path: path as string | null, tries, ms: clock.mono() - began }
    } finally {
      await stage.close()
    }
  }

  it('is asked for again where its holder is met a moment later', async () => {
    assert.deepEqual(await bring(0), { path: '/the/blob', tries: 1, ms: 0 })
    assert.deepEqual(await bring(2), { path: '/the/blob', tries: 3, ms: 2_000 })
  })

  it('is missing after a few seconds, so that another worker may try', async () => {
    assert.deepEqual(await bring(99), { path: null, tries: 4, ms: 3_000 })
  })
})
