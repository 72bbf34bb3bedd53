/** Every error of the driver's that says nothing about the command itself, by the driver's own classes: their names change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as mongodb from 'mongodb'
import { isTransient } from './transient.ts'

/** Not exported, and thrown all the same; it has no types. */
const POOLS: string = 'mongodb/lib/cmap/errors.js'
const pools = (await import(POOLS)) as object

type ErrorClass = new (...args: never[]) => Error

/** An instance as far as its kind goes: what constructors want is no matter. */
const instanceOf = ({ prototype }: ErrorClass): Error =>
  Object.assign(Object.create(prototype) as Error, { errorLabelSet: new Set() })

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

test('what the server refuses, and what is used wrongly, may not', () => {
  for (const kind of [mongodb.MongoInvalidArgumentError, mongodb.MongoParseError, mongodb.MongoServerError])
    assert.equal(isTransient(instanceOf(kind)), false, kind.name)
  assert.equal(isTransient(new TypeError('no')), false)
})
