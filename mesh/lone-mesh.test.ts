import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { systemRng as rng } from '../node/host/system-clock.ts'
import { asPeerId } from '../protocol/ids.ts'
import { GOSSIP_BYTES_MAX } from '../protocol/limits.ts'
import { loadIdentity } from './identity.ts'
import { createLoneMesh } from './lone-mesh.ts'
import { identityPath } from './stored-identity.ts'

async function dataFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-lone-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

it('has the identity that libp2p reads from the data folder, made by either', async (t) => {
  for (let n = 0; n < 20; n++) {
    const dataDir = await dataFolder(t)
    const [first, second] = [await createLoneMesh({ dataDir, rng }), await createLoneMesh({ dataDir, rng })]
    const id = peerIdFromPrivateKey(await loadIdentity(dataDir, rng)).toString()
    assert.deepEqual([first.self, second.self], [id, id])
  }
})

it('refuses a file that is no key', async (t) => {
  const dataDir = await dataFolder(t)
  await writeFile(identityPath(dataDir), 'no key')
  await assert.rejects(createLoneMesh({ dataDir, rng }), /holds no usable key/)
})

it('reaches nobody', async (t) => {
  const mesh = await createLoneMesh({ dataDir: await dataFolder(t), rng })
  await mesh.start()
  assert.deepEqual([mesh.peers(), mesh.addresses()], [[], []])
  await mesh.publish('work', new Uint8Array(10))
  await assert.rejects(mesh.publish('work', new Uint8Array(GOSSIP_BYTES_MAX + 1)), RangeError)
  const other = asPeerId('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')
  await assert.rejects(mesh.open(other, 'blob', new AbortController().signal), { name: 'PeerUnreachable' })
  await mesh.stop()
})
