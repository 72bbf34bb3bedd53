/** Docblocks say what a thing is, in which unit, and how it fails: in `protocol/`, and in every file that another folder imports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bareExports,
  type Documentation,
  documentationOf,
  silentFailures,
  withoutSubject,
  withoutUnit,
} from './docblocks.ts'
import { LAYERS, productSources } from './sources.ts'

const IS_A_HASH = '`asSha256` throws for what is no sha256, and this is one that Node has made'
/** Functions that call one that can fail in a way in which it cannot, and why. */
const NEVER_FAIL: Readonly<Record<string, string>> = {
  'media/verify.ts: signatureOf': IS_A_HASH,
  'media/verify.ts: timesHash': IS_A_HASH,
  'media/verify.ts: wrongTimes': IS_A_HASH,
  'protocol/task.ts: wholeVideoTask': '`taskId` throws for a chunk number out of range, and this one is 0',
}

const product = documentationOf(await productSources([...LAYERS, 'scripts', 'bench']))

test('every export has a docblock of its own', () => {
  assert.deepEqual(bareExports(product), [])
})

test('every docblock of an export or its member begins with its subject', () => {
  assert.deepEqual(withoutSubject(product), [], 'say what it is')
})

test('every number has a unit, in its name or its docblock', () => {
  assert.deepEqual(withoutUnit(product), [], 'ms, bytes, pixels, "number of …", "0–1" …')
})

test('every docblock of a function or method that can fail names the error', () => {
  assert.deepEqual(silentFailures(product, Object.keys(NEVER_FAIL)), [], 'say what it throws or rejects with')
  const known = new Set(product.fallibles.map(({ path, name }) => `${path}: ${name}`))
  const stale = Object.keys(NEVER_FAIL).filter((key) => !known.has(key))
  assert.deepEqual(stale, [], 'they are gone')
})

const HEAD = '/** The head of a file. */\n'
const one = (source: string, more: Readonly<Record<string, string>> = {}): Documentation =>
  documentationOf(new Map(Object.entries({ 'protocol/x.ts': HEAD + source, ...more })))

test('an export without a docblock is found, and the head of the file is none', () => {
  const source = [
    'export const first = "a"',
    '/** The second. */',
    'export const second = "b", third = () => "c"',
    'export function fourth() {}',
    'export interface Fifth {}',
    'export class Sixth {}',
    'function own() {}',
    "export * from './other.ts'",
  ].join('\n')
  assert.deepEqual(
    bareExports(one(source)),
    ['first', 'fourth', 'Fifth', 'Sixth'].map((name) => `protocol/x.ts: ${name}`),
  )
})

test('a docblock without a subject, or of two words, is found', () => {
  const found = (comment: string) => withoutSubject(one(`/** ${comment} */\nexport const it = "a"`)).length
  for (const riddle of ['Of an earlier life.', 'Not yet started.', 'Only what runs is looked at.', 'Pure.', 'The it.'])
    assert.equal(found(riddle), 1, riddle)
  for (const clear of ['The id of a video.', 'Itself a text.', 'Reads the file of this path.'])
    assert.equal(found(clear), 0, clear)
})

test('a docblock of a member that begins inside a sentence is found', () => {
  const found = (comment: string) =>
    withoutSubject(one(`/** A box of texts. */\nexport interface Box {\n/** ${comment} */\nread(): string }`)).length
  for (const riddle of ['By its key.', 'Only for people.', 'Of the newest.']) assert.equal(found(riddle), 1, riddle)
  for (const clear of ['Its text, by key.', 'As in `Box`.', 'Reads it.']) assert.equal(found(clear), 0, clear)
})

test('a number without a unit is found: a constant, a field, a parameter, a result', () => {
  const unclear = [
    '/** The wait between tries. */ export const WAIT = 2 * (3 + 4)',
    '/** First and largest wait. */ export const WAITS = { base: 1, max: 2 } as const',
    '/** The wait of a kind. */ export const waitOf = (kind: string): number => kind.length',
    '/** Waits for a while. */ export function wait(delay: number | null) {}',
    '/** Some options. */ export interface Options { readonly wait: number; of(delay: number): void }',
    '/** Some options. */ export type Options = { readonly wait?: number }',
    "/** The worker's wait. */ export const PAUSE = 5",
    '/** It works. */ export class Work { readonly load: number = 1 }',
  ]
  const names = [
    'WAIT',
    'WAITS',
    'waitOf',
    'wait(delay)',
    'Options.wait Options.of(delay)',
    'Options.wait',
    'PAUSE',
    'Work.load',
  ]
  for (const [n, source] of unclear.entries()) {
    const found = withoutUnit(one(source)).map((line) => /^protocol\/x\.ts: ([^:]+):/.exec(line)?.[1])
    assert.equal(found.join(' '), names[n])
  }
})

