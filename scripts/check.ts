/**
 * `npm run check`: all that is quick, at once: format and lint (Biome), types (tsc), import arrows and the other tests of
 * structure. `npm run check -- --fix` formats and repairs first. Exits 0 only if all of it is in order.
 */
import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { runTestFile } from './test-file.ts'
import { findTestFiles, suiteOf } from './test-suites.ts'
import { withConcurrency } from './with-concurrency.ts'

interface Outcome {
  readonly ok: boolean
  /** What to show where it is not. */
  readonly text: string
}

const ROOT = `${import.meta.dirname}/..`
const LIMITS = { testMs: 30_000, fileMs: 50_000, lingerMs: 5_000 }

const { values } = parseArgs({ options: { fix: { type: 'boolean', default: false } } })
process.chdir(ROOT)
const biome = ['check', '--colors=off', '--max-diagnostics=100', '--error-on-warnings']
if (values.fix) await program('biome', 'check', '--write', '--colors=off')
const checks: Readonly<Record<string, () => Promise<Outcome>>> = {
  'format and lint': () => program('biome', ...biome),
  types: () => program('tsc', '--noEmit'),
  'types of the page': () => program('tsc', '--noEmit', '-p', 'page'),
  structure,
}
const outcomes = await withConcurrency(2, Object.entries(checks), async ([name, check]) => {
  const started = performance.now()
  const { ok, text } = await check()
  console.log(`${ok ? '✔' : '✖'} ${name}  ${((performance.now() - started) / 1000).toFixed(1)} s`)
  if (!ok) console.log(text)
  return ok
})
const failed = outcomes.filter((ok) => !ok).length
console.log(`\n${outcomes.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

/** One of the programs that the development dependencies brought. */
async function program(name: string, ...args: string[]): Promise<Outcome> {
  const { failed: isWrong, all = '' } = await execa(name, args, {
    reject: false,
    all: true,
    stdin: 'ignore',
    preferLocal: true,
  })
  return { ok: !isWrong, text: all }
}

async function structure(): Promise<Outcome> {
  const files = (await findTestFiles('.', { long: false })).filter((file) => suiteOf(file) === 'structure')
  const results = await withConcurrency(1, files, (file) => runTestFile(`${process.cwd()}/${file}`, LIMITS))
  const isRight = results.length > 0 && results.every((result) => result.failed === 0)
  return { ok: isRight, text: results.map(({ report }) => report).join('\n') || 'no test of the structure was found' }
}
