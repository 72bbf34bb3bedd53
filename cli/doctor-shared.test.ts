import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asPeerId, type VideoId } from '../protocol/ids.ts'
import { sharedFinding, sourceFindings } from './doctor-shared.ts'

const state = { name: 'films', path: '/films', root: '/films', id: 'a1', isWritable: true, problem: null }
const peer = (name: string, ...shared: { name: string; id: string }[]) => ({ name, shared })

test('a shared folder is seen too by peers with its id, whatever they call it', () => {
  const { level, text } = sharedFinding(state, [peer('bob', { name: 'videos', id: 'a1' }), peer('cat')])
  assert.deepEqual([level, /seen too by bob$/.test(text)], ['ok', true])
  assert.equal(sharedFinding(state, [peer('cat')]).level, 'note')
  assert.equal(sharedFinding(state, null).level, 'ok')
})

test('another folder under the same name is a fault, and one that is not seen too', () => {
  const other = sharedFinding(state, [
    peer('bob', { name: 'films', id: 'b2' }),
    peer('cat', { name: 'films', id: 'a1' }),
  ])
  assert.equal(other.level, 'bad')
  assert.match(other.text, /bob has another folder under this name: mount the same one there/)
  const gone = sharedFinding({ ...state, id: null, problem: 'it is not there' }, null)
  assert.deepEqual(gone, { level: 'bad', text: 'films at /films: it is not there' })
})

test('a source that is another file here is a fault; what other peers miss is theirs', () => {
  const [self, other] = [asPeerId('12D3KooWself'), asPeerId('12D3KooWother')]
  const video = '0123456789abcdef' as VideoId
  const problem = (peers: (typeof self)[], text: string) => ({ peers, video, text })
  const problems = [
    problem([self, other], 'on us: a'),
    problem([other], 'on it: b'),
    { ...problem([self], 'c'), video: null },
  ]
  const text = 'the source of video 0123456789abcdef, on us: a'
  assert.deepEqual(sourceFindings({ self, problems }), [{ level: 'bad', text }])
})
