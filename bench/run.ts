/**
 * The whole mesh (`reelmesh run`, every core) against one plain ffmpeg that makes the same three files with the same codec settings:
 * wall, CPU, bytes, memory, VMAF. In turn, A B A B, so that whatever else the machine does falls on both; read the ratios.
 *
 * The mesh's data folder is new each time; the trial runs of ffmpeg, which a host makes once, are remembered, and what they take
 * is a row of its own. Plain ffmpeg encodes the sound once for each file, as it does for anybody.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { type Footage, givenClips, makeFootage } from './footage.ts'
import { measure } from './measure.ts'
import { type Made, made, measureVerb, pairRows, type RunPlace, runMesh } from './pairs.ts'
import { plainEncode } from './plain.ts'
import { type Row, row } from './table.ts'
import { findVmaf, vmafOf } from './vmaf.ts'

export interface BenchRunOptions {
  /** A few seconds once, to see that it works: its figures mean nothing. */
  readonly quick: boolean
  /** Clips to make the footage of; else REELMESH_BENCH_MEDIA, else painted. */
  readonly media: readonly string[]
}

const LADDER = DEFAULT_RECIPE.renditions
const DISPLAY = { width: 1920, height: 1080 }
const FULL = { seconds: 60, pairs: 2, preset: 'medium' } as const
const QUICK = { seconds: 4, pairs: 1, preset: 'ultrafast' } as const

export async function benchRun({ quick, media }: BenchRunOptions): Promise<Row[]> {
  const { seconds, pairs, preset } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const footage = await makeFootage(givenClips(media), seconds, tools)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-'))
  try {
    const selfTestDir = join(dir, 'self-tests')
    const firstStart = await measureVerb({ dir: join(dir, 'first'), selfTestDir, tools }, ['doctor'])
    const [mesh, plain]: [Made[], Made[]] = [[], []]
    for (let pair = 0; pair < pairs; pair++) {
      mesh.push(await meshSide({ dir: join(dir, `mesh ${pair}`), selfTestDir, tools }, footage, preset))
      plain.push(await runPlain({ dir: join(dir, `plain ${pair}`), footage, tools, preset }))
    }
    const quality = await vmafRows({ mesh: mesh[0]!, plain: plain[0]!, footage, tools })
    return [
      row(`1080p footage from ${footage.from}, to three renditions at ${preset}`, footage.seconds, 's'),
      ...pairRows(mesh, { name: 'plain ffmpeg', made: plain }),
      ...quality,
      row('trial runs at a first start', firstStart.wallS, 's'),
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Job {
  readonly dir: string
  readonly footage: Footage
  readonly tools: Ffmpeg
  readonly preset: string
}

async function meshSide(place: RunPlace, { path }: Footage, preset: string): Promise<Made> {
  return withAll(await runMesh(place, path, ['--preset', preset, '--crf', String(DEFAULT_ENCODING.rate.crf)]))
}

async function runPlain({ dir, footage, tools, preset }: Job): Promise<Made> {
  await mkdir(dir, { recursive: true })
  const { args, files } = plainEncode({ source: footage.path, display: DISPLAY, renditions: LADDER, preset, dir })
  return withAll(await made(await measure([tools.ffmpeg, ...args]), files))
}

function withAll(made: Made): Made {
  if (made.files.length === LADDER.length) return made
  throw new Error(`${made.files.length} files came out instead of ${LADDER.length}`)
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
