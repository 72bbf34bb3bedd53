/** The program as it is shipped opens a MongoDB: a bundle may give a package that is loaded late other names than the sources see. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { folder } from '../../testing/tools/folder.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { programFile } from '../../testing/tools/program.ts'

test('the shipped program lists the videos of a MongoDB', { timeout: 120_000 }, async (t) => {
  const dir = await folder(t)
  await using mongod = await startMongod()
  const flags = ['--ledger', mongod.freshUri(), '--data-dir', join(dir, 'data'), '--json']
  const listed = await execa(process.execPath, [await programFile(), 'videos', ...flags], {
    reject: false,
    stdin: 'ignore',
  })
  assert.deepEqual([listed.exitCode, listed.stderr], [0, ''])
})
