/** Files made by ffmpeg, whole and cut off anywhere; and files of other kinds, of which nothing is said. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execa } from 'execa'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { mp4BytesMissingFrom } from './mp4-end.ts'

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-mp4-'))
})
after(() => rm(dir, { recursive: true, force: true }))

async function made(name: string, ...how: string[]): Promise<Buffer> {
  const path = join(dir, name)
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25:d=2', '-g', '10', '-pix_fmt', 'yuv420p']
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-y', ...source, ...how, path])
  return readFile(path)
}

for (const [name, how] of [
  ['moov first.mp4', ['-movflags', '+faststart']],
  ['moov last.mov', []],
  ['in fragments.mp4', ['-movflags', '+frag_keyframe+empty_moov']],
] as const) {
  test(`${name}: nothing is missing of the whole file, and something of any part`, async () => {
    const whole = await made(name, ...how)
    const path = join(dir, `part of ${name}`)
    await writeFile(path, whole)
    assert.equal(await mp4BytesMissingFrom(path), null)
    for (const share of [0.02, 0.3, 0.5, 0.9]) {
      const bytes = Math.floor(whole.length * share)
      await writeFile(path, whole.subarray(0, bytes))
      const missing = await mp4BytesMissingFrom(path)
      assert.equal(missing?.bytes, bytes)
      assert.ok(missing.ought > bytes && missing.ought <= whole.length, `${share}: ${missing.ought} of ${whole.length}`)
    }
  })
}

test('a box of 64 bit size, one that reaches to the end, what lies behind the last one, and what is no MP4', async () => {
  const path = join(dir, 'boxes')
  const box = (size: number, type: string, more = Buffer.alloc(0)) => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(size)
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, more])
  }
  const large = (bytes: bigint) => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(bytes)
    return box(1, 'mdat', size)
  }
  const ftyp = box(12, 'ftyp', Buffer.from('isom'))
  const seen = async (...parts: Buffer[]) => {
    await writeFile(path, Buffer.concat(parts))
    return mp4BytesMissingFrom(path)
  }
  assert.equal(await seen(ftyp, large(20n), Buffer.alloc(4)), null)
  assert.deepEqual(await seen(ftyp, large(5_000_000_000n), Buffer.alloc(4)), { bytes: 32, ought: 5_000_000_012 })
  assert.deepEqual(await seen(ftyp, large(20n).subarray(0, 10)), { bytes: 22, ought: 28 })
  assert.equal(await seen(ftyp, box(0, 'mdat', Buffer.alloc(100))), null)
  for (const trailer of [Buffer.alloc(4), Buffer.alloc(40), Buffer.from('TAG of an audio player, 128 bytes long')])
    assert.equal(
      await seen(ftyp, large(20n), Buffer.alloc(4), trailer),
      null,
      `${trailer.length} bytes behind the last box`,
    )
  assert.equal(await seen(Buffer.from('\x1aE\xdf\xa3 a Matroska file that ends somewhere')), null)
  assert.equal(await seen(Buffer.alloc(0)), null)
  const ts = await made('film.ts', '-f', 'mpegts')
  assert.equal(await seen(ts.subarray(0, ts.length >> 1)), null)
})
