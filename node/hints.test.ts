import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hint } from '../protocol/hint.ts'
import type { HeardPeer } from '../protocol/peer-table.ts'
import { createMeshHints } from './hints.ts'

test('a peer that is heard for the first time makes this one look for tasks, once', () => {
  let beat: (now: HeardPeer, before: HeardPeer | undefined) => void = () => {}
  const peers = {
    listen(onBeat: typeof beat) {
      beat = onBeat
      return () => {
        beat = () => {}
      }
    },
  }
  const published: Uint8Array[] = []
  const mesh = { publish: async (_: string, data: Uint8Array) => void published.push(data), listen: () => () => {} }
  const hints = createMeshHints(mesh, peers)
  const heard: Hint[] = []
  hints.on(['tasks'], (hint) => heard.push(hint))
  const peer = {} as HeardPeer
  hints.start()
  hints.start()
  beat(peer, undefined)
  assert.deepEqual(heard, [{ v: 1, what: 'tasks', video: null }])
  beat(peer, peer)
  hints.stop()
  beat(peer, undefined)
  assert.deepEqual([heard.length, published.length], [1, 0], 'once, and told to nobody')
})
