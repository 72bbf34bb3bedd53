/** Files built box by box: what ffmpeg writes, and what a damaged or hostile result may say. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Mp4Broken, readMp4 } from './mp4.ts'

let dir = ''
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-mp4-'))
})
after(() => rm(dir, { recursive: true, force: true }))

const u32 = (...values: number[]): Buffer =>
  Buffer.concat(values.map((value) => Buffer.from(Uint32Array.of(value).buffer).swap32()))

function box(type: string, ...bodies: Buffer[]): Buffer {
  const body = Buffer.concat(bodies)
  return Buffer.concat([u32(8 + body.length), Buffer.from(type, 'latin1'), body])
}

interface Samples {
  /** 0: the sizes are listed. */
  readonly commonSize?: number
  readonly sizes?: readonly number[]
  /** What the size table says, where that is not the number of sizes. */
  readonly count?: number
  readonly offset: number
  readonly keyframes?: Buffer
}

function soundTrack({ commonSize = 0, sizes = [], count = sizes.length, offset, keyframes }: Samples): Buffer {
  const samples = box(
    'stbl',
    box('stsd', u32(0, 1), box('mp4a', Buffer.alloc(28))),
    box('stts', u32(0, 1, count, 1024)),
    box('stsc', u32(0, 1, 1, count, 1)),
    box('stsz', u32(0, commonSize, count, ...sizes)),
    box('stco', u32(0, 1, offset)),
    ...(keyframes ? [box('stss', keyframes)] : []),
  )
  const header = box('mdhd', u32(0, 0, 0, 48_000, 0), Buffer.from([0x55, 0xc4, 0, 0]))
  const handler = box('hdlr', u32(0, 0), Buffer.from('soun'), Buffer.alloc(13))
  return box('trak', box('tkhd', Buffer.alloc(84)), box('mdia', header, handler, box('minf', samples)))
}

const DATA_AT = 16

/** `ftyp`, then `mdat` with 100 bytes from `DATA_AT` on, then `moov`. */
async function film(...tracks: Buffer[]): Promise<string> {
  const path = join(dir, `${tracks.map((track) => track.length).join('-')}.mp4`)
  const moov = box('moov', box('mvhd', u32(0, 0, 0, 1000), Buffer.alloc(84)), ...tracks)
  await writeFile(path, Buffer.concat([box('ftyp'), box('mdat', Buffer.alloc(100)), moov]))
  return path
}

const broken = (reason: RegExp) => (error: unknown) => error instanceof Mp4Broken && reason.test(error.message)

describe('the MP4 reader', () => {
  it('reads listed and common sample sizes', async () => {
    const tracks = await readMp4(
      await film(
        soundTrack({ sizes: [10, 20], offset: DATA_AT }),
        soundTrack({ commonSize: 7, count: 10, offset: DATA_AT + 30 }),
      ),
    )
    assert.deepEqual(
      tracks.map(({ kind, language, timescale }) => [kind, language, timescale]),
      [
        ['audio', 'und', 48_000],
        ['audio', 'und', 48_000],
      ],
    )
    assert.deepEqual([...tracks[0]!.sizes, ...tracks[0]!.offsets], [10, 20, DATA_AT, DATA_AT + 10])
    assert.deepEqual([tracks[1]!.sizes.length, tracks[1]!.sizes[9], tracks[1]!.offsets[9]], [10, 7, DATA_AT + 93])
    assert.equal(tracks[1]!.duration, 10 * 1024)
  })

  it('refuses more samples than the file has bytes, before it makes room for them', async () => {
    const path = await film(soundTrack({ commonSize: 1, count: 0xffff_ffff, offset: DATA_AT }))
    const before = process.memoryUsage().arrayBuffers
    await assert.rejects(readMp4(path), broken(/larger than the file/))
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024)
  })

  it('refuses tracks whose samples together are larger than the file', async () => {
    const track = soundTrack({ commonSize: 1, count: 600, offset: DATA_AT })
    await assert.rejects(readMp4(await film(track, track, track)), broken(/larger than the file/))
    const listed = soundTrack({ sizes: [100_000], offset: DATA_AT })
    await assert.rejects(readMp4(await film(listed)), broken(/larger than the file/))
  })

  it('refuses a sample that ends beyond the end of the file', async () => {
    const path = await film(soundTrack({ sizes: [50, 50], offset: 100_000 }))
    await assert.rejects(readMp4(path), broken(/beyond the end of the file/))
  })

  it('refuses a list of keyframes that is shorter than it says', async () => {
    const path = await film(soundTrack({ sizes: [10], offset: DATA_AT, keyframes: u32(0, 0x3fff_ffff, 1) }))
    await assert.rejects(readMp4(path), broken(/keyframes is cut off/))
  })
})
