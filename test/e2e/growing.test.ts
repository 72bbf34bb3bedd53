/**
 * A film that is watched while it is encoded: from two nodes at once, one of which encodes too and is killed. Playlists only grow, every segment that
 * was ever listed is what the delivered track has there, and so it is after the end.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { Parser } from 'm3u8-parser'
import { readTrackIndex } from '../../media/package/track-index.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { segmentName } from '../../protocol/package.ts'
import { makeTestFilm } from '../../testing/sources/test-film.ts'
import { endsOf } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { ledgerOf, type MeshNode, oddFfmpeg, startNode, submit, until } from './nodes.ts'

const ends = endsOf(after)
let flags: readonly string[] = []
before(async () => {
  // Each reads its chunk at four times the speed at which it is played: it is watched meanwhile, and costs no more than a quick one.
  const slow = await oddFfmpeg(await folder(ends), {
    slow: 'case "$*" in *libx264*) set -- -readrate 4 "$@" ;; esac',
  })
  await slow.set('slow')
  flags = ['--http', '127.0.0.1:0', '--slots', '1', ...slow.flags]
})
const SECONDS = 48

const WORDS = '1\n00:00:01,500 --> 00:00:04,000\nAn early word\n'

async function film(dir: string, seconds = SECONDS): Promise<string> {
  const out = join(dir, 'film.mp4')
  await makeTestFilm({ out, seconds, words: WORDS, args: ['-g', '50'] })
  return out
}

interface Playlist {
  readonly text: string
  readonly isWhole: boolean
  readonly init: string
  readonly names: readonly string[]
}

async function playlist(text: string): Promise<Playlist> {
  const parser = new Parser()
  parser.push(text)
  parser.end()
  const { segments, endList, playlistType } = parser.manifest
  assert.equal(playlistType, 'EVENT')
  const names = segments.map(({ uri }: { uri: string }) => uri)
  return { text, isWhole: endList === true, init: segments[0].map.uri, names }
}

/** What is seen of a track: its longest playlist, and the bytes of every name. */
class Watched {
  readonly #url: string
  readonly name: string
  readonly bytes = new Map<string, Buffer>()
  longest = ''
  isWhole = false
  names: readonly string[] = []
  init = ''

  constructor(url: string, name: string) {
    this.#url = url
    this.name = name
  }

  /** Reads the playlist from a node, and what it lists that was not read yet. */
  async look(node: MeshNode): Promise<void> {
    const response = await fetch(`${node.http}${this.#url}/live-${this.name}.m3u8`)
    if (response.status === 503) return void (await response.arrayBuffer())
    const text = await response.text()
    assert.equal(response.status, 200, text)
    const [short, long] = [this.longest, text].sort((a, b) => a.length - b.length)
    assert.ok(
      long!.startsWith(short!),
      `${node.name}: a playlist of ${this.name} did not only grow:\n${short}\n${long}`,
    )
    if (text.length < this.longest.length) return
    const { isWhole, names, init } = await playlist(text)
    Object.assign(this, { longest: text, isWhole, names, init })
    for (const name of [init, ...names]) if (!this.bytes.has(name)) this.bytes.set(name, await this.read(node, name))
  }

