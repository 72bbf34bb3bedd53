import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fsPath, pathText, shownPath } from './path-text.ts'

test('a path of UTF-8 is its own text', () => {
  for (const path of ['/films/café.mp4', '/films/影片🎬.mkv', '/a\u{fffd}b', '\ufeffbom'])
    assert.deepEqual([pathText(Buffer.from(path)), fsPath(path)], [path, path])
})

test('bytes that are not UTF-8 come back as they were, and are shown as escapes', () => {
  const bytes = Buffer.from('/films/caf\xe9 \xfcber.mp4', 'latin1')
  const text = pathText(bytes)
  assert.equal(text, '/films/caf\uefe9 \ueffcber.mp4')
  assert.deepEqual(fsPath(text), bytes)
  assert.equal(shownPath(text), '/films/caf\\xe9 \\xfcber.mp4')
})

test('every sequence of two bytes comes back, and those in the middle of characters', () => {
  const back = (bytes: Buffer) => {
    const path = fsPath(pathText(bytes))
    return typeof path === 'string' ? Buffer.from(path) : path
  }
  for (let pair = 0; pair < 65_536; pair++) {
    const bytes = Buffer.from([pair >> 8, pair & 255])
    if (!back(bytes).equals(bytes)) assert.fail(`${bytes.toString('hex')} came back as ${back(bytes).toString('hex')}`)
  }
  for (const bytes of [
    Buffer.from('é\xff€'.slice(0, 2), 'latin1'),
    Buffer.from('€').subarray(0, 2),
    Buffer.from('🎬').subarray(1),
  ])
    assert.deepEqual(back(bytes), bytes)
})

test('a character of the range of the escapes is written as its bytes', () => {
  const name = Buffer.from('a\uefe9b')
  assert.notEqual(pathText(name), 'a\uefe9b')
  assert.deepEqual(fsPath(pathText(name)), name)
})
