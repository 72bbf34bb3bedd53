import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WrittenTrack } from './clusters.ts'
import { ID, string, uint } from './elements.ts'
import { MatroskaBroken, type Packets, readMatroska } from './read-matroska.ts'
import { writeMatroska } from './write-matroska.ts'

const { signal } = new AbortController()
const EMPTY = { title: '', attached: [], chapters: Buffer.alloc(0), tags: Buffer.alloc(0) } as const

interface Row {
  readonly step: number
  readonly duration: number
  readonly size: number
  readonly key: boolean
}

const row: fc.Arbitrary<Row> = fc.record({
  step: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 9_000, max: 90_000 })),
  duration: fc.constantFrom(-1, 0, 1, 255, 256, 100_000),
  size: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(126, 127, 16_382, 16_383)),
  key: fc.boolean(),
})

/** Tracks whose packets lie in the file `path`, one track after the other. */
function tracksOf(rows: readonly (readonly Row[])[], path: string): WrittenTrack[] {
  let offset = 0
  return rows.map((own, track) => {
    let time = 0
    const each = own.map(({ step, size }) => {
      time += step
      offset += size
      return { time, offset: offset - size }
    })
    const packets: Packets = {
      files: [path],
      file: null,
      times: Float64Array.from(each, (one) => one.time),
      durations: Float64Array.from(own, ({ duration }) => (track === 0 ? -1 : duration)),
      sizes: Uint32Array.from(own, ({ size }) => size),
      offsets: Float64Array.from(each, (one) => one.offset),
      // A block with a duration of its own needs no other one.
      keys: Uint8Array.from(own, ({ key, duration }) => Number(key || (track > 0 && duration >= 0))),
    }
    return { entry: Buffer.concat([uint(ID.trackType, track === 0 ? 1 : 2), string(ID.codecId, 'X')]), packets }
  })
}

test('every packet is read back from a written file with its time, length, flag and bytes', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-matroska-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const [source, out] = [join(dir, 'source'), join(dir, 'out.mkv')]
  const tracks = fc.array(fc.array(row, { maxLength: 40 }), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(tracks, async (rows) => {
      const bytes = Buffer.from(
        Array.from({ length: rows.flat().reduce((sum, { size }) => sum + size, 0) }, (_, at) => at % 251),
      )
      await writeFile(source, bytes)
      const written = tracksOf(rows, source)
      const attached = [{ name: 'ä.ttf', type: 'font/ttf', path: source, offset: 0, size: bytes.length }]
      await writeMatroska(out, { ...EMPTY, tracks: written, duration: 1_000, title: 'A film', attached }, { signal })
      const [got, all] = [await readMatroska(out), await readFile(out)]
      assert.deepEqual(
        [got.title, got.duration, got.attached[0]?.name, got.attached[0]?.type],
        ['A film', 1_000, 'ä.ttf', 'font/ttf'],
      )
      const font = got.attached[0]!
      assert.ok(all.subarray(font.offset, font.offset + font.size).equals(bytes))
      for (const [at, { packets }] of written.entries()) {
        const own = got.tracks[at]!.packets
        for (const field of ['times', 'durations', 'sizes', 'keys'] as const)
          assert.deepEqual(own[field], packets[field], field)
        for (const [n, offset] of own.offsets.entries())
          assert.ok(
            all
              .subarray(offset, offset + own.sizes[n]!)
              .equals(bytes.subarray(packets.offsets[n]!, packets.offsets[n]! + own.sizes[n]!)),
          )
      }
    }),
    { numRuns: 60 },
  )
})

test('a file with 200 tracks has each of them, and one that was cut off is refused', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-matroska-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const [source, out] = [join(dir, 'source'), join(dir, 'out.mkv')]
  await writeFile(source, Buffer.alloc(400, 7))
  const rows = Array.from({ length: 200 }, () => [{ step: 1, duration: -1, size: 2, key: true }])
  await writeMatroska(out, { ...EMPTY, tracks: tracksOf(rows, source), duration: 9 }, { signal })
  const { tracks } = await readMatroska(out)
  assert.equal(tracks.filter(({ packets }) => packets.sizes[0] === 2).length, 200)
  const whole = await readFile(out)
  await writeFile(out, whole.subarray(0, -3))
  await assert.rejects(readMatroska(out), MatroskaBroken)
  await writeFile(out, 'no film')
  await assert.rejects(readMatroska(out), MatroskaBroken)
})
