import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asPeerId, type VideoId } from '../../protocol/ids.ts'
import { type SharingPeer, sharedProblems } from './shared-problems.ts'

const FILM = '0123456789abcdef' as VideoId
const peer = (name: string, change: Partial<SharingPeer> = {}): SharingPeer => ({
  peer: asPeerId(`12D3KooW${name}`),
  name,
  host: name,
  shared: [],
  problems: [],
  ...change,
})
const textsOf = (...peers: SharingPeer[]) => sharedProblems(peers).map(({ text }) => text)

test('a problem is said once, with all peers that have it', () => {
  const problems = [{ video: FILM, text: 'films/a.mov is another file' }]
  const all = [peer('nas'), peer('box', { problems }), peer('mini', { problems })]
  const [row, ...others] = sharedProblems(all)
  const peers = [all[1]?.peer, all[2]?.peer]
  assert.deepEqual([row, others], [{ peers, video: FILM, text: 'on box, mini: films/a.mov is another file' }, []])
})

test('one name for two folders is said with who has which; one folder under two names is fine', () => {
  const one = { name: 'films', id: 'a'.repeat(32) }
  const two = { name: 'films', id: 'b'.repeat(32) }
  const same = { name: 'videos', id: one.id }
  assert.deepEqual(textsOf(peer('nas', { shared: [one] }), peer('box', { shared: [same] })), [])
  assert.deepEqual(
    textsOf(peer('nas', { shared: [one] }), peer('box', { shared: [one] }), peer('mini', { shared: [two] })),
    [
      'films is the name of 2 folders: one on nas, box, one on mini; mount the same one, or give each a name of its own',
    ],
  )
})
