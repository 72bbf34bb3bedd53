/** The rules of `mesh.ts`, as one suite that every adapter passes. Waits are for events, bounded by what the contract promises. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { pipe } from 'it-pipe'
import type { Clock } from '../clock.ts'
import { PeerUnreachable } from '../errors.ts'
import { asPeerId, type PeerId } from '../ids.ts'
import { GOSSIP_BYTES_MAX } from '../limits.ts'
import type { GossipMessage, LossReason, Mesh, MeshStream, Topic } from '../mesh.ts'

export interface MeshWorld {
  readonly clock: Clock
  /**
   * A peer, not started, that joins at these addresses. `as` is the identity and address of an earlier one, which was
   * stopped.
   */
  peer(options?: { join?: readonly string[]; as?: Mesh }): Promise<Mesh>
  /** Stops every peer. */
  close(): Promise<void>
}

const STRANGER = asPeerId('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')
const MiB = 1024 * 1024
const bytes = (text: string) => new TextEncoder().encode(text)
const soon = (ms = 5_000) => AbortSignal.timeout(ms)

type Seen =
  | { readonly what: 'connected'; readonly peer: PeerId }
  | { readonly what: 'disconnected'; readonly peer: PeerId; readonly why: LossReason }
  | { readonly what: 'gossip'; readonly message: GossipMessage; readonly text: string }

/** Everything that happens at a mesh from now on, and a way to wait for some of it. */
export function watch(mesh: Mesh, clock: Clock) {
  const seen: Seen[] = []
  const waiting = new Set<() => void>()
  const add = (event: Seen) => {
    seen.push(event)
    for (const look of [...waiting]) look()
  }
  mesh.listen({
    onConnected: (peer) => add({ what: 'connected', peer }),
    onDisconnected: (peer, why) => add({ what: 'disconnected', peer, why }),
    onGossip: (message) => add({ what: 'gossip', message, text: new TextDecoder().decode(message.data) }),
  })
  const until = (what: string, isSo: () => boolean, ms: number) =>
    new Promise<void>((resolve, reject) => {
      // Timers of a Clock do not keep a process alive; this wait must.
      const hold = setInterval(() => look(), 20)
      const settle = (act: () => void) => {
        clearInterval(hold)
        waiting.delete(look)
        act()
      }
      const end = clock.mono() + ms
      const look = () => {
        if (isSo()) settle(resolve)
        else if (clock.mono() > end)
          settle(() =>
            reject(new Error(`${what}: not within ${ms} ms; seen: ${JSON.stringify(seen.map((each) => each.what))}`)),
          )
      }
      waiting.add(look)
      look()
    })
  return {
    seen,
    until,
    connected: (peer: PeerId, ms = 5_000) => until('connected', () => mesh.peers().includes(peer), ms),
    disconnected: (peer: PeerId, ms = 5_000) => until('disconnected', () => !mesh.peers().includes(peer), ms),
    heard: (text: string, ms = 5_000) =>
      until(`gossip ${text}`, () => seen.some((each) => each.what === 'gossip' && each.text === text), ms),
  }
}

