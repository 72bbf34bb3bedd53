/**
 * A mesh peer in a process of its own, for tests that stop and kill it. Takes its options as JSON in `argv[2]`, and says each
 * event as one line of JSON. Ends when its standard input closes, so that it never outlives the test.
 */
import { createInterface } from 'node:readline'
import { createLibp2pMesh, type Libp2pMeshOptions } from '../../mesh/libp2p-mesh.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { silentLog } from '../../protocol/log.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as Partial<Libp2pMeshOptions> & { dataDir: string }
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const mesh = await createLibp2pMesh({
  listen: ['/ip4/127.0.0.1/tcp/0'],
  join: [],
  mdns: false,
  clock: systemClock,
  rng: systemRng,
  log: silentLog,
  ...given,
})
mesh.listen({
  onConnected: (peer) => say({ event: 'connected', peer }),
  onDisconnected: (peer, why) => say({ event: 'disconnected', peer, why }),
  onGossip: ({ author, data }) => say({ event: 'gossip', author, text: new TextDecoder().decode(data) }),
})
createInterface({ input: process.stdin })
  .on('line', (line) => {
    // `block 1500` stands still for so long, as a process that hashes on its loop would.
    if (line.startsWith('block ')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(line.slice(6)))
    else void mesh.publish('work', new TextEncoder().encode(line))
  })
  .on('close', () => process.exit(0))
await mesh.start()
say({ event: 'up', self: mesh.self, addresses: mesh.addresses() })
