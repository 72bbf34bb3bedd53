/** Heartbeats and suspicions on the wire: what is honest comes through unchanged, everything else is a verdict and never a throw. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeHeartbeat,
  decodeSuspicion,
  encodeHeartbeat,
  encodeSuspicion,
  type Heartbeat,
  isNewer,
  type Suspicion,
} from './heartbeat.ts'
import { asPeerId, type TaskId } from './ids.ts'
import { DECODERS_LISTED_MAX, GOSSIP_BYTES_MAX, RUNNING_LISTED_MAX } from './limits.ts'
import { SHARED_PROBLEM_TEXT_MAX, SHARED_PROBLEMS_MAX } from './shared-folder.ts'

const beat: Heartbeat = {
  v: 1,
  epoch: 3,
  seq: 41,
  started_at: 1_700_000_000_000,
  version: '0.1.0',
  roles: ['worker', 'coordinator'],
  host: 'box',
  name: 'Küche 🎬',
  ffmpeg: '8.1',
  decoders: ['h264', 'hevc10'],
  filters: ['zscale'],
  encoders: ['x264'],
  renditions: ['480p', '1080p'],
  kinds: ['audio'],
  slots: 2,
  busy: 1,
  load: 0.7,
  state: 'working',
  addresses: ['/ip4/192.168.1.20/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'],
  running: [{ task: '0123456789abcdef/480p/00007' as TaskId, attempt: 1, done: 0.5, speed: 1.2 }],
}
const suspicion: Suspicion = {
  v: 1,
  peer: asPeerId('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'),
  epoch: 3,
  why: 'alive',
}
const bytes = (text: string) => new TextEncoder().encode(text)
const verdictOf = (change: object) => decodeHeartbeat(bytes(JSON.stringify({ ...beat, ...change }))).verdict

describe('a heartbeat on the wire', () => {
  it('comes through unchanged', () => {
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(beat)), { verdict: 'accept', message: beat })
    assert.deepEqual(decodeSuspicion(encodeSuspicion(suspicion)), { verdict: 'accept', message: suspicion })
  })

  it('names a few problems with shared folders, each of a bounded length', () => {
    const problem = { video: '0123456789abcdef', text: 'x'.repeat(SHARED_PROBLEM_TEXT_MAX) }
    const some = Array.from({ length: SHARED_PROBLEMS_MAX }, () => problem)
    assert.equal(verdictOf({ shared_problems: some }), 'accept')
    const wrong = [[...some, problem], [{ ...problem, text: `${problem.text}x` }], [{ ...problem, video: '../x' }]]
    for (const shared_problems of wrong) assert.equal(verdictOf({ shared_problems }), 'reject')
  })

  it('of a newer version is ignored, not held against its sender', () => {
    assert.equal(verdictOf({ v: 2, roles: 'something new' }), 'ignore')
  })

  it('may carry fields of tomorrow', () => {
    assert.equal(verdictOf({ mood: 'fine' }), 'accept')
  })

  it('may have unknown values in its lists, which are ignored, and an unknown state, which does not count', () => {
    const tomorrow = {
      roles: ['worker', 'king'],
      state: 'dreaming',
      running: [{ ...beat.running[0], task: '0123456789abcdef/480p/00001/second-pass' }, ...beat.running],
    }
    assert.deepEqual(decodeHeartbeat(bytes(JSON.stringify({ ...beat, ...tomorrow }))), {
      verdict: 'accept',
      // The attempt that cannot be named is counted: nobody is to think that its peer does nothing.
      message: { ...beat, roles: ['worker'], state: 'unknown', unlisted: 1 },
    })
  })

  it('may name renditions, encoders, kinds and tasks that this version does not know: they are kept as they are', () => {
    const newer = {
      renditions: ['480p', '4320p-vvc'],
      encoders: ['x264', 'vvenc'],
      kinds: ['audio', 'loudness'],
      running: [{ ...beat.running[0], task: '0123456789abcdef/package/00000' }, ...beat.running],
    }
    const message = { ...beat, ...newer }
    assert.deepEqual(decodeHeartbeat(bytes(JSON.stringify(message))), { verdict: 'accept', message })
  })

  const wrong: readonly (readonly [string, object])[] = [
    ['a version of its own', { v: '1' }],
    ['a number that is none', { seq: 1.5 }],
    ['a number below zero', { epoch: -1 }],
    ['a number beyond what is exact', { seq: 2 ** 53 }],
    ['a word with a space', { host: 'my box' }],
    ['more addresses than are kept', { addresses: Array(9).fill('/ip4/1.2.3.4/tcp/1') }],
    ['an address without an end', { addresses: ['x'.repeat(10_000)] }],
    ['a task without an end', { running: [{ task: 'x'.repeat(65), attempt: 1, done: 0, speed: 0 }] }],
    ['more than all of a task', { running: [{ ...beat.running[0], done: 1.1 }] }],
  ]
  for (const [what, change] of wrong) {
    it(`with ${what} is rejected`, () => assert.equal(verdictOf(change), 'reject'))
  }

  const attempts = (count: number) => Array.from({ length: count }, (_, at) => ({ ...beat.running[0]!, attempt: at }))

  it('of a machine with 1,024 slots of three renditions lists its oldest attempts and counts the others', () => {
    const big = { ...beat, slots: 1_024, busy: 1_024, running: attempts(3 * 1_024) }
    const { running } = big
    assert.deepEqual(decodeHeartbeat(encodeHeartbeat(big)), {
      verdict: 'accept',
      message: { ...big, running: running.slice(0, RUNNING_LISTED_MAX), unlisted: 3 * 1_024 - RUNNING_LISTED_MAX },
    })
  })

  it('that names more than are kept is cut, not rejected', () => {
    const long = bytes(JSON.stringify({ ...beat, running: attempts(RUNNING_LISTED_MAX + 7), unlisted: 2 }))
    const decoded = decodeHeartbeat(long)
    assert.equal(decoded.verdict === 'accept' && decoded.message.running.length, RUNNING_LISTED_MAX)
    assert.equal(decoded.verdict === 'accept' && decoded.message.unlisted, 9)
  })

  it('is taken by others whatever its sender holds: a long name, a long address, a speed that is none', () => {
    const odd = {
      ...beat,
      name: 'n'.repeat(255),
      ffmpeg: 'f'.repeat(255),
      addresses: ['/dns4/'.padEnd(300, 'x'), ...Array(9).fill('/ip4/1.2.3.4/tcp/1')],
      running: [NaN, Number.POSITIVE_INFINITY, -1].map((odd) => ({ ...beat.running[0]!, done: odd, speed: odd })),
    }
    const decoded = decodeHeartbeat(encodeHeartbeat(odd))
    assert.deepEqual(decoded.verdict === 'accept' && decoded.message, {
      ...odd,
      name: 'n'.repeat(64),
      ffmpeg: 'f'.repeat(64),
      addresses: Array(8).fill('/ip4/1.2.3.4/tcp/1'),
      running: [
        { done: 0, speed: 0 },
        { done: 1, speed: 10_000 },
        { done: 0, speed: 0 },
      ].map((share) => ({
        ...beat.running[0]!,
        ...share,
      })),
    })
  })

  it('of the longest words that there may be is no larger than gossip takes', () => {
    const words = (count: number) => Array<string>(count).fill('w'.repeat(64))
    const trap = '\u0001'
    const running = attempts(RUNNING_LISTED_MAX + 1).map((each) => ({
      task: '0123456789abcdef/1080p/99999' as TaskId,
      attempt: 1_000_000 - each.attempt,
      done: 1 / 7,
      speed: 10_000 / 7,
    }))
    const largest: Heartbeat = {
      ...beat,
      epoch: Number.MAX_SAFE_INTEGER,
      seq: Number.MAX_SAFE_INTEGER,
      version: 'w'.repeat(64),
      host: 'w'.repeat(64),
      name: trap.repeat(64),
      ffmpeg: trap.repeat(64),
      decoders: words(DECODERS_LISTED_MAX + 1),
      filters: words(32),
      encoders: words(16),
      addresses: Array(8).fill('/dns4/'.padEnd(256, '語')),
      running,
    }
    assert.equal(decodeHeartbeat(encodeHeartbeat(largest)).verdict, 'accept')
    assert.ok(encodeHeartbeat(largest).byteLength < GOSSIP_BYTES_MAX)
  })

  it('of too many bytes is rejected before it is parsed', () => {
    assert.deepEqual(decodeHeartbeat(new Uint8Array(GOSSIP_BYTES_MAX + 1)), {
      verdict: 'reject',
      why: `${GOSSIP_BYTES_MAX + 1} bytes`,
    })
  })

  it('never throws, whatever the bytes', () => {
    for (const decode of [decodeHeartbeat, decodeSuspicion]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 2_000 }), (data) => {
          assert.notEqual(decode(data).verdict, 'accept')
        }),
      )
    }
  })

  it('never throws, whatever the JSON, and accepts only what its schema says', () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 6 }),
      fc.record({ v: fc.constantFrom(0, 1, 2, -1, null, '1') }, { requiredKeys: [] }),
    )
    fc.assert(
      fc.property(value, (data) => {
        for (const decode of [decodeHeartbeat, decodeSuspicion])
          assert.notEqual(decode(bytes(JSON.stringify(data))).verdict, 'accept')
      }),
    )
  })

  it('never throws when one field of a good one is anything at all', () => {
    const fields = fc.constantFrom(...Object.keys(beat))
    fc.assert(
      fc.property(fields, fc.jsonValue({ maxDepth: 3 }), (field, data) => {
        const decoded = decodeHeartbeat(bytes(JSON.stringify({ ...beat, [field]: data })))
        if (decoded.verdict === 'accept') assert.deepEqual(decodeHeartbeat(encodeHeartbeat(decoded.message)), decoded)
      }),
      { numRuns: 500 },
    )
  })

  it('survives JSON nested as deep as a message can be, and names that are traps', () => {
    const half = GOSSIP_BYTES_MAX / 2 - 1
    for (const text of [
      '['.repeat(half) + ']'.repeat(half),
      '{"__proto__":{"v":1}}',
      '{"v":1,"constructor":{"prototype":{"epoch":1}}}',
      'null',
      '"v"',
      '\u0000',
    ]) {
      for (const decode of [decodeHeartbeat, decodeSuspicion]) assert.notEqual(decode(bytes(text)).verdict, 'accept')
    }
    assert.equal(({} as Record<string, unknown>)['epoch'], undefined)
  })
})

describe('which heartbeat is newer', () => {
  const mark = fc.record({ epoch: fc.nat(5), seq: fc.nat(5) })

  it('is an order: exactly one of two different ones, and none of equal ones', () => {
    fc.assert(
      fc.property(mark, mark, (a, b) => {
        const isSame = a.epoch === b.epoch && a.seq === b.seq
        assert.equal(Number(isNewer(a, b)) + Number(isNewer(b, a)), isSame ? 0 : 1)
      }),
    )
  })

  it('takes any as the first', () => assert.equal(isNewer({ epoch: 0, seq: 0 }, undefined), true))
})
