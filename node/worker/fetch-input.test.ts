import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlobExchange } from '../../protocol/blobs.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import { asPeerId, asSha256, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage } from '../../testing/simulation/stage.ts'
import { createAudioRunner } from './run-audio.ts'
import { createVideoRunner } from './run-video.ts'

const video = '0123456789abcdef' as VideoId
const sha256 = asSha256('a'.repeat(64))
const input = { sha256, bytes: 1, holders: [], start_pts: 0, end_pts: 1, time_base: '1/25' }
const task = { _id: taskId(video, '480p', 0), video_id: video, input } as unknown as Task
const signal = new AbortController().signal

type Runners = { video: ReturnType<typeof createVideoRunner>; audio: ReturnType<typeof createAudioRunner> }

/** How an input is asked for whose holder is met after so many tries. What comes after it is there breaks off. */
async function ask(metAfter: number, act: (runners: Runners) => Promise<unknown>) {
  const stage = await createStage()
  const { clock } = stage.actor('worker')
  let tries = 0
  const fetch: BlobExchange['fetch'] = async () => {
    if (++tries <= metAfter) throw new BlobMissing(sha256)
    return '/the/blob'
  }
  const store = {
    scratch: async () => {
      throw new Error('it is here')
    },
  }
  const plans = { planOf: async () => ({}) }
  const parts = { store, media: {}, plans, exchange: { fetch }, self: asPeerId('me'), clock } as never
  const began = clock.mono()
  try {
    const asked = act({ video: createVideoRunner(parts), audio: createAudioRunner(parts) })
    const end = await stage.until(asked).then(
      () => 'it is here',
      (error: unknown) => (error instanceof BlobMissing ? 'missing' : (error as Error).message),
    )
    return { end, tries, ms: clock.mono() - began }
  } finally {
    await stage.close()
  }
}

const held = [{ task, attempt: 1 }] as const
const WAYS: Record<string, (runners: Runners) => Promise<unknown>> = {
  'an encode': ({ video }) => video({ held, signal, progress: () => {} } as never),
  'an audio encode': ({ audio }) => audio({ held, signal, progress: () => {} } as never),
  'a prefetch': ({ video }) => video.prefetch!(task, signal),
}

for (const [name, act] of Object.entries(WAYS))
  describe(`the input of ${name}`, () => {
    it('is asked for again where its holder is met a moment later', async () => {
      assert.deepEqual(await ask(0, act), { end: 'it is here', tries: 1, ms: 0 })
      assert.deepEqual(await ask(2, act), { end: 'it is here', tries: 3, ms: 2_000 })
    })

    it('is missing after a few seconds, so that another worker may try', async () => {
      assert.deepEqual(await ask(99, act), { end: 'missing', tries: 4, ms: 3_000 })
    })
  })
