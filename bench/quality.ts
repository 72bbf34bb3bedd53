/**
 * What codecs cost and give: CPU of one thread relative to libx264 at medium, and VMAF at the same bytes, by the options of the mesh. Each is encoded at
 * three qualities around its usual one; what it has at other bytes lies on the line between two of them, over the logarithm of the bytes.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { nameOf, pictureArgs, SETTINGS } from './codec-settings.ts'
import { givenClips, makeFootage } from './footage.ts'
import { measure } from './measure.ts'
import { type Row, row } from './table.ts'
import { findVmaf, vmafOf } from './vmaf.ts'

interface Point {
  readonly cpuS: number
  readonly logBytes: number
  readonly vmaf: number
}

const FULL = { seconds: 6, steps: [-4, 0, 4] } as const
const QUICK = { seconds: 1, steps: [0, 6] } as const

/** The rows of `npm run bench -- quality`. */
export async function benchQuality({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const { seconds, steps } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const ffmpeg = await findVmaf(tools.ffmpeg)
  if (ffmpeg === null) throw new Error('no ffmpeg has libvmaf: `npm run test:ffmpegs` brings some')
  const { path, from } = await makeFootage(givenClips(media), seconds, tools)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-quality-'))
  const rows = [row(`1080p footage from ${from}`, seconds, 's')]
  let base: Point | null = null
  try {
    for (const setting of SETTINGS) {
      const points: Point[] = []
      for (const step of steps) {
        const file = join(dir, 'out.mp4')
        const asked = { ...setting, crf: setting.crf + step }
        const { cpuS } = await measure([
          tools.ffmpeg, '-nostdin', '-v', 'error', '-y', '-i', `file:${path}`, '-an', ...pictureArgs(asked), file,
        ]) // biome-ignore format: groups
        const [{ size }, vmaf] = [await stat(file), await vmafOf({ ffmpeg, file, source: path })]
        points.push({ cpuS, logBytes: Math.log(size), vmaf })
      }
      base ??= points[steps.indexOf(0)]!
      rows.push(...rowsOf(nameOf(setting), points, base))
    }
    return rows
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** `base`: libx264 at its usual quality. */
function rowsOf(name: string, points: readonly Point[], base: Point): Row[] {
  const at = <Key extends keyof Point>(given: Key, value: number, wanted: keyof Point): number =>
    onLine(
      points.map((point) => [point[given], point[wanted]]),
      value,
    )
  const cpuS = at('logBytes', base.logBytes, 'cpuS')
  const vmaf = at('logBytes', base.logBytes, 'vmaf')
  const bytes = Math.exp(at('vmaf', base.vmaf, 'logBytes') - base.logBytes)
  return [
    row(`${name}: CPU at the same bytes`, cpuS, 's', cpuS / base.cpuS, 'h264 medium'),
    row(`${name}: VMAF at the same bytes`, vmaf, ''),
    row(`${name}: bytes at the same VMAF`, bytes * (Math.exp(base.logBytes) / 1e6), 'MB', bytes, 'h264 medium'),
  ]
}

/** On the line through the two points beside `x`, or the two last ones. */
function onLine(points: readonly (readonly [number, number])[], x: number): number {
  const sorted = points.toSorted((one, other) => one[0] - other[0])
  const beyond = sorted.findIndex((point) => point[0] >= x)
  const right = beyond < 0 ? sorted.length - 1 : Math.max(1, beyond)
  const [[x0, y0], [x1, y1]] = [sorted[right - 1]!, sorted[right]!]
  return y0 + ((x - x0) * (y1 - y0)) / (x1 - x0)
}
