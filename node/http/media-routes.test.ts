/** The media routes without a socket: what is answered to which request. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Video } from '../../protocol/video.ts'
import type { NodeFace } from '../face.ts'
import { createArtifactFiles } from '../streams/artifact-files.ts'
import type { ArtifactReads } from '../streams/artifact-reads.ts'
import { createStreams, type StreamFile, StreamRefused } from '../streams/streams.ts'
import { type ApiModules, createApi } from './api.ts'

const ID = '0123456789abcdef'
const BYTES = Buffer.from('0123456789')
const TAG = '"a1"'
const AT = `/v1/videos/${ID}/hls`

let video: Partial<Video> | null
let fails: Error | null
let breaks: Error | null
let opened: string[]
let reads: number
/** Time passes in sleeps only, at whose ends this is called. */
let now: number
let awakes: () => void
beforeEach(() => {
  now = 0
  awakes = () => {}
  video = { name: 'film', status: 'COMPLETED', recipe: { ...DEFAULT_RECIPE, package: { formats: ['hls'] } } }
  fails = null
  breaks = null
  opened = []
  reads = 0
})

function routes() {
  const ledger = {
    video: async (id: VideoId) => {
      if (fails) throw fails
      return id === ID ? (video as Video) : null
    },
  }
  const open = async (_: Video, file: string): Promise<StreamFile | null> => {
    opened.push(file)
    if (file === 'soon.mp4') return null
    if (file === 'none.mp4') throw new StreamRefused('unknown_file', 'no such file')
    const isManifest = file.endsWith('.m3u8')
    return {
      mediaType: isManifest ? 'application/vnd.apple.mpegurl' : 'video/mp4',
      bytes: file === 'empty.vtt' ? 0 : BYTES.byteLength,
      etag: 'a1',
      isFinal: file !== 'growing.m4s',
      async *read({ from, to }) {
        reads++
        if (breaks) throw breaks
        for (let at = from; at < to; at += 4) yield BYTES.subarray(at, Math.min(to, at + 4))
      },
    }
  }
  const bytes: ArtifactReads = {
    async *read(_, { path }, { from, to }) {
      yield Buffer.from(`${path} 0123456789`.slice(-10)).subarray(from, to)
    },
  }
  const artifacts = createArtifactFiles({ ledger, reads: bytes })
  const sleep = async (ms: number) => {
    now += ms
    awakes()
  }
  const clock = { mono: () => now, sleep }
  const streams = createStreams(ledger, [{ open }])
  return createApi({} as NodeFace, { streams, artifacts, clock, log: silentLog } as unknown as ApiModules)
}

type Headers = Readonly<Record<string, string>>

async function ask(
  path: string,
  headers: Headers = {},
  { method = 'GET' } = {},
): Promise<{ status: number; body: string; header: (name: string) => string | null }> {
  const response = await routes().request(path, { method, headers })
  return { status: response.status, body: await response.text(), header: (name) => response.headers.get(name) }
}

/** Request headers, and what is answered: the status, the body, the header `content-range`. */
const RANGES: readonly (readonly [headers: Headers, status: number, body: string, range: string | null])[] = [
  [{}, 200, '0123456789', null],
  [{ range: 'bytes=0-3' }, 206, '0123', 'bytes 0-3/10'],
  [{ range: 'bytes=3-7' }, 206, '34567', 'bytes 3-7/10'],
  [{ range: 'bytes=7-' }, 206, '789', 'bytes 7-9/10'],
  [{ range: 'bytes=7-99' }, 206, '789', 'bytes 7-9/10'],
  [{ range: 'bytes=-4' }, 206, '6789', 'bytes 6-9/10'],
  [{ range: 'bytes=-99' }, 206, '0123456789', 'bytes 0-9/10'],
  [{ range: 'bytes=0-0' }, 206, '0', 'bytes 0-0/10'],
  [{ range: 'bytes=0-1,4-5' }, 200, '0123456789', null],
  [{ range: 'bytes=5-3' }, 200, '0123456789', null],
  [{ range: 'bytes=a-b' }, 200, '0123456789', null],
  [{ range: 'lines=1-2' }, 200, '0123456789', null],
  [{ range: 'bytes=0-3', 'if-range': TAG }, 206, '0123', 'bytes 0-3/10'],
  [{ range: 'bytes=0-3', 'if-range': '"b2"' }, 200, '0123456789', null],
  [{ range: 'bytes=0-3', 'if-range': 'Sun, 29 Nov 2026 00:00:00 GMT' }, 200, '0123456789', null],
  [{ 'if-none-match': TAG }, 304, '', null],
  [{ 'if-none-match': `"b2", W/${TAG}` }, 304, '', null],
  [{ 'if-none-match': '*' }, 304, '', null],
  [{ 'if-none-match': '"b2"' }, 200, '0123456789', null],
  [{ 'if-none-match': TAG, range: 'bytes=0-3' }, 304, '', null],
]

