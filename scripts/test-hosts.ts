/**
 * `npm run test:hosts [-- mesh network …]`: real nodes, a real MongoDB and real ffmpeg on several hosts, which are network
 * namespaces of this machine. Needs root on Linux; brings what else is missing (ffmpeg, mongod, iproute2, iptables,
 * libfaketime). `-- --all` runs the long ones too. Ends with `N passed, N failed`.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureNetworkTools } from '../testing/hosts/tools.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { ensureMongod } from '../testing/tools/mongod-binary.ts'
import { type FileLimits, runInTurn, stopBefore } from './test-file.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = 'test/hosts'
const LIMITS: FileLimits = { testMs: 300_000, fileMs: 900_000, lingerMs: 15_000 }

process.chdir(ROOT)
const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const began = performance.now()
try {
  await ensureNetworkTools()
  await ensureFfmpeg()
  await ensureMongod()
} catch (error) {
  stopBefore(error)
}
const chosen = await choose()
const sum = await runInTurn(
  chosen.map((name) => `${FOLDER}/${name}`),
  LIMITS,
)
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s\n${sum.passed} passed, ${sum.failed} failed`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)

/** By name, with or without `.long`; a long one that is named is run. */
async function choose(): Promise<string[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.test.ts')).sort()
  const called = (name: string) => name.replace(/(?:\.long)?\.test\.ts$/, '')
  const unknown = positionals.filter((word) => !names.some((name) => called(name) === word))
  if (unknown.length > 0)
    stopBefore(`no test of several hosts is called ${unknown.join(', ')}; there are ${names.map(called).join(', ')}`)
  if (positionals.length > 0) return names.filter((name) => positionals.includes(called(name)))
  return names.filter((name) => values.all || !name.includes('.long.'))
}
