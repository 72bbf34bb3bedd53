import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlobExchange } from '../../protocol/blobs.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import {
  asPeerId,
  asSha256,
  type PeerId,
  partOf,
  type Sha256,
  type TaskId,
  taskId,
  type VideoId,
} from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage } from '../../testing/simulation/stage.ts'
import { createAudioRunner } from './run-audio.ts'
import { createVideoRunner } from './run-video.ts'

const video = '0123456789abcdef' as VideoId
const sha256 = asSha256('a'.repeat(64))
const [holder, other] = [asPeerId('holder'), asPeerId('other')]
const input = { sha256, bytes: 1, holders: [holder, other], start_pts: 0, end_pts: 1, time_base: '1/25' }
const task = { _id: taskId(video, '480p', 0), kind: 'video', chunk_id: 0, video_id: video, input } as unknown as Task
const signal = new AbortController().signal

type Runners = { video: ReturnType<typeof createVideoRunner>; audio: ReturnType<typeof createAudioRunner> }

/** How an input is asked for whose holder is met after so many tries. What comes after it is there breaks off. */
async function ask(metAfter: number, act: (runners: Runners) => Promise<unknown>, lacks: readonly PeerId[] = []) {
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
  const plans = { planOf: async () => ({ renditions: [{ id: '480p' }, { id: '720p' }] }) }
  const removed: string[] = []
  const ledger = {
    removeInputHolder: async (id: TaskId, _: Sha256, peer: PeerId) => removed.push(`${peer} ${partOf(id)}`),
  }
  const exchange = { fetch, whoHas: async () => ({ has: [], lacks }) }
  const parts = { store, media: {}, plans, exchange, ledger, self: asPeerId('me'), clock } as never
  const began = clock.mono()
  try {
    const video = createVideoRunner(parts)
    const asked = act({ video, audio: createAudioRunner(parts, video) })
    const end = await stage.until(asked).then(
      () => 'it is here',
      (error: unknown) => (error instanceof BlobMissing ? 'missing' : (error as Error).message),
    )
    return { end, tries, ms: clock.mono() - began, removed }
  } finally {
    await stage.close()
  }
}

const held = [{ task, attempt: 1 }] as const
const WAYS: Record<string, (runners: Runners) => Promise<unknown>> = {
  'an encode': ({ video }) =>
    video({ held, signal, progress: () => {}, waits: () => {}, releaseSlot: () => {} } as never),
  'an audio encode': ({ audio }) =>
    audio({ held, signal, progress: () => {}, waits: () => {}, releaseSlot: () => {} } as never),
  'a prefetch': ({ video }) => video.prefetch!(task, signal),
}

for (const [name, act] of Object.entries(WAYS))
  describe(`the input of ${name}`, () => {
    it('is asked for again where its holder is met a moment later', async () => {
      assert.deepEqual(await ask(0, act), { end: 'it is here', tries: 1, ms: 0, removed: [] })
      assert.deepEqual(await ask(2, act), { end: 'it is here', tries: 3, ms: 2_000, removed: [] })
    })

    it('is missing after a few seconds, so that another worker may try', async () => {
      assert.deepEqual(await ask(99, act), { end: 'missing', tries: 4, ms: 3_000, removed: [] })
    })

    it('is missing at once where every holder lacks it, and they are holders no more', async () => {
      const both = (peers: readonly PeerId[]) => ['480p', '720p'].flatMap((id) => peers.map((peer) => `${peer} ${id}`))
      assert.deepEqual(await ask(99, act, [holder, other]), {
        ...{ end: 'missing', tries: 1, ms: 0 },
        removed: both([holder, other]),
      })
      const one = await ask(99, act, [other])
      assert.deepEqual(one, { end: 'missing', tries: 4, ms: 3_000, removed: both([other]) })
    })
  })
