/** Files of packages that are whole, by name. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Artifact } from '../../protocol/artifact.ts'
import { sha256Of } from '../../protocol/conformance/blobs.ts'
import type { PackageRecipe } from '../../protocol/package.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Task } from '../../protocol/task.ts'
import { aVideo } from '../videos/video.fixture.ts'
import { createFinishedPackages } from './finished-packages.ts'
import type { StreamFile } from './streams.ts'

const box = (type: string, body: Buffer) => {
  const head = Buffer.from(`....${type}`, 'latin1')
  head.writeUInt32BE(8 + body.length)
  return Buffer.concat([head, body])
}
const index = Buffer.alloc(32 + 2 * 12)
index.writeUInt16BE(2, 30)
index.writeUInt32BE(5, 32)
index.writeUInt32BE(7, 44)
const HEADER = Buffer.concat([box('ftyp', Buffer.alloc(4)), box('moov', Buffer.alloc(100))])
/** A track of two segments: its header, its index, and they. */
const TRACK = Buffer.concat([HEADER, box('sidx', index), Buffer.from('first' + 'another')])
const CONTENTS: Readonly<Record<string, Buffer>> = {
  '{name}/master.m3u8': Buffer.from('#EXTM3U\nhttps://cdn.example/a/video-480p.m3u8\n'),
  '{name}/video-480p.mp4': Buffer.from('the track'),
  '{name}/video-720p': TRACK,
  '480p/{name}.mp4': Buffer.from('no part of the package'),
}
const outputs = Object.entries(CONTENTS).map(([path, content]): Artifact => {
  const [sha256, bytes] = [sha256Of(content.toString('latin1')), content.byteLength]
  const form = path.endsWith('720p') && { is_folder: true as const }
  return {
    path,
    media_type: path.endsWith('m3u8') ? 'application/vnd.apple.mpegurl' : 'video/mp4',
    sha256,
    bytes,
    holders: [],
    ...form,
  }
})
const { signal } = new AbortController()
const video = (change: Parameters<typeof aVideo>[0] = {}, asks: Partial<PackageRecipe> = {}) =>
  aVideo({
    name: 'film',
    status: 'COMPLETED',
    outputs,
    recipe: { ...DEFAULT_RECIPE, package: { formats: ['hls'], ...asks } },
    ...change,
  })

let reads = 0
const packages = (tasks: readonly Partial<Task>[] = []) =>
  createFinishedPackages({
    ledger: { tasks: async () => tasks as Task[] },
    reads: {
      async *read(_, { path }, { from, to }) {
        reads++
        yield CONTENTS[path]!.subarray(from, to)
      },
    },
  })

async function textOf(file: StreamFile | null): Promise<string> {
  let text = ''
  for await (const piece of file!.read({ from: 0, to: file!.bytes }, signal))
    text += Buffer.from(piece).toString('latin1')
  return text
}

describe('finished packages', () => {
  it('have the files of the package, and no others', async () => {
    const found = await packages().open(video(), 'video-480p.mp4', signal)
    assert.deepEqual([found?.mediaType, found?.bytes, found?.isFinal], ['video/mp4', 9, true])
    assert.equal(found?.etag, outputs[1]?.sha256)
    assert.equal(await textOf(found), 'the track')
    for (const file of ['none.mp4', 'film.mp4', '../480p/film.mp4', 'video-720p', 'video-720p/segment-00003.m4s', ''])
      await assert.rejects(packages().open(video(), file, signal), { code: 'unknown_file' }, file)
  })

  it('are there as soon as their task has ended, while the video is merged', async () => {
    const merging = video({ status: 'MERGING', outputs: [] })
    assert.equal(await packages().open(merging, 'video-480p.mp4', signal), null)
    assert.equal(await textOf(await packages([{ outputs }]).open(merging, 'video-480p.mp4', signal)), 'the track')
    assert.equal(await packages([{ outputs }]).open(video({ status: 'RUNNING' }), 'video-480p.mp4', signal), null)
  })

  it('have relative names in their manifests, and tags of what is served', async () => {
    const asks = { url_prefix: 'https://cdn.example/a/' }
    const found = await packages().open(video({}, asks), 'master.m3u8', signal)
    assert.equal(await textOf(found), '#EXTM3U\nvideo-480p.m3u8\n')
    assert.equal(found?.bytes, 24)
    assert.notEqual(found?.etag, outputs[0]?.sha256)
    assert.equal((await packages().open(video(), 'master.m3u8', signal))?.etag, outputs[0]?.sha256)
  })

  it('have each segment of a track that is a folder, and read its index once', async () => {
    const source = packages()
    const of = (name: string) => source.open(video({}, { segments: true }), `video-720p/${name}`, signal)
    assert.equal(await textOf(await of('segment-00001.m4s')), 'first')
    assert.equal(await textOf(await of('segment-00002.m4s')), 'another')
    assert.equal(await textOf(await of('header.mp4')), HEADER.toString('latin1'))
    assert.equal((await of('segment-00002.m4s'))?.mediaType, 'video/iso.segment')
    reads = 0
    const [one, two] = [await of('segment-00001.m4s'), await of('segment-00002.m4s')]
    assert.notEqual(one?.etag, two?.etag)
    assert.equal(reads, 0)
  })
})
