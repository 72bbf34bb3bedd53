/**
 * A peer with a store and an exchange in a process of its own, for the long test and the benchmark. Options as JSON in
 * `argv[2]`; commands and answers are lines of JSON. Ends when its standard input closes.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createBlobExchange } from '../../blobs/blob-exchange.ts'
import { createBlobStore } from '../../blobs/blob-store.ts'
import { createLibp2pMesh } from '../../mesh/libp2p-mesh.ts'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import { asPeerId, asSha256, isVideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'

type Command =
  | { readonly do: 'make'; readonly bytes: number; readonly video: string }
  | {
      readonly do: 'fetch'
      readonly sha256: string
      readonly bytes: number
      readonly video: string
      readonly holder: string
    }
  | { readonly do: 'usage' }

const given = JSON.parse(process.argv[2] ?? '{}') as {
  dataDir: string
  join?: string[]
  swarmKey?: string
  /** Whether it gives and takes bulk lines. */
  lines?: boolean
}
const log = silentLog
const mesh = await createLibp2pMesh({
  listen: ['/ip4/127.0.0.1/tcp/0'],
  mdns: false,
  clock,
  rng,
  log,
  join: [],
  ...given,
})
const store = await createBlobStore({ dir: join(given.dataDir, 'store'), log })
const lines = given.lines ? { hosts: ['127.0.0.1'], ports: [0] } : null
const exchange = createBlobExchange({ mesh, store, clock, rng, log, lines })
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** Bytes that compress badly and repeat nowhere: a random block with its number stamped in. */
async function makeFile(bytes: number): Promise<string> {
  const path = join(await store.scratch('made'), 'blob')
  const block = crypto.getRandomValues(Buffer.alloc(64 * 1024))
  const file = await open(path, 'w')
  for (let at = 0; at < bytes; at += block.byteLength) {
    block.writeDoubleLE(at, 0)
    await file.write(block, 0, Math.min(block.byteLength, bytes - at))
  }
  await file.close()
  return path
}

async function run(command: Command): Promise<object> {
  if (command.do === 'usage') return { cpu: process.cpuUsage(), peakRssBytes: process.resourceUsage().maxRSS * 1024 }
  const { video } = command
  if (!isVideoId(video)) throw new TypeError('not a video id')
  if (command.do === 'make') return store.put(video, await makeFile(command.bytes))
  const startedAt = clock.mono()
  const ref = { sha256: asSha256(command.sha256), bytes: command.bytes }
  const path = await exchange.fetch({
    ...ref,
    video,
    holders: [asPeerId(command.holder)],
    signal: new AbortController().signal,
  })
  return { path, ms: clock.mono() - startedAt }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    void run(JSON.parse(line)).then(
      (answer) => say({ answer }),
      (error) => say({ error: error instanceof Error ? error.message : String(error) }),
    )
  })
  .on('close', () => process.exit(0))
mesh.listen({ onConnected: (peer) => say({ connected: peer }) })
await mesh.start()
say({ up: mesh.self, addresses: mesh.addresses() })
