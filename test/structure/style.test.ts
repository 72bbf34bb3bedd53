/**
 * What of the style can be read by a machine: length, names and headers, and what must not be written into a file; docblocks have
 * `docblocks.test.ts`.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { LAYERS, productSources } from './sources.ts'
import { parse } from './syntax.ts'

const LINES_MAX = 300
const FUNCTION_LINES_MAX = 70
const files = await productSources([...LAYERS, 'scripts', 'bench'])
const syntax = parse(files)

const breaking = (rule: (path: string, source: string) => boolean): string[] =>
  [...files].filter(([path, source]) => rule(path, source)).map(([path]) => path)

test(`no file is longer than ${LINES_MAX} lines`, () => {
  assert.deepEqual(
    breaking((_path, source) => source.trimEnd().split('\n').length > LINES_MAX),
    [],
  )
})

test('file names are kebab-case and say what the file holds', () => {
  assert.deepEqual(
    breaking((path) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z-]+)*\.ts$/.test(basename(path))),
    [],
  )
  assert.deepEqual(
    breaking((path) => /(?:^|-)(?:utils?|helpers?|common|manager|misc)\.ts$/.test(basename(path))),
    [],
  )
})

test('every file opens with what it is for', () => {
  assert.deepEqual(
    breaking((_path, source) => !/^(?:#!.*\n)?\s*\/\*\*/.test(source)),
    [],
  )
})

test('no error is swallowed by an empty catch', () => {
  assert.deepEqual(
    breaking((_path, source) => /\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}/.test(source)),
    [],
  )
})

test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
  const tooLong = syntax.functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX)
  assert.deepEqual(
    tooLong.map(({ path, name, lines }) => `${path}: ${name} has ${lines} lines`),
    [],
    'split them',
  )
})

test('functions are found in every form', () => {
  const code = [
    '/** The file. */',
    'export const first = 1',
    '/** Own. */',
    'export const second = 2, third = () => {',
    '}',
    'export function fourth() {',
    '  return [1].map((each) => {',
    '    return each',
    '  })',
    '}',
    'export class Fifth { constructor() {} get sixth() { return 1 } async #seventh() {} }',
    "test('a title', () => {",
    '})',
  ].join('\n')
  const { functions } = parse(new Map([['a/b.ts', code]]))
  assert.deepEqual(
    functions.map(({ path, name, lines }) => `${path} ${name} ${lines}`),
    ['third 2', 'fourth 5', 'fourth 3', 'constructor 1', 'sixth 1', '#seventh 1', 'test 2'].map(
      (each) => `a/b.ts ${each}`,
    ),
  )
})
