/**
 * `npm run test:ffmpegs [-- TABLE…] [SOURCE…] [--all] [--without ENCODER]`: one recipe for pixels on ffmpeg 5.1 (or whatever the system has), 6.0, 8.1
 * and 9.0. Four tables: `codecs`, exact files of every codec from every build; `bytes`, equal ones from every build of a family at every CPU level;
 * `joins` of mixed builds, made where parameter sets are equal and refused where they are not; and the tests of real sources.
 *
 * All tables where none is named. `codecs` takes the quick nasty sources, those named, or all of them with --all; `bytes` all codecs, or those named, such as
 * av1-10. A name such as real/sound is a file
 * of the tests of real sources; where such are named, only they run, and `real/` is all of them. `--without svtav1`: no build has that encoder, so that
 * libaom makes the AV1. Ends with `N passed, N failed`, a cell each.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encoderWords } from '../media/codecs/codecs.ts'
import { hevc } from '../media/codecs/hevc.ts'
import { DEFAULT_ENCODING, ladderOf, type Recipe } from '../protocol/recipe.ts'
import { findSource, sources } from '../testing/sources/make.ts'
import { ffmpegBuilds } from '../testing/tools/ffmpegs.ts'
import { bytesRows } from './matrix/bytes.ts'
import { cutSource } from './matrix/chunks.ts'
import { exactRows, OTHER_RECIPES, RECIPE, RENDITIONS } from './matrix/exact.ts'
import { mixedJoins, refusals } from './matrix/joins.ts'
import { type Cell, createPeer, type Peer, why } from './matrix/peer.ts'
import { realFiles, realRow } from './matrix/real.ts'

/** Open GOPs, reordering, a variable frame rate, fields. */
const CHUNKED = ['h264-open', 'hevc-rasl-mkv', 'vfr-mkv', 'h264-interlaced']
const MEDIUM: Recipe = { ...RECIPE, renditions: ladderOf([480]) }
/** Presets that people take, of the codecs whose quickest are not. */
const PRESETS: Readonly<Record<string, string>> = { hevc: 'medium', vp9: '4' }
const HEVC: Recipe = {
  ...RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, codec: hevc.name, preset: 'ultrafast' }),
}
const LABEL_WIDTH = 30
/** As `bytes` takes them. */
const CODECS = ['h264', ...OTHER_RECIPES.keys()]

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false }, without: { type: 'string' } },
  allowPositionals: true,
})
const TABLES: Readonly<Record<string, (peers: readonly Peer[]) => Promise<void>>> = {
  codecs: codecsTable,
  bytes: bytesTable,
  joins: joinsTable,
}
const tables = positionals.filter((name) => name in TABLES)
const named = positionals.filter((name) => !(name in TABLES))
const report = (sentence: string): void => console.log(`✖ ${sentence}`)
const counted = { passed: 0, failed: 0 }

const builds = await ffmpegBuilds()
const dir = await mkdtemp(join(tmpdir(), 'reelmesh-ffmpegs-'))
console.log(builds.map(({ name, version }) => `${name} is ${version}`).join(', '))
try {
  const isOnlyReal = named.some((name) => name.startsWith('real/'))
  if (!isOnlyReal) await tablesOfPeers()
  if (isOnlyReal || positionals.length === 0) await realTable()
} finally {
  await rm(dir, { recursive: true, force: true })
}
console.log(`\n${counted.passed} passed, ${counted.failed} failed`)
process.exit(counted.failed === 0 && counted.passed > 0 ? 0 : 1)

async function tablesOfPeers(): Promise<void> {
  const peers: Peer[] = []
  for (const build of builds) peers.push(await createPeer(build, values.without))
  for (const [name, table] of Object.entries(TABLES))
    if (tables.length === 0 || tables.includes(name)) await table(peers)
}

async function realTable(): Promise<void> {
  heading('real sources', builds)
  for (const [name, path] of await realFiles()) {
    const isWanted = named.length === 0 || named.some((wanted) => name.startsWith(wanted))
    if (isWanted) await row(name, () => realRow({ path, builds, report }))
  }
}

async function codecsTable(peers: readonly Peer[]): Promise<void> {
  heading('exact files', builds)
  const wanted = named.length > 0 ? named.map(findSource) : sources.filter(({ quick }) => quick || values.all)
  const sums = new Map(RENDITIONS.map(({ id }) => [id, peers.map(() => new Map<string, number>())]))
  for (const source of wanted.filter(({ expect }) => expect.refused === null)) {
    const rows = await attempt(source.name, () => exactRows({ source, peers, dir, report }))
    for (const [id, cells] of rows ?? []) {
      show(`${source.name}, ${id}`, cells)
      for (const [at, { text }] of cells.entries()) {
        const counts = sums.get(id)![at]!
        counts.set(text, (counts.get(text) ?? 0) + 1)
      }
    }
  }
  const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)
  console.log('')
  line(['codec', ...builds.map(({ name }) => name)])
  line(['---', ...builds.map(() => '---')])
  for (const [id, sum] of sums)
    line([id, ...sum.map((counts) => [...counts].map(([text, count]) => `${count} ${text}`).join(', '))])
}

