/** What libp2p peers do when processes stop, die, come back, hold the wrong key or connect twice. Times are measured and bounded. */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { after, afterEach, before, describe, it } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { watch } from '../protocol/conformance/mesh.ts'
import { UsageError } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { silentLog } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { createLibp2pMesh, type Libp2pMeshOptions } from './libp2p-mesh.ts'
import { generateSwarmKey } from './make-swarm-key.ts'

const FIXTURE = join(import.meta.dirname, '../test/hostile/peer-process.ts')
const NODE_OPTIONS = { stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'] }
type Child = ChildProcessByStdio<Writable, Readable, null>
type Line = { event: string; peer?: string; why?: string; text?: string; self?: string; addresses?: string[] }

interface Remote {
  readonly child: Child
  readonly self: PeerId
  readonly addresses: string[]
  readonly lines: Line[]
  until(isIt: (line: Line) => boolean, ms?: number): Promise<Line>
}

describe('libp2p peers under faults', () => {
  let root: string
  const meshes: Mesh[] = []
  const children: Child[] = []

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-faults-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await Promise.all(meshes.splice(0).map((mesh) => mesh.stop()))
  })
  after(() => rm(root, { recursive: true }))

  const folder = () => mkdtemp(join(root, 'peer-'))
  const peer = async (options: Partial<Libp2pMeshOptions> = {}): Promise<Mesh> => {
    const mesh = await createLibp2pMesh({
      dataDir: options.dataDir ?? (await folder()),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      join: [],
      mdns: false,
      clock: systemClock,
      rng: systemRng,
      log: silentLog,
      ...options,
    })
    meshes.push(mesh)
    await mesh.start()
    return mesh
  }
  const remote = async (options: object): Promise<Remote> => {
    const child = spawn(
      process.execPath,
      [FIXTURE, JSON.stringify({ dataDir: await folder(), ...options })],
      NODE_OPTIONS,
    )
    children.push(child)
    const lines: Line[] = []
    const listeners = new Set<() => void>()
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(JSON.parse(line))
      for (const look of [...listeners]) look()
    })
    const until = (isIt: (line: Line) => boolean, ms = 10_000) =>
      new Promise<Line>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not within ${ms} ms; said ${JSON.stringify(lines)}`)), ms)
        const look = () => {
          const found = lines.find(isIt)
          if (!found) return
          clearTimeout(timer)
          listeners.delete(look)
          resolve(found)
        }
        listeners.add(look)
        look()
      })
    const up = await until((line) => line.event === 'up')
    return { child, self: asPeerId(up.self ?? ''), addresses: up.addresses ?? [], lines, until }
  }

  it('a killed process is lost within half a second, as closed', async (t) => {
    const a = await peer()
    const seen = watch(a, systemClock)
    const other = await remote({ join: a.addresses() })
    await seen.connected(other.self)
    const killedAt = systemClock.mono()
    other.child.kill('SIGKILL')
    await seen.disconnected(other.self, 500)
    t.diagnostic(`SIGKILL seen after ${Math.round(systemClock.mono() - killedAt)} ms`)
    assert.deepEqual(seen.seen.at(-1), { what: 'disconnected', peer: other.self, why: 'closed' })
  })

  it('a stopped process is lost by silence in about 2.6 s, and connected again when it continues', {
    timeout: 30_000,
  }, async (t) => {
    const a = await peer()
    const seen = watch(a, systemClock)
    const other = await remote({ join: a.addresses() })
    await seen.connected(other.self)
    const stoppedAt = systemClock.mono()
    other.child.kill('SIGSTOP')
    await seen.disconnected(other.self, 2_800)
    t.diagnostic(`SIGSTOP seen after ${Math.round(systemClock.mono() - stoppedAt)} ms`)
    assert.deepEqual(seen.seen.at(-1), { what: 'disconnected', peer: other.self, why: 'alive' })
    other.child.kill('SIGCONT')
    const wentOnAt = systemClock.mono()
    await seen.connected(other.self, 12_000)
    t.diagnostic(`connected again ${Math.round(systemClock.mono() - wentOnAt)} ms after SIGCONT`)
  })

  it('a process whose event loop stalls briefly stays connected, and keeps its peers', {
    timeout: 20_000,
  }, async () => {
    const a = await peer()
    const seen = watch(a, systemClock)
    const other = await remote({ join: a.addresses() })
    await seen.connected(other.self)
    await other.until((line) => line.event === 'connected')
    other.child.stdin.write('block 1300\nafter the block\n')
    await seen.heard('after the block', 5_000)
    await systemClock.sleep(2_600)
    assert.deepEqual(a.peers(), [other.self])
    assert.equal(other.lines.filter((line) => line.event === 'disconnected').length, 0)
  })

  it('a process killed and started again on its port, without flags, rejoins from its address book', {
    timeout: 30_000,
  }, async (t) => {
    const a = await peer()
    const seen = watch(a, systemClock)
    const dataDir = await folder()
    const first = await remote({ dataDir, join: a.addresses() })
    await seen.connected(first.self)
    await waitForBook(join(dataDir, 'address-book.json'), a.self)
    first.child.kill('SIGKILL')
    await seen.disconnected(first.self, 500)
    const second = await remote({ dataDir, listen: [first.addresses[0]?.split('/p2p/')[0] ?? ''] })
    const upAt = systemClock.mono()
    assert.equal(second.self, first.self)
    await Promise.all([seen.connected(first.self, 4_000), second.until((line) => line.event === 'connected', 4_000)])
    t.diagnostic(`connected again ${Math.round(systemClock.mono() - upAt)} ms after it was up`)
    second.child.stdin.write('second process\n')
    await seen.heard('second process')
  })

  it('two connections of which the oldest closes: gossip flows both ways again', { timeout: 30_000 }, async (t) => {
    const a = await peer()
    const b = await peer()
    const [seenA, seenB] = [watch(a, systemClock), watch(b, systemClock)]
    // Both dial at once, over and over, so that some round has two connections whose oldest is not the same on both sides.
    for (let round = 0; round < 5; round++) {
      a.learn(
        null,
        b.addresses().map((address) => `${address.split('/p2p/')[0]}`),
      )
      b.learn(
        null,
        a.addresses().map((address) => `${address.split('/p2p/')[0]}`),
      )
    }
    await Promise.all([seenA.connected(b.self), seenB.connected(a.self)])
    await systemClock.sleep(300)
    const again = setInterval(() => {
      void a.publish('work', new TextEncoder().encode('a speaks'))
      void b.publish('work', new TextEncoder().encode('b speaks'))
    }, 200)
    await Promise.all([seenB.heard('a speaks'), seenA.heard('b speaks')]).finally(() => clearInterval(again))
    t.diagnostic(`${seenA.seen.filter((each) => each.what === 'disconnected').length} reconnects`)
  })

  it('a peer with another swarm key, or with one on one side only, never joins, and is warned once', {
    timeout: 40_000,
  }, async () => {
    const key = generateSwarmKey()
    const a = await peer({ swarmKey: key })
    const seen = watch(a, systemClock)
    const open = await peer()
    const strangers = [
      { swarmKey: generateSwarmKey(), join: a.addresses() },
      { join: a.addresses() },
      { swarmKey: key, join: open.addresses() },
    ]
    // The random bytes differ with each connection: several foreign peers of each kind.
    const dialled = [...strangers, ...strangers, ...strangers, ...strangers].map((options) => {
      const logged: string[] = []
      const warn = (text: string) => void (/mesh key/.test(text) && logged.push(text))
      return { logged, mesh: peer({ ...options, log: { ...silentLog, warn } }) }
    })
    const right = await peer({ swarmKey: key, join: a.addresses() })
    await seen.connected(right.self)
    for (let tries = 0; tries < 250 && dialled.some(({ logged }) => logged.length === 0); tries++)
      await systemClock.sleep(100)
    await systemClock.sleep(2_000)
    assert.deepEqual([a.peers(), open.peers()], [[right.self], []])
    for (const { mesh, logged } of dialled) {
      assert.deepEqual((await mesh).peers(), [])
      assert.deepEqual(logged, ['handshake failed; does the peer use the same mesh key?'])
    }
  })

  it('a join address of its own is dropped, and those of others are dialled', async () => {
    const a = await peer()
    const b = await peer({ join: a.addresses() })
    const seen = watch(b, systemClock)
    const own = b.addresses()[0]?.split('/p2p/')[0] ?? ''
    b.learn(null, [own])
    await seen.connected(a.self)
    await systemClock.sleep(500)
    assert.deepEqual(b.peers(), [a.self])
  })

  it('a node that was made and never started leaves its address book alone', async () => {
    const dataDir = await folder()
    const book = join(dataDir, 'address-book.json')
    await writeFile(book, '{"v":1,"peers":[]} ')
    const options = { listen: [], join: [], mdns: false, clock: systemClock, rng: systemRng, log: silentLog }
    const mesh = await createLibp2pMesh({ dataDir, ...options })
    await mesh.stop()
    assert.equal(await readFile(book, 'utf8'), '{"v":1,"peers":[]} ')
  })

  it('the identity is kept in a file that only its owner reads', async () => {
    const dataDir = await folder()
    const first = await peer({ dataDir })
    await first.stop()
    const again = await peer({ dataDir })
    assert.equal(again.self, first.self)
    assert.equal((await stat(join(dataDir, 'peer.key'))).mode & 0o777, 0o600)
  })

  it('says in one sentence what is wrong with a port, an address or a key', async () => {
    const a = await peer()
    const taken = a.addresses()[0]?.split('/p2p/')[0] ?? ''
    await assert.rejects(peer({ listen: [taken] }), sentenceOf(/^Cannot listen on .*the port is in use/))
    await assert.rejects(
      peer({ listen: ['localhost:4001'] }),
      sentenceOf(/^The listen address "localhost:4001" is not an address/),
    )
    await assert.rejects(peer({ join: ['/ip4/1.2.3.4'] }), sentenceOf(/^The join address/))
    await assert.rejects(peer({ swarmKey: 'secret' }), sentenceOf(/^The swarm key does not begin with/))
    const dataDir = await folder()
    await writeFile(join(dataDir, 'peer.key'), 'garbage')
    await chmod(join(dataDir, 'peer.key'), 0o600)
    await assert.rejects(peer({ dataDir }), sentenceOf(/peer\.key holds no usable key/))
  })
})

async function waitForBook(path: string, peer: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await readFile(path, 'utf8').catch(() => '')).includes(peer)) return
    await systemClock.sleep(50)
  }
  throw new Error('the address book was not saved within 5 s')
}

function sentenceOf(pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof UsageError, String(error))
    assert.match(error.message, pattern)
    assert.ok(!error.message.includes('\n'))
    return true
  }
}