test('a unit may stand in the name, in the text, or be a count', () => {
  const clear = [
    '/** The wait between tries. */ export const WAIT_MS = 2',
    '/** The wait between tries, in ms. */ export const WAIT = 2',
    '/** Peers that a record names. */ export const NAMED = 4',
    '/** Number of peers. */ export const NAMED = 4',
    '/** Share done, 0–1. */ export const DONE = 0.5',
    '/** Some options. */ export interface Options { bytesMax: number; waitS: number; ended_at: number | null; width: number }',
    '/** The text of a wait. */ export const textOf = (waitMs: number): string => String(waitMs)',
    '/** Waits so many seconds. */ export function wait(delay: number) {}',
    '/** The word. */ export const WORD = "4"',
  ]
  for (const source of clear) assert.deepEqual(withoutUnit(one(source)), [], source)
})

test('a function that fails in silence is found: by itself, or by one that it calls', () => {
  const silent = [
    '/** Reads a text. */ export function read() { throw new Error("no") }',
    '/** Reads a text. */ export const read = () => Promise.reject(new Error("no"))',
    '/** Reads a text. */ export const read = (text: string) => JSON.parse(text)',
    '/** Reads a text. */ export const read = (signal: AbortSignal) => signal.throwIfAborted()',
    '/** Reads a text. */ export function read() { try { go() } catch (error) { throw error } }',
    '/** Reads a text. */ export function read() { return inner() }\nfunction inner() { return innermost() }\nfunction innermost() { throw 1 }',
    "import { parse as other } from './other.ts'\n/** Reads a text. */ export const read = () => other()",
  ]
  const other = {
    'protocol/other.ts': `${HEAD}/** Parses. Throws TypeError. */ export function parse() { throw new TypeError() }`,
  }
  for (const source of silent) assert.deepEqual(silentFailures(one(source, other), []), ['protocol/x.ts: read'], source)
  const called = one(silent.at(-2) ?? '')
  assert.deepEqual(silentFailures(called, ['protocol/x.ts: inner']), [])
})

test('a method is found by the function that makes its interface, or the class that implements it', () => {
  const contract = '/** A box of texts. */ export interface Box { read(): string }\n'
  const made = 'function createBox(): Box { return { read: () => { throw new Error("no") } } }'
  const kept = 'class RealBox implements Box { read() { throw new Error("no") } }'
  const inner = 'class RealBox implements Box { read() { return this.#text() } #text() { throw new Error("no") } }'
  const later = 'async function openBox(): Promise<Box> { const read = () => { throw 1 }\nreturn { read } }'
  for (const source of [made, kept, inner, later]) {
    assert.deepEqual(silentFailures(one(contract + source), []), ['protocol/x.ts: Box.read (fails in protocol/x.ts)'])
    const atHead = contract.replace('texts.', 'texts. Methods throw `Error`.')
    assert.deepEqual(silentFailures(one(atHead + source), []), [])
  }
})

test('a function that names its error, or does not fail, is not found', () => {
  const clear = [
    '/** Reads a text. Throws `Error` without one. */ export function read() { throw new Error("no") }',
    '/** Reads a text. `BlobMissing` without one. */ export function read() { throw new BlobMissing() }',
    '/** Reads a text. */ export function read() { try { throw new Error("no") } catch { return null } }',
    '/** Reads a text. */ export const read = (text: string) => [Date.parse(text), schema.safeParse(text)]',
    '/** Reads a text. */ export const read = () => inner().catch(() => null)\nasync function inner() { throw 1 }',
    '/** Reads a text. */ export const read = () => later(() => { throw 1 })',
  ]
  for (const source of clear) assert.deepEqual(silentFailures(one(source), []), [], source)
})

test('only protocol/ and files that another folder imports are checked', () => {
  const bare = 'export const it = "a"'
  const files = {
    'node/a.ts': `${HEAD}import type { it } from '../media/b.ts'\n${bare}`,
    'media/b.ts': `${HEAD}import { it } from './c.ts'\n${bare}`,
    'media/c.ts': HEAD + bare,
    'protocol/d.ts': HEAD + bare,
  }
  const found = bareExports(documentationOf(new Map(Object.entries(files))))
  assert.deepEqual(found, ['media/b.ts: it', 'protocol/d.ts: it'])
})
