/**
 * `npm run test:ffmpegs [-- SOURCE…] [--all]`: one recipe for pixels on ffmpeg 5.1 (or whatever the system has), 6.0, 8.1
 * and 9.0. Four tables: exact files from every build, equal H.264 bytes from every build at every CPU level, joins
 * of mixed builds, made where parameter sets are equal and refused where they are not, and the tests of real sources.
 *
 * Takes the quick nasty sources, those named, or all of them with --all. A name such as real/sound is a file of those
 * tests; where such are named, only they run, and `real/` is all of them. Ends with `N passed, N failed`, a cell each.
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
import { exactRow, OTHER_RECIPES, RECIPE } from './matrix/exact.ts'
import { mixedJoins, refusals } from './matrix/joins.ts'
import { type Cell, createPeer, type Peer, why } from './matrix/peer.ts'
import { realFiles, realRow } from './matrix/real.ts'

/** Open GOPs, reordering, a variable frame rate, fields. */
const CHUNKED = ['h264-open', 'hevc-rasl-mkv', 'vfr-mkv', 'h264-interlaced']
const MEDIUM: Recipe = { ...RECIPE, renditions: ladderOf([480]) }
const HEVC: Recipe = {
  ...RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, codec: hevc.name, preset: 'ultrafast' }),
}
const LABEL_WIDTH = 30

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const report = (sentence: string): void => console.log(`✖ ${sentence}`)
const counted = { passed: 0, failed: 0 }

const builds = await ffmpegBuilds()
const dir = await mkdtemp(join(tmpdir(), 'reelmesh-ffmpegs-'))
console.log(builds.map(({ name, version }) => `${name} is ${version}`).join(', '))
try {
  const isOnlyReal = positionals.some((name) => name.startsWith('real/'))
  if (!isOnlyReal) await tablesOfPeers()
  if (isOnlyReal || positionals.length === 0) await realTable()
} finally {
  await rm(dir, { recursive: true, force: true })
}
console.log(`\n${counted.passed} passed, ${counted.failed} failed`)
process.exit(counted.failed === 0 && counted.passed > 0 ? 0 : 1)

async function tablesOfPeers(): Promise<void> {
  const peers: Peer[] = []
  for (const build of builds) peers.push(await createPeer(build))
  await exactTable(peers)
  await bytesTable(peers)
  await joinsTable(peers)
}

async function realTable(): Promise<void> {
  heading('real sources', builds)
  for (const [name, path] of await realFiles()) {
    const isWanted = positionals.length === 0 || positionals.some((wanted) => name.startsWith(wanted))
    if (isWanted) await row(name, () => realRow({ path, builds, report }))
  }
}

async function exactTable(peers: readonly Peer[]): Promise<void> {
  heading('exact files', builds)
  const wanted =
    positionals.length > 0 ? positionals.map(findSource) : sources.filter(({ quick }) => quick || values.all)
  for (const source of wanted.filter(({ expect }) => expect.refused === null)) {
    await row(source.name, () => exactRow({ source, peers, dir, report }))
    for (const [codec, recipe] of OTHER_RECIPES)
      await row(`${source.name}, ${codec}`, () => exactRow({ source, recipe, peers, dir, report }))
  }
}

async function bytesTable(peers: readonly Peer[]): Promise<void> {
  heading('H.264 bytes, by CPU level', builds)
  const [planner] = peers
  if (!planner) return
  for (const name of CHUNKED) {
    const rows = await attempt(name, async () => {
      const cut = await cutSource(planner.media, { name, recipe: MEDIUM, dir })
      return await bytesRows({ cut, peers, dir, report })
    })
    for (const [level, cells] of rows ?? []) show(`${name}, ${level}`, cells)
  }
}

async function joinsTable(peers: readonly Peer[]): Promise<void> {
  heading('joins of mixed builds', builds)
  const [planner] = peers
  if (!planner) return
  const { media } = planner
  for (const name of CHUNKED) await row(`${name}, mixed`, () => mixedJoins({ name, peers, dir, report }))
  const name = 'h264-open'
  for (const [codec, recipe] of OTHER_RECIPES) {
    const able = peers.filter(({ capability }) => wordOf(capability.encoders, recipe) !== undefined)
    const families = Map.groupBy(able, ({ capability }) => wordOf(capability.encoders, recipe))
    for (const [word, family] of families)
      await row(`${codec} by ${word}, mixed`, () => mixedJoins({ name, recipe, family, peers, dir, report }))
  }
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

const wordOf = (encoders: readonly string[], { renditions }: Recipe): string | undefined =>
  encoderWords(encoders, renditions[0]!)[0]

function x265({ capability }: Peer): string {
  return capability.encoders.find((word) => word.startsWith(`${hevc.encoder}-`)) ?? `no ${hevc.encoder}`
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