export function meshConformance(name: string, makeWorld: () => Promise<MeshWorld>): void {
  describe(`a mesh: ${name}`, () => {
    let world: MeshWorld
    let a: Mesh
    let b: Mesh
    let seenA: ReturnType<typeof watch>
    let seenB: ReturnType<typeof watch>
    /** What b does with its next `blob` streams. */
    let answer: (stream: MeshStream) => Promise<void>

    before(async () => {
      world = await makeWorld()
      a = await world.peer()
      await a.start()
      b = await world.peer({ join: a.addresses() })
      b.handle('blob', (stream) => answer(stream))
      seenA = watch(a, world.clock)
      seenB = watch(b, world.clock)
      await b.start()
      await Promise.all([seenA.connected(b.self), seenB.connected(a.self)])
    })
    after(() => world.close())

    const say = async (from: Mesh, topic: Topic, text: string) => from.publish(topic, bytes(text))
    /** Gossip may be lost: said again until it is heard. */
    const publishUntilReceived = async (from: Mesh, to: ReturnType<typeof watch>, text: string, ms = 6_000) => {
      const again = setInterval(() => void say(from, 'work', text), 250)
      try {
        await say(from, 'work', text)
        await to.heard(text, ms)
      } finally {
        clearInterval(again)
      }
    }

    it('reports to both sides once that they are connected', () => {
      for (const [mesh, seen] of [
        [a, seenB],
        [b, seenA],
      ] as const) {
        assert.equal(seen.seen.filter((each) => each.what === 'connected' && each.peer === mesh.self).length, 1)
      }
      assert.deepEqual(a.peers(), [b.self])
    })

    it('has addresses that name the peer, and starts only once', async () => {
      await a.start()
      assert.ok(a.addresses().length > 0)
      for (const address of a.addresses()) assert.ok(address.endsWith(a.self))
    })

    it('gossips both ways as soon as both are connected, with an authenticated author, never to itself', async () => {
      await publishUntilReceived(a, seenB, 'from a')
      await publishUntilReceived(b, seenA, 'from b')
      for (const [seen, author] of [
        [seenB, a.self],
        [seenA, b.self],
      ] as const) {
        for (const each of seen.seen) if (each.what === 'gossip') assert.equal(each.message.author, author)
      }
    })

    it('carries every topic with its name and its bytes unchanged', async () => {
      const data = new Uint8Array(30_000).map((_, at) => at % 251)
      for (const topic of ['heartbeat', 'work', 'suspect'] as const) {
        await a.publish(topic, data)
        const isIt = (each: Seen) =>
          each.what === 'gossip' && each.message.topic === topic && Buffer.compare(each.message.data, data) === 0
        await seenB.until(`${topic} at b`, () => seenB.seen.some(isIt), 5_000)
      }
    })

    it('refuses to publish more than the bound', async () => {
      await assert.rejects(a.publish('work', new Uint8Array(GOSSIP_BYTES_MAX + 1)), RangeError)
    })

    it('joins its streams with it-pipe, and each side may close its end first', async () => {
      answer = async (stream) => {
        await pipe(
          stream.source,
          async function* (source) {
            for await (const piece of source) yield bytes(new TextDecoder().decode(piece).toUpperCase())
          },
          stream.sink,
        )
      }
      const stream = await a.open(b.self, 'blob', soon())
      assert.equal(stream.peer, b.self)
      await pipe([bytes('half-'), bytes('closed')], stream.sink)
      assert.equal(await text(stream.source), 'HALF-CLOSED')
    })

    it('answers after the asker has closed its end', async () => {
      answer = async (stream) => {
        const asked = await text(stream.source)
        await stream.sink([bytes(`${asked}?`), bytes(' 42')])
      }
      const stream = await a.open(b.self, 'blob', soon())
      await stream.sink([bytes('six times seven')])
      assert.equal(await text(stream.source), 'six times seven? 42')
    })

    it('carries streams in both directions at once', async () => {
      answer = async (stream) => {
        await Promise.all([count(stream.source), stream.sink(zeros(3))])
      }
      const streams = await Promise.all([1, 2, 3].map(() => a.open(b.self, 'blob', soon())))
      const got = await Promise.all(
        streams.map(async (stream) => (await Promise.all([stream.sink(zeros(3)), count(stream.source)]))[1]),
      )
      assert.deepEqual(got, [3 * MiB, 3 * MiB, 3 * MiB])
    })

    it('breaks both ends when one aborts, with the stream only', async () => {
      const broken = Promise.withResolvers<unknown>()
      answer = async (stream) => {
        await count(stream.source).then(() => broken.resolve('ended'), broken.resolve)
      }
      const stream = await a.open(b.self, 'blob', soon())
      const sinking = stream.sink(forever(world.clock))
      stream.abort(new Error('enough'))
      stream.abort(new Error('again'))
      await assert.rejects(sinking)
      assert.ok((await broken.promise) instanceof PeerUnreachable)
      assert.deepEqual(a.peers(), [b.self])
    })

    it('breaks the stream of a handler that throws, and no other', async () => {
      const other = await (async () => {
        answer = async (stream) => stream.sink([bytes(await text(stream.source))])
        return a.open(b.self, 'blob', soon())
      })()
      await other.sink([bytes('still here')])
      assert.equal(await text(other.source), 'still here')
      answer = async () => {
        throw new Error('a bug')
      }
      const stream = await a.open(b.self, 'blob', soon())
      await assert.rejects(Promise.all([stream.sink(zeros(8)), text(stream.source)]), PeerUnreachable)
    })

    it('lets a reader leave early: the writer gets an error', async () => {
      const outcome = Promise.withResolvers<unknown>()
      answer = async (stream) => {
        await stream.sink(zeros(64)).then(() => outcome.resolve('written'), outcome.resolve)
      }
      const stream = await a.open(b.self, 'blob', soon())
      await stream.sink([])
      for await (const _ of stream.source) break
      assert.ok((await outcome.promise) instanceof PeerUnreachable)
    })

    it('says that a protocol is not spoken, and that a peer is not there', async () => {
      await assert.rejects(a.open(b.self, 'status', soon()), PeerUnreachable)
      await assert.rejects(a.open(STRANGER, 'blob', soon()), PeerUnreachable)
      const reason = new Error('changed my mind')
      await assert.rejects(a.open(b.self, 'blob', AbortSignal.abort(reason)), reason)
    })

    it('slows the sender to the pace of the reader, and holds no more than a few MiB between them', async () => {
      const gate = Promise.withResolvers<void>()
      const read = Promise.withResolvers<number>()
      answer = async (stream) => {
        let got = 0
        for await (const piece of stream.source) {
          got += piece.byteLength
          if (got > MiB) await gate.promise
        }
        read.resolve(got)
      }
      const stream = await a.open(b.self, 'blob', soon())
      let pulled = 0
      const sinking = stream.sink(counting(zeros(64), (piece) => (pulled += piece)))
      let last = -1
      for (let idleRounds = 0; idleRounds < 10; idleRounds = pulled === last ? idleRounds + 1 : 0) {
        last = pulled
        await world.clock.sleep(20)
      }
      assert.ok(pulled > MiB && pulled < 8 * MiB, `${pulled} bytes on the way`)
      gate.resolve()
      await sinking
      assert.equal(await read.promise, 64 * MiB)
    })

    it('finds a peer again that was restarted, and says when it was gone', { timeout: 20_000 }, async () => {
      const c = await world.peer({ join: a.addresses() })
      await c.start()
      await seenA.connected(c.self)
      a.learn(c.self, c.addresses())
      await c.stop()
      await seenA.disconnected(c.self)
      const lost = seenA.seen.findLast((each) => each.what === 'disconnected')
      assert.deepEqual(lost, { what: 'disconnected', peer: c.self, why: 'closed' })
      const again = await world.peer({ as: c })
      const seenAgain = watch(again, world.clock)
      await again.start()
      assert.equal(again.self, c.self)
      await Promise.all([seenA.connected(c.self), seenAgain.connected(a.self)])
      await publishUntilReceived(again, seenA, 'from the second process')
      await again.stop()
    })

    it('breaks a stream whose writer stops in the middle: it never looks finished', { timeout: 20_000 }, async () => {
      const c = await world.peer({ join: b.addresses() })
      await c.start()
      await seenB.connected(c.self)
      const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
      answer = async (stream) => {
        const reading = (async () => {
          for await (const _ of stream.source) begun.resolve()
        })()
        await reading.then(() => ended.resolve('finished'), ended.resolve)
      }
      const stream = await c.open(b.self, 'blob', soon())
      const sinking = assert.rejects(stream.sink(forever(world.clock)))
      await begun.promise
      await c.stop()
      assert.ok((await ended.promise) instanceof PeerUnreachable)
      await sinking
    })

    it('lets a peer that knows one soon know all', { timeout: 20_000 }, async () => {
      const crowd = await Promise.all([1, 2, 3].map(() => world.peer({ join: a.addresses() })))
      const everyone = [a, b, ...crowd]
      const off = everyone.map((mesh) =>
        mesh.listen({
          onGossip: ({ topic, author, data }) => {
            if (topic === 'heartbeat') mesh.learn(author, parsed(data))
          },
        }),
      )
      await Promise.all(crowd.map((mesh) => mesh.start()))
      const beating = setInterval(() => {
        for (const mesh of everyone) void mesh.publish('heartbeat', bytes(JSON.stringify(mesh.addresses())))
      }, 200)
      try {
        await seenA.until(
          'all know all',
          () =>
            everyone.every((mesh) => everyone.every((other) => other === mesh || mesh.peers().includes(other.self))),
          12_000,
        )
      } finally {
        clearInterval(beating)
        for (const stop of off) stop()
        await Promise.all(crowd.map((mesh) => mesh.stop()))
      }
    })

    it('gossips both ways between peers that dialled each other at once', { timeout: 20_000 }, async () => {
      const pairs = await Promise.all([1, 2, 3, 4, 5, 6].map(() => Promise.all([world.peer(), world.peer()])))
      for (const pair of pairs) await Promise.all(pair.map((mesh) => mesh.start()))
      await Promise.all(
        pairs.map(async ([one, two]) => {
          const [seenOne, seenTwo] = [watch(one, world.clock), watch(two, world.clock)]
          one.learn(null, two.addresses())
          two.learn(null, one.addresses())
          await Promise.all([seenOne.connected(two.self), seenTwo.connected(one.self)])
          await Promise.all([
            publishUntilReceived(one, seenTwo, 'there'),
            publishUntilReceived(two, seenOne, 'and back'),
          ])
          await Promise.all([one.stop(), two.stop()])
        }),
      )
    })

    it('stops, twice if asked, and leaves no peer connected', async () => {
      await b.stop()
      await b.stop()
      await seenA.disconnected(b.self)
      await assert.rejects(a.open(b.self, 'blob', soon()), PeerUnreachable)
    })
  })
}

function parsed(data: Uint8Array): string[] {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return []
  }
}

async function text(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

async function count(source: AsyncIterable<Uint8Array>): Promise<number> {
  let total = 0
  for await (const piece of source) total += piece.byteLength
  return total
}

function* zeros(mebibytes: number): Generator<Uint8Array> {
  for (let at = 0; at < 4 * mebibytes; at++) yield new Uint8Array(MiB / 4)
}

async function* forever(clock: Clock): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new Uint8Array(1024)
    await clock.sleep(1)
  }
}

function* counting(source: Iterable<Uint8Array>, add: (bytes: number) => void): Generator<Uint8Array> {
  for (const piece of source) {
    add(piece.byteLength)
    yield piece
  }
}
