import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodiesOf } from '../ebml.ts'
import { element, ID, uint } from './elements.ts'
import { copiedPicture } from './tracks.ts'

test('a copied picture says its turn and mirror as ffmpeg 9 does, whatever its own entry says', () => {
  const packets = { files: [], file: null, ...noPackets() }
  for (const [rotation, mirrored, yaw, roll] of [
    [0, false, [], []],
    [90, false, [], [-90]],
    [180, false, [], [180]],
    [270, false, [], [90]],
    [0, true, [180], [180]],
    [90, true, [180], [90]],
    [180, true, [180], [0]],
    [270, true, [180], [-90]],
  ] as const) {
    // biome-ignore format: a table
    const video = element(ID.video, uint(ID.pixelWidth, 80), element(ID.projection, uint(0x7671, 0)))
    const entry = Buffer.concat([uint(ID.trackNumber, 5), element(ID.codecId, Buffer.from('V_TEST')), video])
    const facts = { stream: 1, codec: 'h264', language: 'deu', title: 'Rear', flags: [], rotation, mirrored }
    const own = copiedPicture({ kind: 'video', entry, packets }, facts).entry
    const [body] = bodiesOf(own, ID.video)
    const said = bodiesOf(body!, ID.projection).at(-1)!
    const numbers = (id: number) => bodiesOf(said, id).map((bytes) => bytes.readDoubleBE())
    assert.deepEqual([numbers(ID.yaw), numbers(ID.roll)], [yaw, roll], `${rotation} ${mirrored}`)
    assert.equal(bodiesOf(body!, ID.projection).length, 1)
    assert.deepEqual(bodiesOf(own, ID.trackNumber), [])
    assert.deepEqual(bodiesOf(own, ID.language).map(String), ['ger'])
  }
})

const noPackets = () => ({
  times: new Float64Array(),
  durations: new Float64Array(),
  sizes: new Uint32Array(),
  offsets: new Float64Array(),
  keys: new Uint8Array(),
})
