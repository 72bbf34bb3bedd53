/** Every error of the driver's that says nothing about the command itself, by the driver's own classes: their names change. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import * as mongodb from 'mongodb'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { inOurWords } from './connect-failure.ts'
import { isTransient } from './transient.ts'

/** Not exported, and thrown all the same; it has no types. */
const POOLS: string = 'mongodb/lib/cmap/errors.js'
const pools = (await import(POOLS)) as object

type ErrorClass = new (...args: never[]) => Error

/** An instance as far as its kind goes: what constructors want is no matter. */
const instanceOf = ({ prototype }: ErrorClass): Error =>
  Object.assign(Object.create(prototype) as Error, { errorLabelSet: new Set() })

type Open = (port: number, host: string) => Socket
const doNothing = () => {}

const classes = (Object.values({ ...mongodb, ...pools }) as unknown[]).filter(
  (value): value is ErrorClass => typeof value === 'function' && value.prototype instanceof Error,
)

test('whatever a network, a pool or a search for a primary says may be tried again', () => {
  const kinds = classes.filter(({ prototype }) =>
    [mongodb.MongoNetworkError, mongodb.MongoSystemError].some(
      (kind) => prototype instanceof kind || prototype === kind.prototype,
    ),
  )
  assert.ok(kinds.length >= 6, 'the driver’s classes were not found')
  const missed = kinds.filter((kind) => !isTransient(instanceOf(kind)))
  assert.deepEqual(
    missed.map(({ name }) => name),
    [],
  )
})

test('whatever Node says of a lost connection may be tried again, and is a ledger that did not answer', async () => {
  const server = createServer((socket) => socket.on('error', doNothing).resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  /** What a socket says that has connected to this server, and on which both sides do this. */
  const errorOf = async (far: (socket: Socket) => unknown, near: (socket: Socket) => unknown, open: Open = connect) => {
    server.once('connection', far)
    const socket = open(port, '127.0.0.1').on('connect', () => near(socket))
    return ((await once(socket, 'error')) as [NodeJS.ErrnoException])[0]
  }
  const writeLate = (socket: Socket) => socket.on('finish', () => socket.write('x'))
  const errors = [
    await errorOf((socket) => socket.resetAndDestroy(), doNothing),
    await errorOf((socket) => socket.end(), writeLate),
    await errorOf(doNothing, (socket) => socket.end().write('x')),
    await errorOf((socket) => socket.end('this is not TLS'), doNothing, connectTls),
  ]
  server.close()
  await once(server, 'close')
  errors.push(await errorOf(doNothing, doNothing))
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ECONNRESET', 'EPIPE', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ECONNREFUSED'],
  )
  for (const error of errors) {
    assert.ok(isTransient(error), error.message)
    assert.ok(inOurWords(error, 'the test') instanceof LedgerUnavailable, error.message)
  }
})

test('what the server refuses, and what is used wrongly, may not', () => {
  for (const kind of [mongodb.MongoInvalidArgumentError, mongodb.MongoParseError, mongodb.MongoServerError])
    assert.equal(isTransient(instanceOf(kind)), false, kind.name)
  assert.equal(isTransient(new TypeError('no')), false)
})
