/** What the beginning of a track keeps of the entry that a muxer wrote. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { box, u32s } from './box.ts'
import { entryFacts } from './entry.ts'

/** The entry of AAC with these bit rates, as ffmpeg writes it. */
function aac(rates: readonly number[]) {
  const specific = Buffer.from([0x05, 0x80, 0x80, 0x80, 0x02, 0x11, 0x90])
  const fields = Buffer.concat([Buffer.from([0x40, 0x15, 0, 0, 7]), u32s(rates)])
  const configuration = Buffer.concat([Buffer.from([0x04, 0x80, 0x80, 0x80, 0x14]), fields, specific])
  const es = Buffer.concat([Buffer.from([0x03, 0x80, 0x80, 0x80, 0x22, 0, 1, 0]), configuration])
  const description = Buffer.concat([Buffer.alloc(28), box('esds', u32s([0]), es), box('btrt', u32s([0, 1, 2]))])
  return entryFacts({ kind: 'audio', entry: 'mp4a', description })
}

it('an entry of AAC is the same whatever bit rate the muxer found', () => {
  const [one, other] = [aac([128_000, 128_000]), aac([131_072, 127_412])]
  assert.deepEqual(one, other)
  assert.equal(one.codecs, 'mp4a.40.2')
  assert.ok(one.entry.includes(Buffer.from([0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05])))
})
