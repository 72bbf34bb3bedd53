/** Which films are read straight from their source. */
import assert from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from '../testing/tools/folder.ts'
import { noPackets, type PacketIndex } from './packet-index.ts'
import { isReadStraight, type StraightSource } from './straight.ts'

const MIB = 1024 * 1024
const MP4 = 'mov,mp4,m4a,3gp,3g2,mj2'

/** Pictures of 1 MiB, one a second, each of them a key. */
function indexOf(seconds: number, change: Partial<PacketIndex> = {}): StraightSource['index'] {
  const times = Array.from({ length: seconds }, (_, at) => at)
  const each = <T>(value: T): T[] => times.map(() => value)
  const packets = {
    ...noPackets(), pts: times, dts: times, duration: each(1), key: each(true), discarded: each(false), size: each(MIB),
  } // biome-ignore format: a record
  return {
    packets, times, end_pts: seconds, frames: seconds, genpts: false, counted_rate: null, whole: null, interlaced: false, top_field_first: false,
    fields: false, captions: false, hdr: {}, cutOff: null, shapes: [], fates: [], ...change,
  } // biome-ignore format: a record
}

test('a film of one chunk is read straight, where its file is hardly larger than its picture and every build reads it alike', async (t) => {
  const source = join(await folder(t), 'film')
  await writeFile(source, '')
  const ask = async (mib: number, change: Partial<StraightSource> = {}) => {
    await truncate(source, mib * MIB)
    return isReadStraight({
      source,
      format: MP4,
      index: indexOf(8),
      time_base: [1, 1],
      encodeCores: 1.8,
      oneAtATime: false,
      breaks: [],
      ...change,
    })
  }
  assert.equal(await ask(9), true)
  assert.equal(await ask(9, { format: 'matroska,webm' }), true)
  assert.equal(await ask(2 * 8 + 32), true)
  assert.equal(await ask(2 * 8 + 33), false, 'a peer that encodes it would fetch much more than it needs')
  assert.equal(await ask(20, { index: indexOf(20) }), false, 'it has several chunks')
  assert.equal(await ask(9, { breaks: [4] }), false, 'its picture changes its shape')
  for (const format of ['mpegts', 'avi', 'flv', 'gif']) assert.equal(await ask(9, { format }), false, format)
  assert.equal(await ask(9, { index: indexOf(8, { genpts: true }) }), false)
  const hidden = indexOf(8)
  hidden.packets.discarded[0] = true
  assert.equal(await ask(9, { index: hidden }), false, 'an edit list hides its beginning')
})
