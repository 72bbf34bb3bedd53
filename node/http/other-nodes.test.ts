/** Which nodes a player may ask instead of this one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { PRESENT_MS } from '../../protocol/limits.ts'
import { createOtherNodes } from './other-nodes.ts'

const MINE = 'here-0000000a'
const peer = (name: string, beat: Partial<Heartbeat>, heard_mono = 0) => ({
  peer: name as PeerId,
  beat: { host: MINE, state: 'idle', ...beat } as Heartbeat,
  heard_mono,
})

function others(mono: number) {
  const all = () => [
    peer('a', { http: 'http://127.0.0.1:8082' }, mono),
    peer('b', { http: 'http://127.0.0.1:8081', host: 'a-container-0000000a' }, mono),
    peer('silent', { http: 'http://localhost:8083' }),
    peer('none', {}, mono),
    peer('open', { http: 'http://10.0.0.5:8080' }, mono),
    peer('elsewhere', { http: 'http://127.0.0.1:8084', host: 'there-0000000b' }, mono),
  ]
  return createOtherNodes(MINE, { peers: { all }, clock: { mono: () => mono } })
}

test('the present ones of this machine that serve are named', () => {
  assert.deepEqual(others(0).urls(), ['http://127.0.0.1:8081', 'http://127.0.0.1:8082', 'http://localhost:8083'])
  assert.deepEqual(others(100 * PRESENT_MS).urls(), ['http://127.0.0.1:8081', 'http://127.0.0.1:8082'])
})

test('pages of them are known by their origin, by whichever name of loopback, also of one that has ended', () => {
  const { areOrigin } = others(100 * PRESENT_MS)
  const known = ['http://127.0.0.1:8081', 'http://localhost:8082', 'http://[::1]:8083', 'http://127.0.0.1:8083']
  assert.deepEqual(
    known.filter((origin) => !areOrigin(origin)),
    [],
  )
  const foreign = [
    '',
    'null',
    'http://127.0.0.1:8084',
    'http://127.0.0.1',
    'https://127.0.0.1:8081',
    'http://127.0.0.1.evil.example:8081',
  ]
  assert.deepEqual(
    foreign.filter((origin) => areOrigin(origin)),
    [],
  )
})
