/**
 * `npm run bench [-- run|ledger|blobs|idle …] [--quick] [--media FILE]…`: every measurement, or some, and one markdown table.
 * `npm run bench -- small [clip|run30|…] [--sources]`: small jobs and starts, all or some, as shipped or from the sources.
 * `npm run bench:scale [-- FILE…]` is one by itself: it needs root and half an hour. A FILE is as good as `--media FILE`.
 * `--quick` only shows that they work. Give it a quiet machine: it says when the machine is not.
 */
import { existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { markdownTable, type Part, type Row } from './table.ts'

interface Options {
  readonly quick: boolean
  readonly sources: boolean
  readonly media: readonly string[]
}
type Bench = (options: Options) => Promise<Row[]>

/** Each is loaded when its turn comes: file, and the function in it. */
const PARTS: Readonly<Record<string, readonly [file: string, name: string]>> = {
  run: ['run.ts', 'benchRun'],
  ledger: ['ledger.ts', 'benchLedger'],
  blobs: ['blobs.ts', 'benchBlobs'],
  idle: ['idle.ts', 'benchIdle'],
  heal: ['heal.ts', 'benchHeal'],
  straggler: ['straggler.ts', 'benchStraggler'],
  busy: ['busy.ts', 'benchBusy'],
  bad: ['bad.ts', 'benchBad'],
  audits: ['audits.ts', 'benchAudits'],
  queue: ['queue.ts', 'benchQueue'],
  package: ['package.ts', 'benchPackage'],
  hours: ['hours.ts', 'benchHours'],
  http: ['http.ts', 'benchHttp'],
  playable: ['playable.ts', 'benchPlayable'],
  codecs: ['codecs.ts', 'benchCodecs'],
  quality: ['quality.ts', 'benchQuality'],
  scale: ['scale.ts', 'benchScale'],
}
/** The parts of `small`: all where none is named. */
const SMALL: Readonly<Record<string, readonly [file: string, name: string]>> = {
  starts: ['small/small.ts', 'benchStarts'],
  clip: ['small/small.ts', 'benchClip'],
  run30: ['small/small.ts', 'benchRun30'],
  node30: ['small/small.ts', 'benchNode30'],
  ones300: ['small/small.ts', 'benchOnes300'],
  node300: ['small/small.ts', 'benchNode300'],
  long: ['small/small.ts', 'benchLong'],
  films: ['small/small.ts', 'benchFilms'],
  workers: ['small/small.ts', 'benchWorkers'],
}
const ALL: typeof PARTS = { ...PARTS, ...SMALL }
/** Only when asked for by name. */
const APART = ['scale', 'straggler', 'busy', 'bad', 'audits', 'queue', 'http', 'package', 'hours', 'codecs', 'quality']
const QUIET_LOAD = 0.5

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    sources: { type: 'boolean', default: false },
    media: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
})
const asked = positionals.filter((name) => ALL[name])
const isSmall = positionals.includes('small') && !asked.some((name) => SMALL[name])
const names = [...asked, ...(isSmall ? Object.keys(SMALL) : [])]
const files = positionals.filter((name) => name !== 'small' && !ALL[name] && existsSync(name))
const unknown = positionals.filter((name) => name !== 'small' && !names.includes(name) && !files.includes(name))
if (unknown.length > 0) {
  const there = [...Object.keys(PARTS), `small (${Object.keys(SMALL).join(', ')})`]
  console.error(`no benchmark is called ${unknown.join(', ')}; there are ${there.join(', ')}`)
  process.exit(2)
}
const usual = Object.keys(PARTS).filter((name) => !APART.includes(name))
const failed = await bench(names.length > 0 ? names : usual, { ...values, media: [...values.media, ...files] })
process.exit(failed === 0 ? 0 : 1)

/** Answers how many parts failed; those that did not are printed all the same. */
async function bench(names: readonly string[], options: Options): Promise<number> {
  const { version } = await ensureFfmpeg()
  console.log(
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, Node ${process.versions.node}, ffmpeg ${version}`,
  )
  const load = (loadavg()[0] ?? 0) / availableParallelism()
  if (load > QUIET_LOAD) console.log(`The machine is busy (load ${load.toFixed(1)} per core): trust ratios at most.`)
  if (options.quick) console.log('Quick: it shows that the benchmarks work, its figures mean nothing.')
  const done: Part[] = []
  for (const name of names) {
    const startedAt = performance.now()
    try {
      const measured = await loadBench(name)
      if (measured) done.push({ name, rows: await measured(options) })
      console.error(`${name}: ${measured ? `${((performance.now() - startedAt) / 1000).toFixed(0)} s` : 'not there'}`)
    } catch (error) {
      console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  console.log(`\n${markdownTable(done)}`)
  return names.length - done.length
}

async function loadBench(name: string): Promise<Bench | null> {
  const [file = '', exported = ''] = ALL[name] ?? []
  const path = join(import.meta.dirname, file)
  if (
    !(await access(path).then(
      () => true,
      () => false,
    ))
  )
    return null
  const module = (await import(path)) as Record<string, Bench>
  return module[exported] ?? null
}