  async read(node: MeshNode, name: string): Promise<Buffer> {
    const response = await fetch(`${node.http}${this.#url}/${name}`)
    assert.equal(response.status, 200, `${node.name}: ${name}: ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  }
}

/** All that was read is in the file, in order, and all of the file was listed. */
async function checkTrack({ name, names, init, bytes }: Watched, packaged: string): Promise<void> {
  const file = await readFile(join(packaged, `${name}.mp4`))
  const read = async (into: Buffer, position: number) => file.copy(into, 0, position)
  const index = await readTrackIndex({ size: file.length, read })
  assert.ok(bytes.get(init)!.equals(file.subarray(0, index.init)), `${name}: the beginning`)
  assert.equal(names.length, index.segments.length, name)
  for (const [at, segment] of index.segments.entries())
    assert.ok(
      bytes.get(names[at]!)!.equals(file.subarray(segment.offset, segment.offset + segment.bytes)),
      `${name}: ${names[at]}`,
    )
  assert.equal(bytes.size, names.length + 1, 'nothing else was ever listed')
}

async function mesh(t: TestContext) {
  const dir = await folder(t)
  const source = await film(dir)
  const leads = await startNode(t, dir, { name: 'leads', flags })
  const helps = await startNode(t, dir, {
    name: 'helps',
    flags: [...flags, '--roles', 'worker', '--join', leads.address],
  })
  return { dir, source, leads, helps, ledger: await ledgerOf(t, dir) }
}

test('what is listed while a film is encoded is what its package has, from every node, also when one is killed', async (t) => {
  const { dir, source, leads, helps, ledger } = await mesh(t)
  const form = ['--renditions', '180p,90p', '--preset', 'ultrafast', '--package', 'hls,dash']
  const video = (await submit(leads, dir, source, form)) as VideoId
  const url = `/v1/videos/${video}/hls`
  const before = await fetch(`${leads.http}${url}/master.m3u8`)
  assert.deepEqual([before.status, before.headers.get('retry-after')], [503, '2'])
  const master = async (node: MeshNode) => {
    const response = await fetch(`${node.http}${url}/master.m3u8`)
    return response.status === 200 ? await response.text() : null
  }
  const text = await until('it can be watched', () => master(helps))
  assert.notEqual((await ledger.video(video))!.status, 'COMPLETED')
  const early = await (await fetch(`${helps.http}/v1/videos/${video}/dash/manifest.mpd`)).text()
  assert.match(early, /type="dynamic"/)
  assert.equal(await until('the other answers too', () => master(leads)), text, 'every node answers the same')
  assert.match(text, /CODECS="avc1\.[0-9A-F]{6},mp4a\.40\.2"/)
  const tracks = ['video-180p', 'video-90p', 'audio-1'].map((name) => new Watched(url, name))
  for (const { name } of tracks) assert.match(text, new RegExp(`live-${name}\\.m3u8`))

  let isKilled = false
  await until(
    'all is listed',
    async () => {
      for (const track of tracks)
        await Promise.all((isKilled ? [leads] : [leads, helps]).map((node) => track.look(node)))
      const done = await ledger.tasks({ video, kinds: ['video'], statuses: ['COMPLETED'] })
      if (!isKilled && done.some(({ worker_id }) => worker_id === helps.peer) && tracks[0]!.names.length >= 3) {
        assert.ok(!tracks[0]!.isWhole, 'it is encoded still')
        await helps.stop()
        isKilled = true
      }
      return tracks.every(({ isWhole }) => isWhole)
    },
    180,
  )
  assert.ok(isKilled)
  const dash = `${leads.http}/v1/videos/${video}/dash`
  const live = async () => await (await fetch(`${dash}/live-manifest.mpd`)).text()
  const whole = await live()
  assert.match(whole, /type="static"/)
  await until('it is delivered', async () =>
    (await ledger.video(video))?.deliveries.every(({ done_at }) => done_at !== null),
  )
  for (const track of tracks) {
    await checkTrack(track, join(dir, 'out', 'film'))
    await track.look(leads)
    for (const name of [track.init, ...track.names])
      assert.ok((await track.read(leads, name)).equals(track.bytes.get(name)!), `${name} after the end`)
  }
  assert.match((await master(leads))!, /^video-180p\.m3u8$/m)
  assert.equal(await live(), whole, 'the manifest of those who began before the end')
  const [first, names] = [tracks[0]!, tracks[0]!.names]
  const numbered = await fetch(`${dash}/live-${first.name}-${names.length}.m4s`)
  assert.deepEqual(Buffer.from(await numbered.arrayBuffer()), first.bytes.get(names.at(-1)!))
  const other = await fetch(`${leads.http}${url}/${tracks[0]!.names[0]!.replace(/[0-9a-f]{8}\.m4s/, '00000000.m4s')}`)
  assert.equal(other.status, 404)
})

for (const [method, name] of [['aes-128', 'AES-128'], ['cbcs', 'SAMPLE-AES']] as const) // biome-ignore format: pairs
  test(`a film with a key is listed while it is encoded, with the encrypted segments that its package has: ${method}`, async (t) => {
    const dir = await folder(t)
    const source = await film(dir, 20)
    const node = await startNode(t, dir, { name: 'node', flags })
    const ledger = await ledgerOf(t, dir)
    await writeFile(join(dir, 'film.key'), '000102030405060708090a0b0c0d0e0f')
    const key = ['--hls-key', join(dir, 'film.key'), '--hls-key-url', 'https://keys.example.org/1']
    const form = ['--package', 'hls', '--package-only', '--segments', '--hls-encryption', method]
    const recipe = ['--renditions', '180p', '--preset', 'ultrafast', ...form, ...key]
    const video = (await submit(node, dir, source, recipe)) as VideoId
    const tracks = ['video-180p', 'audio-1'].map((name) => new Watched(`/v1/videos/${video}/hls`, name))
    const [picture] = tracks
    await until('a segment is listed', async () => {
      await picture!.look(node)
      return picture!.names.length > 0
    })
    assert.notEqual((await ledger.video(video))!.status, 'COMPLETED')
    const early = await (await fetch(`${node.http}/v1/videos/${video}/hls/live-text-1.vtt`)).text()
    assert.match(early, /^WEBVTT[\s\S]*An early word/)
    assert.ok(picture!.longest.includes(`#EXT-X-KEY:METHOD=${name},URI="https://keys.example.org/1"\n`))
    await until('all is listed', async () => {
      for (const track of tracks) await track.look(node)
      return tracks.every(({ isWhole }) => isWhole)
    })
    await until('it is delivered', async () =>
      (await ledger.video(video))?.deliveries.every(({ done_at }) => done_at !== null),
    )
    assert.equal(early, await readFile(join(dir, 'out', 'film', 'text-1.vtt'), 'utf8'))
    for (const { name: track, init, names, bytes } of tracks) {
      const read = (file: string) => readFile(join(dir, 'out', 'film', track, file))
      assert.deepEqual(bytes.get(init), await read('header.mp4'))
      for (const [at, each] of names.entries()) assert.deepEqual(bytes.get(each), await read(segmentName(at)), each)
    }
  })
