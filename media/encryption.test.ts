import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from '../testing/tools/folder.ts'
import { whyEncrypted } from './encryption.ts'

const box = (type: string, ...bodies: Buffer[]): Buffer => {
  const body = Buffer.concat(bodies)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}
const element = (id: string, ...bodies: Buffer[]): Buffer => {
  const body = Buffer.concat(bodies)
  return Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x40 | (body.length >> 8), body.length & 255]), body])
}

function mp4(entry: string, scheme: string): Buffer {
  const sinf = box(
    'sinf',
    box('frma', Buffer.from('avc1')),
    box('schm', Buffer.alloc(4), Buffer.from(scheme), Buffer.alloc(4)),
  )
  const stsd = box('stsd', Buffer.alloc(8), box(entry, Buffer.alloc(78), sinf))
  const trak = box('trak', box('mdia', box('minf', box('stbl', stsd))))
  return Buffer.concat([box('ftyp', Buffer.from('isom')), box('mdat', Buffer.alloc(100)), box('moov', trak)])
}

function matroska(type: string): Buffer {
  const encodings = element('6d80', element('6240', element(type, Buffer.alloc(4))))
  const tracks = element('1654ae6b', element('ae', element('d7', Buffer.from([1])), encodings))
  return Buffer.concat([
    element('1a45dfa3', Buffer.alloc(10)),
    element('18538067', element('1549a966', Buffer.alloc(3)), tracks),
  ])
}

function transport(control: number): Buffer {
  const packets = Array.from({ length: 20 }, (_, at) => {
    const packet = Buffer.alloc(188)
    packet.set([0x47, at % 5 === 0 ? 0 : 1, 0, at % 5 === 0 ? 0x10 : 0x10 | control])
    return packet
  })
  return Buffer.concat(packets)
}

test('encrypted tracks are found in every container that can say so, and others are not', async (t) => {
  const dir = await folder(t)
  const why = async (bytes: Buffer) => {
    await writeFile(join(dir, 'film'), bytes)
    return whyEncrypted(join(dir, 'film'))
  }
  assert.match((await why(mp4('encv', 'cenc'))) ?? '', /^is encrypted \(DRM: cenc\)/)
  assert.match((await why(mp4('drmi', 'itun'))) ?? '', /DRM: itun/)
  assert.equal(await why(mp4('avc1', 'cenc')), null)
  assert.match((await why(matroska('5035'))) ?? '', /ContentEncryption/)
  assert.equal(await why(matroska('5034')), null, 'compression is no encryption')
  assert.match((await why(transport(0x80))) ?? '', /scrambled transport stream/)
  assert.equal(await why(transport(0)), null)
  const m2ts = Array.from({ length: 20 }, (_, at) =>
    Buffer.concat([Buffer.alloc(4), transport(0xc0).subarray(at * 188, at * 188 + 188)]),
  )
  assert.match((await why(Buffer.concat(m2ts))) ?? '', /scrambled/)
  const asf = Buffer.alloc(100)
  Buffer.from('3026b2758e66cf11a6d900aa0062ce6c6400000000000000', 'hex').copy(asf)
  assert.equal(await why(asf), null)
  Buffer.from('fbb3112223bdd211b4b700a0c955fc6e', 'hex').copy(asf, 40)
  assert.match((await why(asf)) ?? '', /Windows Media/)
  assert.equal(await why(Buffer.from('x')), null)
  assert.equal(await why(mp4('encv', 'cenc').subarray(0, 150)), null, 'cut off before its index')
})
