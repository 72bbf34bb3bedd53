/**
 * The giver's side of bulk lines: one TLS port for all, which is opened by the first offer. An offer goes to a peer of the mesh that asks for one,
 * is for that peer, lives for `OFFER_MS`, and is used up by the first session that was made with its key.
 *
 *   offered → connected   a session was made with the key: no other one can be
 *           → bound       the peer says, on its mesh connection, what this session exports: it is served as on a stream
 *           → gone        late, another binding, or the peer left: the session is closed
 *
 * Strangers reach the TLS handshake of this port, and nothing behind it: at most `CONNECTIONS_MAX` at once, each for `OFFER_MS`.
 */
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type Clock, deadline, type Rng } from '../../protocol/clock.ts'
import { PeerUnreachable, sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { STREAM_SILENCE_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import type { Mesh, MeshStream } from '../../protocol/mesh.ts'
import { readLine } from '../blob-wire.ts'
import { LineSource, lineStream } from './line-stream.ts'
import { bindingOf, decodeBinding, encodeMessage, isMadeByKey, LINE_TLS, OFFER_MS } from './line-wire.ts'

/** More than the transfers that are served at once. */
const CONNECTIONS_MAX = 128

/** Where bulk lines are waited for: one port on each host. */
export interface LinePorts {
  readonly hosts: readonly string[]
  /** The first free one is taken; 0 stands for one of the system's choice. */
  readonly ports: readonly number[]
}

/** What the giver's side works with. `serve` answers the requests on a line; it may reject. */
export interface LineGiverOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly at: LinePorts
  readonly serve: (stream: MeshStream) => Promise<void>
}

interface Offer {
  readonly key: Buffer
  readonly session: PromiseWithResolvers<TLSSocket>
}

/** Registers the handler of `/reelmesh/line/1`; call before `mesh.start`. The returned function closes the port and every line. */
export function giveLines(options: LineGiverOptions): () => Promise<void> {
  const giver = new LineGiver(options)
  options.mesh.handle('line', (stream) => giver.offer(stream))
  return () => giver.stop()
}

class LineGiver {
  readonly #options: LineGiverOptions
  /** By id. INVARIANT: an offer that a session was made with is not in it. */
  readonly #offers = new Map<string, Offer>()
  /** The offer whose key a connection has asked for. */
  readonly #asked = new WeakMap<TLSSocket, string>()
  readonly #sockets = new Set<Socket>()
  readonly #servers: Server[] = []
  #port: Promise<number | null> | undefined
  #isStopped = false

  constructor(options: LineGiverOptions) {
    this.#options = options
  }

  async offer(stream: MeshStream): Promise<void> {
    const { clock, rng, mesh, log } = this.#options
    this.#port ??= this.#listen()
    const port = await this.#port
    if (port === null || this.#isStopped) return stream.sink([encodeMessage({ v: 1, ok: false })])
    const id = rng.token()
    const offer: Offer = { key: Buffer.from(rng.token() + rng.token(), 'hex'), session: Promise.withResolvers() }
    offer.session.promise.catch(() => {})
    this.#offers.set(id, offer)
    const late = deadline(clock, OFFER_MS)
    late.addEventListener('abort', () => stream.abort(new PeerUnreachable('the offer of a bulk line expired')))
    late.addEventListener('abort', () => offer.session.reject(new PeerUnreachable('nobody connected')))
    const bound = async (): Promise<TLSSocket> => {
      const binding = decodeBinding((await readLine(stream.source)).line)
      const session = await offer.session.promise
      if (binding === bindingOf(session, { giver: mesh.self, taker: stream.peer })) return session
      throw new PeerUnreachable('the line was opened by somebody else')
    }
    try {
      let session: TLSSocket | undefined
      await stream.sink(
        (async function* () {
          yield encodeMessage({ v: 1, ok: true, port, id, key: offer.key.toString('hex') })
          session = await bound()
          yield encodeMessage({ v: 1, ok: true })
        })(),
      )
      if (session) void this.#serve(session, stream.peer)
    } catch (error) {
      offer.session.promise.then((session) => session.destroy()).catch(() => {})
      offer.session.reject(error)
      log.debug('bulk line not opened', { peer: stream.peer, error: sentence(error) })
      throw error
    } finally {
      this.#offers.delete(id)
    }
  }

  async #serve(socket: TLSSocket, peer: PeerId): Promise<void> {
    const { serve, clock, log } = this.#options
    const source = new LineSource(peer)
    const stream = lineStream(socket, { peer, source })
    source.attach(socket)
    socket.on('data', (bytes: Buffer) => source.take(bytes) || socket.pause())
    try {
      await serve(stream)
      socket.end()
      socket.resume()
      // The taker has all when it closes its end.
      clock.timer(STREAM_SILENCE_MS, () => socket.destroy())
    } catch (error) {
      log.debug('bulk line broke', { peer, error: sentence(error) })
      socket.destroy()
    }
  }

  /** The port; null where none can be had, which is said once. */
  async #listen(): Promise<number | null> {
    const { at, log } = this.#options
    for (const port of at.ports) {
      try {
        return await this.#listenAt(port)
      } catch (error) {
        for (const server of this.#servers.splice(0)) server.close()
        log.debug('bulk line port not free', { port, error: sentence(error) })
      }
    }
    log.warn('no port for bulk lines; blobs are sent over mesh connections', { hosts: at.hosts, ports: at.ports })
    return null
  }

  /** The same port on every host. Rejects with the error of the system. */
  async #listenAt(port: number): Promise<number> {
    let taken = port
    const { hosts } = this.#options.at
    for (const host of hosts) {
      const server = this.#server()
      this.#servers.push(server)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        // By itself `::` would take the port of `0.0.0.0` too.
        server.listen({ port: taken, host, ipv6Only: hosts.length > 1 }, resolve)
      })
      taken = (server.address() as AddressInfo).port
      server.on('error', (error) => this.#options.log.warn('bulk line port failed', { error: sentence(error) }))
      server.unref()
    }
    return taken
  }

  #server(): Server {
    const server = createServer({
      ...LINE_TLS,
      handshakeTimeout: OFFER_MS,
      pskCallback: (socket, id) => this.#keyFor(socket, id),
    })
    server.maxConnections = CONNECTIONS_MAX
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Node reports a handshake that takes too long, and leaves its connection open.
    server.on('tlsClientError', (_, socket) => socket.destroy())
    server.on('secureConnection', (socket) => this.#connected(socket))
    return server
  }

  #keyFor(socket: TLSSocket, id: string): Buffer | null {
    const offer = this.#offers.get(id)
    if (offer === undefined) return null
    this.#asked.set(socket, id)
    return offer.key
  }

  #connected(socket: TLSSocket): void {
    socket.on('error', () => {})
    const id = this.#asked.get(socket) ?? ''
    const offer = this.#offers.get(id)
    if (offer === undefined || !isMadeByKey(socket)) {
      socket.destroy()
      return
    }
    this.#offers.delete(id)
    socket.setNoDelay(true)
    offer.session.resolve(socket)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#port
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
