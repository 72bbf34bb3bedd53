import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type FileResult, runTestFile } from './test-file.ts'
import { chooseFiles, suiteOf } from './test-suites.ts'

const dir = await mkdtemp(join(tmpdir(), 'reelmesh-test-file-'))
after(() => rm(dir, { recursive: true, force: true }))

async function runCode(name: string, code: string): Promise<FileResult> {
  const path = join(dir, `${name}.test.ts`)
  // node:test refuses to run tests inside a test; these are other processes.
  delete process.env.NODE_TEST_CONTEXT
  delete process.env.REELMESH_ALL
  await writeFile(path, `import { describe, it, test } from 'node:test'\n${code}\n`)
  return await runTestFile(path, { testMs: 5_000, fileMs: 3_000, lingerMs: 500 })
}

const counts = ({ passed, failed, skipped }: FileResult): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

test('every test counts once, those in a describe too, and the describe itself does not', async () => {
  const result = await runCode(
    'good',
    "test('a', () => {}); describe('d', () => { it('b', () => {}); it.skip('c', () => {}) })",
  )
  assert.equal(counts(result), '2 passed, 0 failed, 1 skipped')
  assert.equal(result.report, '')
})

test('a failure is reported with its place, its cause and what the file printed', async () => {
  const result = await runCode(
    'bad',
    "test('a', () => { console.log('heard'); throw new Error('because') })\ntest('b', () => {})",
  )
  assert.equal(counts(result), '1 passed, 1 failed, 0 skipped')
  assert.match(result.report, /✖ a \(.*bad\.test\.ts:2\)[\s\S]*because[\s\S]*heard/)
})

test('a test that fails through one inside it is one failure', async () => {
  const result = await runCode('inner', "describe('d', () => { it('b', () => { throw new Error('x') }) })")
  assert.equal(counts(result), '0 passed, 1 failed, 0 skipped')
})

test('a file that cannot be loaded, exits early or holds no test has failed', async () => {
  assert.equal(counts(await runCode('crash', "throw new Error('at load')")), '0 passed, 1 failed, 0 skipped')
  assert.equal(
    counts(await runCode('empty', 'export const nothing = [test, describe, it]')),
    '0 passed, 1 failed, 0 skipped',
  )
  const early = await runCode('early', "test('a', () => {}); test('b', () => process.exit(0))")
  assert.ok(early.failed >= 1, early.report)
})

test('a file that leaves something open has failed, even if it does not hear a request to end', async () => {
  const result = await runCode(
    'open',
    "process.on('SIGTERM', () => {}); test('a', () => { setInterval(() => {}, 1000) })",
  )
  assert.equal(counts(result), '1 passed, 1 failed, 0 skipped')
  assert.match(result.report, /left open/)
})

test('a file that takes too long has failed', async () => {
  const result = await runCode(
    'slow',
    "test('a', async () => { await new Promise((done) => setTimeout(done, 60_000)) })",
  )
  assert.equal(counts(result), '0 passed, 1 failed, 0 skipped')
  assert.match(result.report, /longer than 3 s/)
})

test('property tests draw the same cases each time: no seed of chance decides a run', async () => {
  const code = `import fc from '${import.meta.resolve('fast-check')}'
test('a', (t) => { const seen: number[] = []; fc.assert(fc.property(fc.nat(), (n) => { seen.push(n) })); t.diagnostic(seen.join()) })`
  const [first, again] = [await runCode('drawn', code), await runCode('drawn', code)]
  assert.deepEqual(first.figures, again.figures)
  assert.ok(first.figures[0]!.split(',').length >= 100)
})

test('a test belongs to the suite of its folder', () => {
  assert.equal(suiteOf('ledger/mongo/claim.test.ts'), 'ledger')
  assert.equal(suiteOf('node/status/status.test.ts'), 'node')
  assert.equal(suiteOf('test/e2e/kill.test.ts'), 'e2e')
  assert.equal(suiteOf('media/commands/split.test.ts'), 'media')
})

test('files are chosen by suite or by the start of their path, and unknown words are reported', () => {
  const files = ['media/a.test.ts', 'media/b.test.ts', 'test/e2e/c.test.ts']
  assert.deepEqual(chooseFiles(files, ['media/a', 'e2e', 'nope']), {
    chosen: ['media/a.test.ts', 'test/e2e/c.test.ts'],
    unknown: ['nope'],
  })
  assert.deepEqual(chooseFiles(files, []).chosen, files)
})