async function bytesTable(peers: readonly Peer[]): Promise<void> {
  heading('bytes, by CPU level', builds)
  const isWanted = (codec: string) => !named.some((name) => CODECS.includes(name)) || named.includes(codec)
  if (isWanted('h264')) for (const name of CHUNKED) await bytesOf(name, MEDIUM, peers[0]!, peers)
  for (const [codec, recipe] of [...OTHER_RECIPES].filter(([codec]) => isWanted(codec)))
    for (const [word, [planner]] of familiesOf(recipe, peers))
      await bytesOf('h264-open', usual(recipe), planner!, peers, `${codec} by ${word}`)
}

async function bytesOf(
  name: string,
  recipe: Recipe,
  planner: Peer,
  peers: readonly Peer[],
  label = name,
): Promise<void> {
  const rows = await attempt(label, async () => {
    const cut = await cutSource(planner.media, { name, recipe, dir })
    return await bytesRows({ cut, peers, dir, report })
  })
  for (const [level, cells] of rows ?? []) show(`${label}, ${level}`, cells)
}

/** The builds that can follow a recipe, by the word of their encoder. */
function familiesOf(recipe: Recipe, peers: readonly Peer[]): Map<string, Peer[]> {
  const wordOf = ({ capability }: Peer) => encoderWords(capability.encoders, recipe.renditions[0]!)[0]
  return Map.groupBy(peers.filter(wordOf), (peer) => wordOf(peer)!)
}

async function joinsTable(peers: readonly Peer[]): Promise<void> {
  heading('joins of mixed builds', builds)
  const [planner] = peers
  if (!planner) return
  const { media } = planner
  for (const name of CHUNKED) await row(`${name}, mixed`, () => mixedJoins({ name, peers, dir, report }))
  const name = 'h264-open'
  for (const [codec, recipe] of OTHER_RECIPES)
    for (const [word, family] of familiesOf(recipe, peers))
      await row(`${codec} by ${word}, mixed`, () => mixedJoins({ name, recipe, family, peers, dir, report }))
  await row('H.264, other preset slipped in', async () => {
    const [cut, other] = [
      await cutSource(media, { name, recipe: MEDIUM, dir }),
      await cutSource(media, { name, recipe: RECIPE, dir }),
    ]
    return await refusals({ cut, peers, dir, report, stranger: { media, cut: other, name: 'preset' } })
  })
  for (const stranger of peers.filter((peer) => x265(peer) !== x265(planner))) {
    await row(`HEVC, ${x265(stranger)} slipped in`, async () => {
      const cut = await cutSource(media, { name, recipe: HEVC, dir })
      const own = await cutSource(stranger.media, { name, recipe: HEVC, dir })
      return await refusals({
        cut,
        peers,
        dir,
        report,
        stranger: { media: stranger.media, cut: own, name: stranger.build.name },
      })
    })
  }
}

function x265({ capability }: Peer): string {
  return (
    capability.encoders.find((word) => word.startsWith(`${hevc.encoders[0].name}-`)) ?? `no ${hevc.encoders[0].name}`
  )
}

function usual(recipe: Recipe): Recipe {
  const renditions = recipe.renditions.map((each) => ({ ...each, preset: PRESETS[each.codec] ?? each.preset }))
  return { ...recipe, renditions }
}

function heading(title: string, columns: readonly { name: string }[]): void {
  console.log(`\n${title.padEnd(LABEL_WIDTH)}${columns.map(({ name }) => name.padStart(14)).join('')}`)
}

async function row(label: string, make: () => Promise<Cell[]>): Promise<void> {
  const cells = await attempt(label, make)
  show(label, cells ?? [])
}

/** A failure before a cell can be made is reported as one failure, and the tables continue. */
async function attempt<T>(label: string, make: () => Promise<T>): Promise<T | null> {
  try {
    return await make()
  } catch (error) {
    report(`${label}: ${why(error)}`)
    counted.failed++
    return null
  }
}

function show(label: string, cells: readonly Cell[]): void {
  for (const { ok } of cells) counted[ok ? 'passed' : 'failed']++
  console.log(`${label.padEnd(LABEL_WIDTH)}${cells.map(({ text }) => text.padStart(14)).join('')}`)
}
