/** The mesh (`reelmesh run`, every core) and what it is compared with, on one footage: what each makes, and both in rows, pair by pair. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { type Measured, measure } from './measure.ts'
import { mean, type Row, row } from './table.ts'

export interface Made extends Measured {
  readonly files: readonly string[]
  readonly bytes: number
}

/** A mesh with a data folder of its own; the trial runs of ffmpeg, which a host makes once, are kept in `selfTestDir`. */
export interface RunPlace {
  readonly dir: string
  readonly selfTestDir: string
  readonly tools: Ffmpeg
}

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts')
const MB = 1e6

/** A verb of the command line, from the sources. */
export function measureVerb({ dir, selfTestDir, tools }: RunPlace, args: readonly string[]): Promise<Measured> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']
  return measure([...node, MAIN, ...args], {
    REELMESH_DATA_DIR: join(dir, 'data'),
    REELMESH_SELF_TEST_DIR: selfTestDir,
    REELMESH_FFMPEG: tools.ffmpeg,
    REELMESH_FFPROBE: tools.ffprobe,
  })
}

/** `reelmesh run` of the source with these flags. */
export async function runMesh(place: RunPlace, source: string, flags: readonly string[]): Promise<Made> {
  const measured = await measureVerb(place, ['run', '--json', ...flags, '--out', join(place.dir, 'out'), source])
  const delivered = measured.text.split('\n').find((line) => line.startsWith('{"event":"delivered"')) ?? '{"files":[]}'
  const { files } = JSON.parse(delivered) as { files: { path: string }[] }
  return await made(
    measured,
    files.map(({ path }) => path),
  )
}

/** With the size of its files. */
export async function made(measured: Measured, files: readonly string[]): Promise<Made> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return { ...measured, files, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** Wall, CPU, bytes and memory of the mesh beside those of another way: the mean of all pairs, and the ratio of each. `codec`: before each row. */
export function pairRows(
  ours: readonly Made[],
  other: { readonly name: string; readonly made: readonly Made[] },
  codec = '',
): Row[] {
  const pair = (what: string, unit: string, pick: (made: Made) => number | null): Row[] => {
    const values = [other.made, ours].map((side) => side.map(pick).filter((value) => value !== null))
    const [base, mesh] = values.map(mean)
    if (!base || !mesh) return []
    const each = ours.map((one, at) => ((pick(one) ?? 0) / (pick(other.made[at]!) ?? 1)).toFixed(2)).join(', ')
    return [
      row(`${codec}${other.name}, ${what}`, base, unit),
      row(`${codec}mesh, ${what}`, mesh, unit, mesh / base, `${other.name.split(' ')[0]} (each pair: ${each})`),
    ]
  }
  return [
    ...pair('wall', 's', ({ wallS }) => wallS),
    ...pair('CPU', 's', ({ cpuS }) => cpuS),
    ...pair('bytes', 'MB', ({ bytes }) => bytes / MB),
    ...pair('peak memory (PSS)', 'MB', ({ peakBytes }) => peakBytes && peakBytes / MB),
  ]
}
