/** What of the style can be read by a machine: length, names, headers, and what must not be written into a file. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { test } from 'node:test'
import { LAYERS, productSources } from './sources.ts'

const LINES_MAX = 300
const files = await productSources([...LAYERS, 'scripts', 'bench'])

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
