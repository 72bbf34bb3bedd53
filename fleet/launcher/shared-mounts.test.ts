import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedMounts } from './shared-mounts.ts'

const films = { name: 'films', path: '/mnt/films' }
const bind = { Type: 'bind', Source: '/home/ann/videos', Destination: '/mnt' }
const volume = {
  Type: 'volume',
  Name: 'videos',
  Source: '/var/lib/docker/volumes/videos/_data',
  Destination: '/mnt/films',
}
const bindsOf = (change: Partial<Parameters<typeof sharedMounts>[1]>, folder = films) => {
  const { seen, binds } = sharedMounts([folder], { volumes: [], own: null, isLocal: true, ...change })
  return seen.length === 0 ? 'unseen' : binds
}

test('beside its engine a peer names its own path, read-only; of an engine elsewhere it knows none', () => {
  assert.deepEqual(bindsOf({}), ['/mnt/films:/mnt/films:ro'])
  assert.equal(bindsOf({ isLocal: false }), 'unseen')
})

test('in a container it names what is mounted there, and no more of it than the folder', () => {
  assert.deepEqual(bindsOf({ own: [bind] }), ['/home/ann/videos/films:/mnt/films:ro'])
  assert.deepEqual(bindsOf({ own: [bind, volume], isLocal: false }), ['videos:/mnt/films:ro'])
  assert.equal(bindsOf({ own: [{ ...volume, Destination: '/mnt' }] }), 'unseen')
  assert.equal(bindsOf({ own: [{ ...bind, Destination: '/mnt/fil' }] }), 'unseen')
})

test('a folder in a volume that containers get anyway needs no mount; a path that no mount can name is left out', () => {
  assert.deepEqual(bindsOf({ volumes: ['nfs:/mnt:ro'], isLocal: false }), [])
  assert.equal(bindsOf({}, { name: 'odd', path: '/mnt/a:b' }), 'unseen')
})