describe('the media routes', () => {
  for (const [headers, status, body, range] of RANGES)
    it(`answer ${JSON.stringify(headers)} with ${status} ${body}`, async () => {
      const answer = await ask(`${AT}/video-480p.mp4`, headers)
      assert.deepEqual([answer.status, answer.body, answer.header('content-range')], [status, body, range])
      assert.equal(answer.header('etag'), TAG)
      assert.equal(answer.header('accept-ranges'), 'bytes')
      if (status !== 304) assert.equal(answer.header('content-length'), String(body.length))
    })

  for (const range of ['bytes=10-', 'bytes=99-100', 'bytes=-0'])
    it(`answer ${range}, which is beyond the end, with 416 and the size`, async () => {
      const answer = await ask(`${AT}/video-480p.mp4`, { range })
      assert.deepEqual([answer.status, answer.header('content-range')], [416, 'bytes */10'])
      assert.equal(JSON.parse(answer.body).code, 'beyond_end')
    })

  it('answer HEAD with the headers of the whole file, and read nothing', async () => {
    const answer = await ask(`${AT}/video-480p.mp4`, { range: 'bytes=0-3' }, { method: 'HEAD' })
    assert.deepEqual([answer.status, answer.body, answer.header('content-length')], [200, '', '10'])
    assert.equal(answer.header('content-type'), 'video/mp4')
    assert.equal(reads, 0)
  })

  it('answer a file without bytes', async () => {
    const answer = await ask(`${AT}/empty.vtt`)
    assert.deepEqual([answer.status, answer.body, answer.header('content-length')], [200, '', '0'])
  })

  it('let tracks be kept for good, and manifests and what still grows be asked for again', async () => {
    const control = async (file: string) => (await ask(`${AT}/${file}`)).header('cache-control')
    assert.match((await control('video-480p.mp4')) ?? '', /immutable/)
    assert.equal(await control('master.m3u8'), 'no-cache')
    assert.equal(await control('growing.m4s'), 'no-cache')
  })

  it('serve the same files below hls and dash, and no other form', async () => {
    for (const form of ['hls', 'dash']) assert.equal((await ask(`/v1/videos/${ID}/${form}/audio-1.mp4`)).status, 200)
    assert.equal((await ask(`/v1/videos/${ID}/mss/audio-1.mp4`)).status, 404)
    assert.equal((await ask(`${AT}/..%2f..%2fsecret`)).status, 200)
    assert.deepEqual(opened.slice(2), ['../../secret'], 'a name is only ever compared')
  })

  const refused: readonly (readonly [what: string, path: string, act: () => void, status: number, code: string])[] = [
    ['an unknown video', '/v1/videos/fedcba9876543210/hls/master.m3u8', () => {}, 404, 'unknown_video'],
    ['what is no id', '/v1/videos/film/hls/master.m3u8', () => {}, 404, 'unknown_video'],
    ['an unknown file', `${AT}/none.mp4`, () => {}, 404, 'unknown_file'],
    ['a file to come', `${AT}/soon.mp4`, () => {}, 503, 'not_ready'],
    [
      'a video without a package',
      `${AT}/a.mp4`,
      () => (video = { ...video, recipe: DEFAULT_RECIPE }),
      404,
      'no_package',
    ],
    ['a cancelled video', `${AT}/a.mp4`, () => (video = { ...video, status: 'CANCELLED' }), 410, 'video_ended'],
    ['a failed video', `${AT}/a.mp4`, () => (video = { ...video, status: 'FAILED' }), 410, 'video_ended'],
    ['an absent ledger', `${AT}/a.mp4`, () => (fails = new LedgerUnavailable('away')), 503, 'ledger_away'],
    ['bytes that are away', `${AT}/a.mp4`, () => (breaks = new StreamRefused('bytes_away', 'x')), 503, 'bytes_away'],
    ['bytes that are gone', `${AT}/a.mp4`, () => (breaks = new StreamRefused('bytes_gone', 'x')), 410, 'bytes_gone'],
    ['a fault of this node', `${AT}/a.mp4`, () => (fails = new Error('oh')), 500, 'unexpected'],
  ]
  for (const [what, path, act, status, code] of refused)
    it(`answer ${what} with ${status}, a code and a sentence`, async () => {
      act()
      const answer = await ask(path)
      assert.equal(answer.status, status)
      assert.equal(JSON.parse(answer.body).code, code)
      assert.ok(JSON.parse(answer.body).detail)
      assert.equal(answer.header('retry-after'), status === 503 ? '2' : null)
      assert.equal(answer.header('cache-control'), 'no-store')
      assert.equal(answer.header('etag'), null)
    })

  it('hold a file whose bytes are away for 8 s, but no manifest', async () => {
    breaks = new StreamRefused('bytes_away', 'x')
    awakes = () => {
      if (now >= 3_000) breaks = null
    }
    const answer = await ask(`${AT}/a.m4s`, { range: 'bytes=2-5' })
    assert.deepEqual([answer.status, answer.body, now, reads, opened.length], [206, '2345', 3_000, 4, 4])
    breaks = new StreamRefused('bytes_away', 'x')
    awakes = () => {}
    assert.deepEqual([(await ask(`${AT}/a.m4s`)).status, now], [503, 12_000])
    assert.deepEqual([(await ask(`${AT}/master.m3u8`)).status, now], [503, 12_000])
    awakes = () => (breaks = new StreamRefused('bytes_gone', 'x'))
    assert.deepEqual([(await ask(`${AT}/a.m4s`)).status, now], [410, 13_000])
  })

  it('answer finished files by their hash, whole and by ranges, under the name of their delivery', async () => {
    const [sha256, track] = ['b'.repeat(64), 'c'.repeat(64)]
    const file = { media_type: 'video/mp4', bytes: 10, holders: [] }
    const outputs = [
      { ...file, path: '480p/{name}.mp4', sha256 },
      { ...file, path: '{name}/video-480p.mp4', sha256: track, is_folder: true },
    ]
    video = { ...video, name: "Zoë's (1)", outputs } as unknown as Video
    const at = `/v1/videos/${ID}/artifacts`
    const whole = await ask(`${at}/${sha256}`)
    assert.deepEqual([whole.status, whole.body, whole.header('etag')], [200, '0123456789', `"${sha256}"`])
    assert.equal(whole.header('content-disposition'), "inline; filename*=UTF-8''Zo%C3%AB%27s%20%281%29.mp4")
    const part = await ask(`${at}/${sha256}`, { range: 'bytes=-3' })
    assert.deepEqual([part.status, part.body, part.header('content-range')], [206, '789', 'bytes 7-9/10'])
    assert.equal((await ask(`${at}/${sha256}`, { 'if-none-match': `"${sha256}"` })).status, 304)
    for (const unknown of ['a'.repeat(64), track, '..%2f..', 'x'])
      assert.deepEqual(JSON.parse((await ask(`${at}/${unknown}`)).body).code, 'unknown_file', unknown)
    assert.equal((await ask(`/v1/videos/fedcba9876543210/artifacts/${sha256}`)).status, 404)
  })
})
