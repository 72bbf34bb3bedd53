import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture, realCase, X264 } from '../testing/sources/real.ts'
import { boxesOf } from './boxes.ts'
import { askedBy, type Edit, editListFates, editsOf } from './edit-list.ts'

const edit = (seconds: number, rate = 1, isEmpty = false): Edit => ({ seconds, rate, isEmpty })

test('cuts, a late start and an empty end ask for nothing that is not done', () => {
  assert.deepEqual(askedBy([edit(1, 1, true), edit(2), edit(3)]), [])
  assert.deepEqual(askedBy([edit(2), edit(1, 1, true)]), [])
})

test('pauses, speeds and still pictures are named with their times', () => {
  assert.deepEqual(askedBy([edit(1), edit(1, 1, true), edit(1)]), ['a pause of 1.0 s at 1.0 s'])
  assert.deepEqual(askedBy([edit(1), edit(2, 2), edit(1, 0)]), [
    '2 times the speed for 2.0 s at 1.0 s',
    'a still picture of 1.0 s at 3.0 s',
  ])
  assert.equal(askedBy(Array.from({ length: 9 }, () => edit(1, 0.5))).at(-1), '6 more such changes')
})

test('edits are read in both versions, and a list that is cut off throws', () => {
  const short = Buffer.alloc(20)
  short.writeUInt32BE(1, 4)
  short.writeUInt32BE(1500, 8)
  short.writeInt32BE(-1, 12)
  short.writeInt32BE(0x8000, 16)
  assert.deepEqual(editsOf(short, 1000), [{ seconds: 1.5, isEmpty: true, rate: 0.5 }])
  const long = Buffer.alloc(28)
  long[0] = 1
  long.writeUInt32BE(1, 4)
  long.writeBigUInt64BE(3000n, 8)
  long.writeBigInt64BE(512n, 16)
  long.writeInt32BE(0x10000, 24)
  assert.deepEqual(editsOf(long, 1000), [{ seconds: 3, isEmpty: false, rate: 1 }])
  assert.throws(() => editsOf(short.subarray(0, 16), 1000), RangeError)
})

test('a film with another speed gets a note, an ordinary one none', async (t) => {
  const film = await realCase(t)
  const source = await film.make('film.mp4', [...picture({ size: '64x64', seconds: 1 }), ...X264, '-bf', '2'])
  assert.deepEqual(await editListFates(boxesOf(source), 'mov,mp4'), [])
  const bytes = await film.read('film.mp4')
  const at = bytes.indexOf('elst', 0, 'latin1')
  bytes.writeInt32BE(0x20000, at + 20)
  await film.write('film.mp4', bytes)
  const [fate] = await editListFates(boxesOf(source), 'mov,mp4')
  assert.match(fate?.note ?? '', /picture \(track 0\) asks for 2 times the speed for 1\.0 s at 0\.0 s/)
  assert.deepEqual(await editListFates(boxesOf(source), 'matroska,webm'), [])
})
