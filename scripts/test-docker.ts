/**
 * `npm run test:docker [-- launcher mesh lost-watcher fleet ha engines mixed]`: the tests that need a container engine. Brings that and the images
 * (docker/bring.ts), then runs test/docker/. Ends with `N passed, N failed`. Everything the tests start carries a name of their own and is
 * gone afterwards; the engine and the images stay.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { bringEngine, bringImages, IMAGE } from './docker/bring.ts'
import { type FileLimits, runInTurn, stopBefore } from './test-file.ts'

/** A file has more than all of its tests may take: one that is ended from outside leaves its containers behind. */
const LIMITS: FileLimits = { testMs: 300_000, fileMs: 1_500_000, lingerMs: 15_000 }
const ORDER = ['launcher', 'mesh', 'lost-watcher', 'fleet', 'ha', 'engines', 'mixed']

process.chdir(join(import.meta.dirname, '..'))
const began = performance.now()
try {
  await bringEngine()
  await bringImages()
  await ensureFfmpeg()
} catch (error) {
  stopBefore(error)
}
process.env.REELMESH_TEST_IMAGE = IMAGE
const counted = await runTests(process.argv.slice(2))
console.log(
  `\n${((performance.now() - began) / 1000).toFixed(0)} s\n${counted.passed} passed, ${counted.failed} failed`,
)
process.exit(counted.failed === 0 && counted.passed > 0 ? 0 : 1)

async function runTests(wanted: readonly string[]): Promise<{ passed: number; failed: number }> {
  const names = (await readdir('test/docker'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.test.ts'.length))
  const chosen = names
    .filter((name) => wanted.length === 0 || wanted.includes(name))
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
  return await runInTurn(
    chosen.map((name) => `test/docker/${name}.test.ts`),
    LIMITS,
  )
}
