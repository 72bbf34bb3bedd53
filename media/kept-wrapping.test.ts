import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { systemRng as rng } from '../node/host/system-clock.ts'
import { keptWrapping } from './kept-wrapping.ts'
import { findWrapping } from './wrapping.ts'

/** A folder for the answer, and one that is first in `PATH`. */
async function folders(t: TestContext) {
  const cacheDir = await mkdtemp(join(tmpdir(), 'reelmesh-kept-'))
  const tools = await mkdtemp(join(tmpdir(), 'reelmesh-tools-'))
  const path = process.env['PATH']
  process.env['PATH'] = `${tools}:${path}`
  t.after(async () => {
    process.env['PATH'] = path
    await Promise.all([cacheDir, tools].map((dir) => rm(dir, { recursive: true })))
  })
  return { cacheDir, tools, file: join(cacheDir, 'wrapping.json') }
}

/** Puts a program into the folder that only notes that it was called. */
async function breakTool(tools: string, name: string): Promise<void> {
  await writeFile(join(tools, name), '#!/bin/sh\nexit 1\n')
  await chmod(join(tools, name), 0o755)
}

it('keeps a full answer, and asks again when the programs have changed', async (t) => {
  const { cacheDir, tools, file } = await folders(t)
  const found = await findWrapping('auto')
  assert.equal(found.levels[0], 'bubblewrap', 'this test needs a machine with bubblewrap')
  assert.deepEqual(await keptWrapping({ cacheDir, rng }), found)
  const kept = JSON.parse(await readFile(file, 'utf8'))
  const other = JSON.stringify({ ...kept, levels: ['bubblewrap', 'none'], privileges: ['sh'] })
  await writeFile(file, other)
  const again = await keptWrapping({ cacheDir, rng })
  assert.deepEqual([again.privileges, again.levels], [found.privileges, ['bubblewrap', 'none']], 'no trial was made')
  await breakTool(tools, 'bwrap')
  const without = await keptWrapping({ cacheDir, rng })
  assert.deepEqual([without.privileges, without.levels.includes('bubblewrap')], [found.privileges, false])
  assert.equal(await readFile(file, 'utf8'), other, 'what is not full is not kept')
})

it('keeps the answer of a machine without bubblewrap until that is installed', async (t) => {
  const { cacheDir, tools, file } = await folders(t)
  for (const name of ['setpriv', 'prlimit', 'nice', 'unshare', 'true', 'sh', 'grep'])
    await symlink(`/usr/bin/${name}`, join(tools, name))
  process.env['PATH'] = tools
  const found = await keptWrapping({ cacheDir, rng })
  const kept = JSON.parse(await readFile(file, 'utf8'))
  assert.deepEqual([found.levels[0], kept.levels], ['no_network', found.levels])
  await writeFile(file, JSON.stringify({ ...kept, levels: ['no_network'] }))
  assert.deepEqual((await keptWrapping({ cacheDir, rng })).levels, ['no_network'], 'no trial was made')
  await breakTool(tools, 'bwrap')
  assert.deepEqual((await keptWrapping({ cacheDir, rng })).levels, found.levels, 'there is one now, which is tried')
})

it('makes the trials where the file is none of its own, or cannot be written', async (t) => {
  const { cacheDir, file } = await folders(t)
  const found = await findWrapping('auto')
  for (const text of ['', '{', 'null', '{"key":"x"}', '{"key":"x","levels":["bubblewrap"]}']) {
    await writeFile(file, text)
    assert.deepEqual(await keptWrapping({ cacheDir, rng }), found)
  }
  const { key } = JSON.parse(await readFile(file, 'utf8'))
  for (const levels of [undefined, [], ['none'], ['bubblewrap', 'root']]) {
    await writeFile(file, JSON.stringify({ key, levels }))
    assert.deepEqual((await keptWrapping({ cacheDir, rng })).levels, found.levels)
  }
  assert.deepEqual(await keptWrapping({ cacheDir: join(file, 'folder'), rng }), found)
})
