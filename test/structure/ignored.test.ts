/** No folder of the sources goes by a name that .gitignore leaves out: such a file is neither linted nor in a clone. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, matchesGlob } from 'node:path'
import { test } from 'node:test'
import { LAYERS, ROOT } from './sources.ts'

test('.gitignore leaves out nothing of the sources', async () => {
  const lines = (await readFile(join(ROOT, '.gitignore'), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line))
  assert.ok(lines.length > 0)
  const patterns = lines.map((line) => (line.startsWith('/') ? line.slice(1) : `**/${line}`).replace(/\/$/, ''))
  const found: string[] = []
  for (const folder of [...LAYERS, 'bench', 'bin', 'docs', 'scripts', 'test'])
    for (const entry of ['', ...(await readdir(join(ROOT, folder), { recursive: true }))])
      found.push(join(folder, entry))
  assert.ok(found.includes('node/videos'))
  assert.deepEqual(
    found.filter((path) => patterns.some((pattern) => matchesGlob(path, pattern))),
    [],
  )
})
