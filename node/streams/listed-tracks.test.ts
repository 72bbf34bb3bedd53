/** What a node lists of a film that is encoded: seldom looked for, and never less than before. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Video } from '../../protocol/video.ts'
import { createListedTracks } from './listed-tracks.ts'

const { signal } = new AbortController()
const VIDEO = { _id: '0123456789abcdef' } as Video
const track = (name: string, segments: number) =>
  ({ name, segments: Array(segments).fill(0) }) as unknown as GrowingTrack

describe('the tracks that a node lists', () => {
  let now = 0
  let looks = 0
  let there: GrowingTrack[] | Error = []
  const tracks = async () => {
    looks++
    if (there instanceof Error) throw there
    return there
  }
  let listed: () => Promise<(readonly [string, number])[]>
  beforeEach(() => {
    ;[now, looks] = [0, 0]
    const made = createListedTracks({ tracks }, { mono: () => now })
    listed = async () =>
      (await made.tracks(VIDEO, {} as Plan, signal)).map(({ name, segments }) => [name, segments.length] as const)
  })

  it('are looked for once a second, however many players ask', async () => {
    there = [track('video-1', 1)]
    await Promise.all([listed(), listed(), listed()])
    there = [track('video-1', 2)]
    now = 999
    assert.deepEqual([await listed(), looks], [[['video-1', 1]], 1])
    now = 1_000
    assert.deepEqual([await listed(), looks], [[['video-1', 2]], 2])
  })
  it('lose nothing when a chunk is lost, and grow when it is there again', async () => {
    const seen = async (...found: GrowingTrack[]) => {
      there = found
      now += 1_000
      return await listed()
    }
    const both = [['video-1', 3], ['audio-1', 2]] // biome-ignore format: short
    await seen(track('video-1', 3), track('audio-1', 2))
    assert.deepEqual(await seen(track('video-1', 1), track('audio-1', 2)), both)
    assert.deepEqual(await seen(track('audio-1', 2)), both)
    assert.deepEqual(await seen(track('video-1', 4), track('audio-1', 2)), [['video-1', 4], ['audio-1', 2]]) // biome-ignore format: short
  })
  it('are looked for again after a failure', async () => {
    there = [track('video-1', 3)]
    await listed()
    there = new Error('away')
    now = 1_000
    await assert.rejects(listed(), /away/)
    there = [track('video-1', 1)]
    assert.deepEqual(await listed(), [['video-1', 3]])
  })
})
