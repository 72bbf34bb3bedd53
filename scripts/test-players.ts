/**
 * `npm run test:players`: streaming packages in the players that sites use, in a real Chromium. Brings what is missing (ffmpeg, Chromium).
 * `-- --all`: the films of every case in every player; with `--node` from the HTTP server of a node; `-- page`: only files whose names begin so. Ends with `N passed, N failed`.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureChromium } from '../testing/tools/chromium.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { type FileLimits, runInTurn } from './test-file.ts'

const FOLDER = 'test/players'
const LIMITS: FileLimits = { testMs: 120_000, fileMs: 600_000, lingerMs: 15_000 }

const { values, positionals: named } = parseArgs({
  options: { all: { type: 'boolean' }, node: { type: 'boolean' } },
  allowPositionals: true,
})
if (values.all) process.env.REELMESH_ALL = '1'
if (values.node) process.env.REELMESH_FROM_NODE = '1'
process.chdir(join(import.meta.dirname, '..'))
const began = performance.now()
try {
  await ensureFfmpeg()
  await ensureChromium()
} catch (error) {
  console.error(`✖ ${error instanceof Error ? error.message : String(error)}`)
  console.log('\n0 passed, 1 failed')
  process.exit(1)
}
const isNamed = (name: string) => named.length === 0 || named.some((each) => name.startsWith(each))
const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.test.ts') && isNamed(name)).sort()
const sum = await runInTurn(
  files.map((name) => `${FOLDER}/${name}`),
  LIMITS,
)
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s\n${sum.passed} passed, ${sum.failed} failed`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)
