/**
 * The whole mesh (`reelmesh run`, every core) against one plain ffmpeg that makes the same three files with the same codec settings:
 * wall, CPU, bytes, memory, VMAF. In turn, A B A B, so that whatever else the machine does falls on both; read the ratios.
 *
 * The mesh's data folder is new each time; the trial runs of ffmpeg, which a host makes once, are remembered, and what they take
 * is a row of its own. Plain ffmpeg encodes the sound once for each file, as it does for anybody.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { type Footage, givenClips, makeFootage } from './footage.ts'
import { type Measured, measure } from './measure.ts'
import { plainEncode } from './plain.ts'
import { mean, type Row, row } from './table.ts'
import { findVmaf, vmafOf } from './vmaf.ts'

export interface BenchRunOptions {
  /** A few seconds once, to see that it works: its figures mean nothing. */
  readonly quick: boolean
  /** Clips to make the footage of; else REELMESH_BENCH_MEDIA, else painted. */
  readonly media: readonly string[]
}

interface Made extends Measured {
  /** 480p, 720p, 1080p. */
  readonly files: readonly string[]
  readonly bytes: number
}

const LADDER = DEFAULT_RECIPE.renditions
const DISPLAY = { width: 1920, height: 1080 }
const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts')
const FULL = { seconds: 60, pairs: 2, preset: 'medium' } as const
const QUICK = { seconds: 4, pairs: 1, preset: 'ultrafast' } as const
const MB = 1e6

export async function benchRun({ quick, media }: BenchRunOptions): Promise<Row[]> {
  const { seconds, pairs, preset } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const footage = await makeFootage(givenClips(media), seconds, tools)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-'))
  try {
    const selfTestDir = join(dir, 'self-tests')
    const firstStart = await measure([...reelmesh(), 'doctor'], environment(join(dir, 'first'), selfTestDir, tools))
    const [mesh, plain]: [Made[], Made[]] = [[], []]
    for (let pair = 0; pair < pairs; pair++) {
      mesh.push(await runMesh({ dir: join(dir, `mesh ${pair}`), selfTestDir, footage, tools, preset }))
      plain.push(await runPlain({ dir: join(dir, `plain ${pair}`), footage, tools, preset }))
    }
    const quality = await vmafRows({ mesh: mesh[0]!, plain: plain[0]!, footage, tools })
    return [
      ...rowsOf(mesh, plain, footage, preset),
      ...quality,
      row('trial runs at a first start', firstStart.wallS, 's'),
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

const reelmesh = (): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=1',
  MAIN,
]
const environment = (dataDir: string, selfTestDir: string, { ffmpeg, ffprobe }: Ffmpeg): NodeJS.ProcessEnv => ({
  REELMESH_DATA_DIR: dataDir,
  REELMESH_SELF_TEST_DIR: selfTestDir,
  REELMESH_FFMPEG: ffmpeg,
  REELMESH_FFPROBE: ffprobe,
})

interface Job {
  readonly dir: string
  readonly footage: Footage
  readonly tools: Ffmpeg
  readonly preset: string
}

async function runMesh({ dir, selfTestDir, footage, tools, preset }: Job & { selfTestDir: string }): Promise<Made> {
  const args = [
    'run',
    '--json',
    '--preset',
    preset,
    '--crf',
    String(DEFAULT_ENCODING.rate.crf),
    '--out',
    join(dir, 'out'),
    footage.path,
  ]
  const measured = await measure([...reelmesh(), ...args], environment(join(dir, 'data'), selfTestDir, tools))
  const delivered = measured.text.split('\n').find((line) => line.startsWith('{"event":"delivered"')) ?? '{"files":[]}'
  const { files } = JSON.parse(delivered) as { files: { path: string }[] }
  return { ...measured, ...(await withBytes(files.map(({ path }) => path))) }
}

async function runPlain({ dir, footage, tools, preset }: Job): Promise<Made> {
  await mkdir(dir, { recursive: true })
  const { args, files } = plainEncode({ source: footage.path, display: DISPLAY, renditions: LADDER, preset, dir })
  return { ...(await measure([tools.ffmpeg, ...args])), ...(await withBytes(files)) }
}

async function withBytes(files: readonly string[]): Promise<Pick<Made, 'files' | 'bytes'>> {
  if (files.length !== LADDER.length) throw new Error(`${files.length} files came out instead of ${LADDER.length}`)
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return { files, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

function rowsOf(mesh: readonly Made[], plain: readonly Made[], footage: Footage, preset: string): Row[] {
  const pair = (what: string, unit: string, pick: (made: Made) => number | null): Row[] => {
    const values = [plain, mesh].map((side) => side.map(pick).filter((value) => value !== null))
    const [base, ours] = values.map(mean)
    if (!base || !ours) return []
    const each = mesh.map((made, at) => ((pick(made) ?? 0) / (pick(plain[at]!) ?? 1)).toFixed(2)).join(', ')
    return [
      row(`plain ffmpeg, ${what}`, base, unit),
      row(`mesh, ${what}`, ours, unit, ours / base, `plain (each pair: ${each})`),
    ]
  }
  return [
    row(`1080p footage from ${footage.from}, to three renditions at ${preset}`, footage.seconds, 's'),
    ...pair('wall', 's', ({ wallS }) => wallS),
    ...pair('CPU', 's', ({ cpuS }) => cpuS),
    ...pair('bytes', 'MB', ({ bytes }) => bytes / MB),
    ...pair('peak memory (PSS)', 'MB', ({ peakBytes }) => peakBytes && peakBytes / MB),
  ]
}

async function vmafRows(of: { mesh: Made; plain: Made; footage: Footage; tools: Ffmpeg }): Promise<Row[]> {
  const ffmpeg = await findVmaf(of.tools.ffmpeg)
  if (!ffmpeg) return []
  const rows: Row[] = []
  for (const [at, { id }] of LADDER.entries()) {
    const [plain, mesh] = [of.plain.files[at]!, of.mesh.files[at]!]
    const base = await vmafOf({ ffmpeg, file: plain, source: of.footage.path })
    const ours = await vmafOf({ ffmpeg, file: mesh, source: of.footage.path })
    rows.push(
      row(`plain ffmpeg, VMAF ${id}`, base, ''),
      row(`mesh, VMAF ${id}`, ours, '', ours / base, `plain (${(ours - base).toFixed(2)})`),
    )
  }
  return rows
}
