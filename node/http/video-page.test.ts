/** Pages of videos: what is asked of the ledger, and which requests are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VideoPage } from '../../protocol/api-lists.ts'
import { silentLog } from '../../protocol/log.ts'
import { VIDEO_STATUSES, type VideoQuery } from '../../protocol/video.ts'
import type { NodeFace } from '../face.ts'
import { type ApiModules, createApi } from './api.ts'

const ids = Array.from({ length: 5 }, (_, n) => n.toString(16).padStart(16, '0'))
const asked: VideoQuery[] = []

/** A ledger with five videos, two of them of one ms. */
const face = {
  ledger: {
    videos: async (query: VideoQuery) => {
      asked.push(query)
      const all = ids.map((_id, n) => ({ _id, created_at: 1_000 + Math.floor(n / 2) }))
      const { before, limit = 0 } = query
      const older = all.filter(
        ({ _id, created_at }) =>
          !before || created_at < before.created_at || (created_at === before.created_at && _id < before._id),
      )
      return older.slice(-limit)
    },
  },
  rows: async (videos: readonly { _id: string }[]) => videos.map(({ _id }) => ({ id: _id })),
  peers: async () => [{ name: 'one' }],
  engines: async () => [{ engine: 'docker' }],
} as unknown as NodeFace
const api = createApi(face, { log: silentLog } as ApiModules)

const page = async (query: string): Promise<VideoPage> => {
  const answer = await api.request(`/v1/videos${query}`)
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()) as VideoPage
}

test('pages follow each other from the newest video to the oldest', async () => {
  const seen: string[] = []
  const sizes: number[] = []
  for (let query: string | null = '?limit=2'; query !== null; ) {
    const { videos, next } = await page(query)
    seen.push(...videos.map(({ id }) => id))
    sizes.push(videos.length)
    query = next === null ? null : `?limit=2&cursor=${next}`
  }
  assert.deepEqual([seen, sizes], [ids.toReversed(), [2, 2, 1]])
  assert.equal((await page('?limit=5')).next, null, 'no page is empty')
})

test('a page has the statuses and times that are asked for, and 50 videos at most where no number is', async () => {
  asked.length = 0
  await page('')
  await page('?status=RUNNING,QUEUED&since=5&until=9&limit=1')
  assert.deepEqual(asked, [
    { statuses: VIDEO_STATUSES, before: undefined, since: undefined, limit: 51 },
    { statuses: ['RUNNING', 'QUEUED'], before: { created_at: 9, _id: '' }, since: 5, limit: 2 },
  ])
})

const wrong = [
  'order=name',
  'limit=0',
  'limit=201',
  'limit=x',
  'status=OPEN',
  'status=',
  'cursor=1',
  'cursor=1-x',
  'since=-1',
  'until=a',
]
for (const query of wrong)
  test(`?${query} is refused with the name of the parameter`, async () => {
    const answer = await api.request(`/v1/videos?${query}`)
    const { code, detail, field } = (await answer.json()) as Record<string, string>
    assert.deepEqual([answer.status, code], [400, 'bad_request'])
    assert.equal(field, query.slice(0, query.indexOf('=')))
    assert.match(detail ?? '', new RegExp(`^${field}\\b`))
  })

test('peers and engines have lists of their own', async () => {
  assert.deepEqual(await (await api.request('/v1/peers')).json(), [{ name: 'one' }])
  assert.deepEqual(await (await api.request('/v1/engines')).json(), [{ engine: 'docker' }])
})
