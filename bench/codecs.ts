/**
 * Each codec by the mesh (`reelmesh run`, every core) against one plain ffmpeg of the same settings with as many threads as its encoder takes, on
 * 30 s of 1080p; and AV1 as Av1an encodes it: chunks of the same length, a process of one thread for each, as many at once as there are cores,
 * then joined. In turn, so that whatever else the machine does falls on all; read the ratios.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { codecOf } from '../media/codecs/codecs.ts'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { nameOf, pictureArgs, SETTINGS, type Setting, unbound } from './codec-settings.ts'
import { type Footage, givenClips, makeFootage } from './footage.ts'
import { measure } from './measure.ts'
import { type Made, made, measureVerb, pairRows, runMesh } from './pairs.ts'
import { type Row, row } from './table.ts'

const FULL = { seconds: 30, pairs: 2 } as const
const QUICK = { seconds: 2, pairs: 1 } as const
/** Into four, as the mesh cuts 30 s. */
const CHUNK_S = 7.5
const SOUND = ['-c:a', 'aac', '-b:a', `${2 * DEFAULT_RECIPE.audio_kbps}k`]

interface Round {
  readonly dir: string
  readonly selfTestDir: string
  readonly tools: Ffmpeg
  readonly footage: Footage
  readonly setting: Setting
}

/** The rows of `npm run bench -- codecs`. */
export async function benchCodecs({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const { seconds, pairs } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const footage = await makeFootage(givenClips(media), seconds, tools)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-codecs-'))
  try {
    const selfTestDir = join(dir, 'self-tests')
    await measureVerb({ dir, selfTestDir, tools }, ['doctor'])
    const rows = [row(`1080p footage from ${footage.from}`, seconds, 's')]
    for (const usual of SETTINGS.filter(({ bit_depth }) => bit_depth === 8)) {
      const setting = quick ? { ...usual, preset: codecOf(usual.codec).trial.preset } : usual
      const [mesh, plain, chunks]: [Made[], Made[], Made[]] = [[], [], []]
      for (let pair = 0; pair < pairs; pair++) {
        const round = { dir: join(dir, `${setting.codec}-${pair}`), selfTestDir, tools, footage, setting }
        await mkdir(round.dir)
        mesh.push(await meshSide(round))
        plain.push(await plainSide(round))
        if (setting.codec === 'av1') chunks.push(await chunksSide(round))
      }
      rows.push(...pairRows(mesh, { name: 'plain ffmpeg', made: plain }, `${nameOf(setting)}: `))
      if (chunks.length > 0)
        rows.push(...pairRows(mesh, { name: 'chunks by a process each', made: chunks }, `${nameOf(setting)}: `))
    }
    return rows
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function meshSide({ footage, setting, ...place }: Round): Promise<Made> {
  const ladder = join(place.dir, 'ladder.json')
  const { codec, crf, preset } = setting
  await writeFile(ladder, JSON.stringify({ renditions: [{ id: '1080p', box: '1920x1080', codec, crf, preset }] }))
  return await runMesh(place, footage.path, ['--ladder', ladder])
}

async function plainSide({ dir, tools, footage, setting }: Round): Promise<Made> {
  const out = join(dir, 'plain.mp4')
  const args = [...inputOf(footage), ...unbound(pictureArgs(setting)), ...SOUND, '-movflags', '+faststart', out]
  return await made(await measure([tools.ffmpeg, ...args]), [out])
}

/** Longest first: the sound, then the chunks; the join at the end. */
async function chunksSide({ dir, tools, footage, setting }: Round): Promise<Made> {
  const count = Math.ceil(footage.seconds / CHUNK_S)
  const chunks = Array.from({ length: count }, (_, at) => `chunk-${at}.mp4`)
  const range = (at: number) => ['-ss', String(at * CHUNK_S), '-t', String(CHUNK_S)]
  const jobs = [
    [...inputOf(footage), '-vn', ...SOUND, join(dir, 'sound.mp4')],
    ...chunks.map((chunk, at) => [
      ...inputOf(footage, range(at)), '-an', ...pictureArgs(setting), join(dir, chunk),
    ]), // biome-ignore format: groups
  ]
  const out = join(dir, 'joined.mp4')
  const list = join(dir, 'list.txt')
  await writeFile(list, chunks.map((chunk) => `file '${chunk}'\n`).join(''))
  const joinArgs = [
    '-nostdin',
    '-v',
    'error',
    '-y',
    '-f',
    'concat',
    '-i',
    list,
    '-i',
    join(dir, 'sound.mp4'),
    '-c',
    'copy',
  ]
  const line = (args: readonly string[]) => [tools.ffmpeg, ...args].map((arg) => `'${arg}'`).join(' ')
  await Promise.all(jobs.map((args, at) => writeFile(join(dir, `${at}.sh`), line(args))))
  const script = [
    'set -e',
    `printf '%s\\n' ${jobs.map((_, at) => `'${join(dir, `${at}.sh`)}'`).join(' ')} | xargs -P ${availableParallelism()} -n 1 sh`,
    line([...joinArgs, '-movflags', '+faststart', out]),
  ]
  return await made(await measure(['sh', '-c', script.join('\n')]), [out])
}

const inputOf = ({ path }: Footage, range: readonly string[] = []): string[] => [
  '-nostdin', '-v', 'error', '-y', ...range, '-i', `file:${path}`,
] // biome-ignore format: groups
