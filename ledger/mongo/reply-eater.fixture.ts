/**
 * For tests: a TCP proxy that speaks just enough of MongoDB's wire protocol to lose a reply after the server has done what it
 * was asked, which is when a client knows least, or to cut a request in the middle. It may also change a number in replies (to
 * play an older server) and cut everything off.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const HEADER_BYTES = 16
/** After the header: flags, kind of the section, the document's length, the first element's type; then its name. */
const COMMAND_NAME_AT = HEADER_BYTES + 4 + 1 + 4 + 1

const WRITES: ReadonlySet<string> = new Set(['findAndModify', 'update', 'insert', 'bulkWrite', 'delete'])

export class ReplyEater {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #eat: { command: string; left: number } | null = null
  #rewrite: { field: string; value: number } | null = null
  #mischief: { eat: number; cut: number; roll: () => number } | null = null
  #cutAfter = Number.POSITIVE_INFINITY
  /** Replies lost so far, and requests that never reached the server. */
  eaten = 0
  cut = 0

  /** `target`: `host:port` of a mongod. */
  static async start(target: string): Promise<ReplyEater> {
    const eater = new ReplyEater(target)
    eater.#server.listen(0, '127.0.0.1')
    await once(eater.#server, 'listening')
    return eater
  }

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':')
    this.#server = createServer((client) => this.#join(client, connect(Number(port), host)))
  }

  /** The address of a database behind this proxy: direct, or the driver would go to the member's own address. */
  url(database: string, query = ''): string {
    return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${database}?directConnection=true${query}`
  }

  /** Loses the next replies to this command, with their connections. Two, because the driver itself tries again once. */
  eat(command: string, replies = 2): void {
    this.#eat = { command, left: replies }
  }

  /** From now on loses a share of the replies to writes, and cuts a share of their requests in the middle. Null ends it. */
  disturb(fault: { eat: number; cut: number; roll: () => number } | null): void {
    this.#mischief = fault
  }

  /** After this number of replies, of any command, loses the next one and every connection, once. */
  cutAfter(replies: number): void {
    this.#cutAfter = replies
  }

  /** Every reply's int32 of this name becomes this value. */
  rewrite(field: string, value: number): void {
    this.#rewrite = { field, value }
  }

  /** Takes no more connections and ends those there are. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #join(client: Socket, server: Socket): void {
    const doomed = new Set<number>()
    const end = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    onMessages(client, (message) => {
      const fate = this.#fateOf(message)
      if (fate === 'eaten') doomed.add(message.readInt32LE(4))
      if (fate !== 'cut') return void server.write(message)
      this.cut++
      server.write(message.subarray(0, message.length >> 1), end)
    })
    onMessages(server, (message) => {
      if (this.#cutAfter-- <= 0) {
        this.#cutAfter = Number.POSITIVE_INFINITY
        this.cut++
        for (const socket of this.#sockets) socket.resetAndDestroy()
        return
      }
      if (!doomed.has(message.readInt32LE(8))) return void client.write(this.#rewritten(message))
      this.eaten++
      end()
    })
  }

  #fateOf(message: Buffer): 'eaten' | 'cut' | null {
    const name = message.toString('utf8', COMMAND_NAME_AT, message.indexOf(0, COMMAND_NAME_AT))
    if (this.#eat && this.#eat.left > 0 && name === this.#eat.command) {
      this.#eat.left--
      return 'eaten'
    }
    if (!this.#mischief || !WRITES.has(name)) return null
    const rolled = this.#mischief.roll()
    if (rolled < this.#mischief.eat) return 'eaten'
    return rolled < this.#mischief.eat + this.#mischief.cut ? 'cut' : null
  }

  #rewritten(message: Buffer): Buffer {
    if (!this.#rewrite) return message
    const name = Buffer.from(`\u0010${this.#rewrite.field}\u0000`)
    const at = message.indexOf(name)
    if (at > 0) message.writeInt32LE(this.#rewrite.value, at + name.length)
    return message
  }
}

/** Whole messages out of a stream: each begins with its length. */
function onMessages(socket: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0)
      take(Buffer.from(rest.subarray(0, length)))
      rest = rest.subarray(length)
    }
  })
}
