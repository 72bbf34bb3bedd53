/**
 * For tests: servers that speak MongoDB's wire protocol and are none, as far as the opening of a ledger asks them. They say of themselves, and answer,
 * what the real ones were seen to: SecantusDB 0.7.0b3, FerretDB 1.24.2, NX-27017 0.8.1, and what has the wire version of MongoDB 4.2.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'
import { SCHEMA_VERSION } from '../../protocol/schema-version.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'

/** `answer`: to a command by its name; `{}` where it names none. */
export interface LookAlike {
  readonly hello: Document
  readonly buildInfo: Document
  readonly answer?: Readonly<Record<string, (command: Document) => Document>>
}

const cursor = (firstBatch: Document[]) => ({ cursor: { id: 0n, ns: 'films.chunks', firstBatch } })
const failure = (code: number, errmsg: string) => ({ ok: 0, code, errmsg })
/** A hint that is text names an index, or none. */
const find = (found: () => Document[]) => (command: Document) =>
  command.hint === 'no such index'
    ? failure(2, 'hint provided does not correspond to an existing index')
    : cursor(found())
const findAndModify = () => ({ value: { _id: 'schema', version: SCHEMA_VERSION }, lastErrorObject: { n: 1 } })

export const SECANTUS: LookAlike = {
  hello: { maxWireVersion: 27, setName: 'secantus', setVersion: 1 },
  buildInfo: { version: '8.2.11', secantusVersion: '0.7.0b3', gitVersion: '0'.repeat(40), bits: 64 },
  // It finds what is due, and what is due in the year 2096.
  answer: { find: find(() => [{ _id: 'due' }, { _id: 'later' }]), findAndModify },
}
export const FERRET: LookAlike = {
  hello: { maxWireVersion: 21, setName: 'rs0', setVersion: 1 },
  buildInfo: { version: '7.0.42', ferretdbVersion: 'v1.24.2', gitVersion: 'unknown', modules: [] },
  answer: { findAndModify, createIndexes: () => failure(238, '"partialFilterExpression" is not implemented yet') },
}
export const NX: LookAlike = {
  hello: { maxWireVersion: 25 },
  buildInfo: { version: '7.0.0', process: 'nx_27017' },
}
export const NAMELESS: LookAlike = {
  hello: { maxWireVersion: 21, setName: 'rs0', setVersion: 1 },
  buildInfo: { version: '7.0.5' },
  answer: { find: () => cursor([]), findAndModify },
}
export const WIRE_OF_4_2: LookAlike = { hello: { maxWireVersion: 8 }, buildInfo: { version: '5.0.0' } }

/** Starts one; `host:port`. */
export async function startLookAlike(t: Ends, kind: LookAlike): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    onMessages(socket, (message) => socket.write(reply(message, kind, (server.address() as AddressInfo).port)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const HEADER_BYTES = 16
const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

function onMessages(socket: Socket, act: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (piece: Buffer) => {
    rest = Buffer.concat([rest, piece])
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const bytes = rest.readInt32LE(0)
      act(rest.subarray(0, bytes))
      rest = rest.subarray(bytes)
    }
  })
}

/** The first message of a connection may be of the older kind. */
function reply(message: Buffer, kind: LookAlike, port: number): Buffer {
  const isQuery = message.readInt32LE(12) === OP_QUERY
  const at = isQuery ? message.indexOf(0, HEADER_BYTES + 4) + 9 : HEADER_BYTES + 5
  const command = BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)))
  const document = Buffer.from(BSON.serialize({ ok: 1, ...answerOf(command, kind, port) }))
  const before = isQuery ? Buffer.alloc(20) : Buffer.alloc(5)
  if (isQuery) before.writeInt32LE(1, 16)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32LE(HEADER_BYTES + before.length + document.length, 0)
  header.writeInt32LE(message.readInt32LE(4), 8)
  header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12)
  return Buffer.concat([header, before, document])
}

function answerOf(command: Document, { hello, buildInfo, answer = {} }: LookAlike, port: number): Document {
  const [name = ''] = Object.keys(command)
  if (/^(?:hello|ismaster)$/i.test(name)) {
    const me = `127.0.0.1:${port}`
    const member = hello.setName ? { hosts: [me], primary: me, me } : {}
    const writable = {
      isWritablePrimary: true,
      ismaster: true,
      helloOk: true,
      minWireVersion: 0,
      localTime: new Date(),
    }
    return {
      ...writable,
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      logicalSessionTimeoutMinutes: 30,
      ...member,
      ...hello,
    }
  }
  if (/^buildinfo$/i.test(name)) return buildInfo
  return answer[name]?.(command) ?? { n: 1 }
}
