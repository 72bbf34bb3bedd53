import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packetRows } from './packets.ts'

const packet = (said: object) => ({ stream_index: 2, pts: -512, size: '7', flags: 'K_', ...said })

test('the packets of one stream are read, with the kinds of their side data', () => {
  const sides = [{ side_data_type: 'New Extradata' }]
  const root = { packets: [packet({ side_data_list: sides }), packet({ stream_index: 1 })] }
  const fields = new Map(Object.entries({ stream_index: '2', pts: '-512', size: '7', flags: 'K_' }))
  assert.deepEqual(packetRows(root as never, 2), [{ fields, sideData: ['New Extradata'] }])
})

test('more packets than a clip has are not kept', () => {
  const of = (count: number) => packetRows({ packets: Array.from({ length: count }, () => packet({})) } as never, 2)
  assert.equal(of(2_000).length, 2_000)
  assert.equal(of(2_001).length, 0)
  assert.deepEqual(packetRows({}, 2), [])
})
