/**
 * `npm run corpus -- DIR [--keep]`: every file of a folder, also of the folders in it, through Reelmesh and through one plain ffmpeg
 * command that makes the same 480p rendition, and what differs. docs/corpus.md says how to read it.
 *
 * Exit code 1 where something differs that no note explains, 2 for a wrong call. `--keep` leaves all results where it says.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ssim } from '../testing/sources/measure.ts'
import { compare, type Difference } from './corpus/compare.ts'
import { declaredOf, factsOf, sizeOf } from './corpus/facts.ts'
import { makePlain } from './corpus/plain.ts'
import { BATCH, type Outcome, runBatch } from './corpus/reelmesh.ts'

const { values, positionals } = parseArgs({
  options: { keep: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [given] = positionals
if (given === undefined || positionals.length > 1) {
  console.error('usage: npm run corpus -- DIR [--keep]')
  process.exit(2)
}
const root = resolve(given)
const files = (await readdir(root, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
const dir = await mkdtemp(join(tmpdir(), 'reelmesh-corpus-'))
const counts = { same: 0, explained: 0, unexplained: 0, neither: 0, refused: 0, plainFails: 0 }
try {
  for (let from = 0; from < files.length; from += BATCH) await handle(files.slice(from, from + BATCH), from)
} finally {
  if (values.keep) console.log(`\nresults are in ${dir}`)
  else await rm(dir, { recursive: true, force: true })
}
console.log(
  `\n${files.length} files: ${counts.same} the same, ${counts.explained} with differences that notes explain,`,
)
console.log(
  `${counts.unexplained} with differences that nothing explains, ${counts.plainFails} that only Reelmesh makes,`,
)
console.log(`${counts.refused} that only plain ffmpeg makes, ${counts.neither} of which neither makes a film.`)
process.exit(counts.unexplained + counts.refused === 0 ? 0 : 1)

async function handle(batch: readonly string[], from: number): Promise<void> {
  const own = join(dir, String(from))
  await mkdir(own)
  const outcomes = await runBatch(batch, own)
  for (const [at, file] of batch.entries()) {
    const outcome = outcomes.get(file)
    if (outcome) await report(file, outcome, join(own, `plain-${at}.mp4`)).catch((error) => fail(file, error))
  }
  if (!values.keep) await rm(own, { recursive: true, force: true })
}

async function report(file: string, outcome: Outcome, plain: string): Promise<void> {
  const name = relative(root, file)
  if (!outcome.made) {
    const size = (await makePlain({ file, out: plain, size: null })) ? (await factsOf(plain)).times_s.length : 0
    counts[size > 0 ? 'refused' : 'neither']++
    console.log(`${size > 0 ? '✖' : '–'} ${name}  ${outcome.sentence}`)
    return console.log(`    plain ffmpeg makes ${size > 0 ? `a film of ${size} pictures` : 'no film of it either'}`)
  }
  const { output, notes } = outcome
  if (!(await makePlain({ file, out: plain, size: await sizeOf(output) }))) {
    counts.plainFails++
    return console.log(`✔ ${name}  made; plain ffmpeg makes no film of it`)
  }
  const [source, wanted, got] = [await declaredOf(file), await factsOf(plain), await factsOf(output)]
  print(name, compare({ source, plain: wanted, got, ssim: await ssim(output, plain), notes }), notes)
}

/** A line for the file, one for each difference (`~` where a note explains it), and its notes. */
function print(name: string, differences: readonly Difference[], notes: readonly string[]): void {
  const isOpen = differences.some(({ note }) => note === null)
  counts[isOpen ? 'unexplained' : differences.length > 0 ? 'explained' : 'same']++
  console.log(`${isOpen ? '✖' : '✔'} ${name}`)
  for (const { kind, sentence, note } of differences)
    console.log(`    ${note === null ? '≠' : '~'} ${kind}: ${sentence}`)
  for (const note of notes) console.log(`      note: ${note}`)
}

/** Not to be able to compare is a difference that nothing explains. */
function fail(file: string, error: unknown): void {
  counts.unexplained++
  const why = error instanceof Error ? error.message.split('\n', 3).join(' ') : String(error)
  console.log(`✖ ${relative(root, file)}\n    cannot be compared: ${why}`)
}
