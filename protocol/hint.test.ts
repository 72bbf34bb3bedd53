/** Work hints on the wire: accepted, ignored or rejected, and never a throw. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeHint, encodeHint, type Hint } from './hint.ts'
import { isVideoId } from './ids.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const video = '0123456789abcdef'
assert.ok(isVideoId(video))

describe('a work hint on the wire', () => {
  it('comes through unchanged', () => {
    for (const what of ['tasks', 'decided', 'video', 'peers', 'lease', 'copy'] as const) {
      for (const hint of [
        { v: 1, what, video },
        { v: 1, what, video: null },
      ] satisfies Hint[]) {
        assert.deepEqual(decodeHint(encodeHint(hint)), { verdict: 'accept', message: hint })
      }
    }
  })

  it('of a newer version is ignored', () => {
    assert.equal(decodeHint(bytes('{"v":7,"what":"new"}')).verdict, 'ignore')
  })

  it('of a kind of tomorrow is ignored, not held against its sender', () => {
    assert.equal(decodeHint(bytes('{"v":1,"what":"dream","video":null}')).verdict, 'ignore')
  })

  for (const [what, text] of [
    ['about a video that is a path', '{"v":1,"what":"tasks","video":"../../etc"}'],
    ['without a video field', '{"v":1,"what":"tasks"}'],
    ['that is no JSON', '{"v":1,"what":"tasks"'],
    ['that is no UTF-8', '\ud800'],
  ] as const) {
    it(`${what} is rejected`, () => assert.equal(decodeHint(bytes(text)).verdict, 'reject'))
  }

  it('never throws, whatever the bytes or the JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (data) => assert.notEqual(decodeHint(data).verdict, 'accept')),
    )
    fc.assert(
      fc.property(fc.constantFrom('v', 'what', 'video'), fc.jsonValue({ maxDepth: 4 }), (field, data) => {
        const decoded = decodeHint(bytes(JSON.stringify({ v: 1, what: 'tasks', video: null, [field]: data })))
        if (decoded.verdict === 'accept') assert.deepEqual(decodeHint(encodeHint(decoded.message)), decoded)
      }),
    )
  })
})
