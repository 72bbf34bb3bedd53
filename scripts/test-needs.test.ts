import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toolsOf } from './test-needs.ts'

const ROOT = join(import.meta.dirname, '..')

test('the tools of a test file are those that its imports reach, through any number of them', async () => {
  const files = {
    'protocol/ids.test.ts': [],
    'ledger/sqlite/sqlite-ledger.test.ts': [],
    'media/ffmpeg-media.test.ts': ['ffmpeg'],
    'testing/sources/check.test.ts': ['ffmpeg'],
    'ledger/mongo/mongo-ledger.test.ts': ['mongod'],
    'test/e2e/node.test.ts': ['ffmpeg', 'program'],
    'test/ledger/woken-leader.test.ts': ['ffmpeg', 'mongod', 'program'],
  }
  assert.deepEqual(Object.fromEntries(await toolsOf(Object.keys(files), ROOT)), files)
})

test('no test runs ffmpeg by its bare name, of which its imports say nothing', () => {
  const files = globSync('**/*.ts', { cwd: ROOT, exclude: ['node_modules'] })
  assert.ok(files.length > 500)
  const bare = /\b(?:execa|spawn|execFile|run)\(\s*['"`]ff(?:mpeg|probe)\b/
  assert.deepEqual(
    files.filter((file) => bare.test(readFileSync(join(ROOT, file), 'utf8'))),
    [],
  )
})
