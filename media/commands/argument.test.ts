/**
 * Every command of this folder with values that are something else than their types say, as a ledger that others can write may hold them: each
 * builder refuses. And every input of every command is guarded. The values are harmless; a builder that is not listed fails the last test.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { AudioFacts, Metadata, SoundPlan, VideoFacts } from '../../protocol/plan.ts'
import { closingTerms } from '../clock-jumps.ts'
import { av1 } from '../codecs/av1.ts'
import { h264 } from '../codecs/h264.ts'
import { hevc } from '../codecs/hevc.ts'
import { vp9 } from '../codecs/vp9.ts'
import { filterGraph } from '../filter-graph.ts'
import { audioArgs, audioFilter, decodedFilter } from './audio.ts'
import { audioTrialArgs, copiedTrialArgs, straightArgs } from './audio-trial.ts'
import { encodeArgs } from './encode.ts'
import { imageArgs } from './images.ts'
import { concatList, mergeArgs } from './merge.ts'
import { checksumArgs, compareArgs, frameArgs, hashArgs, keyframeArgs, packetArgs, probeArgs } from './read.ts'
import { decodeTrialArgs, encodeTrialArgs, familyTrialArgs, memoryTrialArgs, opusTrialArgs } from './self-test.ts'
import { audioExtraArgs, coverArgs, keptArgs, losslessArgs, splitArgs } from './split.ts'
import { decodeTextArgs, packetBytesArgs } from './text.ts'

/** What would be a filter, and an option, of its own. */
const BEHIND = ',negate;[x]vflip'

const VIDEO: VideoFacts = {
  stream: 0, codec: 'hevc', profile: 'Main', pixel_format: 'yuv420p', bit_depth: 8, width: 640, height: 360, sample_aspect: [4, 3],
  rotation: 0, mirrored: false, interlaced: true, top_field_first: true, fields: true, hdr: false,
  color: { range: 'tv', primaries: 'bt709', transfer: 'bt709', space: 'bt709' },
} // biome-ignore format: a record
const shape = (width: number, from_s: number) => ({ width, height: 360, sample_aspect: [1, 1], from_s }) as const
const SHAPES = [shape(640, 0), shape(480, 2.5)]
const RATE = { crf: 23, maxrate_kbps: 900, bufsize_kb: 1_800 }
const RENDITION = {
  width: 640,
  height: 360,
  codec: 'h264',
  class: 'hevc>x264/360p',
  rate: RATE,
  preset: 'fast',
  bit_depth: 8,
} as const
const HDR = {
  mastering: { red: [34_000, 16_000], green: [13_250, 34_500], blue: [7_500, 3_000], white: [15_635, 16_450], luminance: [10_000_000, 1] },
  light: { pixel: 1_000, frame: 400 },
} as const // biome-ignore format: a record
const SETTINGS = {
  video: VIDEO, fps: [25, 1], track_timescale: 12_800, b_frames: 3, keyframe_s: 3, genpts: true, counted_rate: [25, 1],
} as const // biome-ignore format: a record
const TRACK: AudioFacts = {
  stream: 1, codec: 'ac3', channels: 6, layout: '5.1(side)', source_channels: 6, extra: 'decoded', relabelled: true, sample_rate: 48_000,
  language: 'eng', title: 'Film', flags: ['default', 'dub'],
} // biome-ignore format: a record
const SOUND: SoundPlan = { stream: 1, codec: 'opus', channels: 2, layout: 'stereo', kbps: 96, flags: [] }
const SOUNDS: readonly SoundPlan[] = [
  SOUND,
  { ...SOUND, codec: 'copy' },
  { ...SOUND, codec: 'aac', layout: '5.1(side)' },
]
const METADATA: Metadata = {
  tags: { title: 'Film' },
  picture: { language: 'deu', title: 'Film', flags: ['forced'], timecode: '01:00:00:00' },
  covers: [{ stream: 3, codec: 'png' }],
}
const READ = { source: '/a', stream: 0, genpts: true, timeBase: [1, 25], packets: 9, frames: 9 } as const
const CUT = {
  source: '/a',
  stream: 0,
  genpts: true,
  seek: 1,
  stop: 2,
  offset: 100,
  timeBase: [1, 25],
  out: '/o',
} as const
const RANGE = { start_pts: 0, end_pts: 250, time_base: [1, 25], timeBase: [1, 25] } as const

type Builder = { readonly job: unknown; make(job: never): readonly string[] }
const of = <Job>(job: Job, make: (job: Job) => readonly string[]): Builder => ({ job, make })

/** Every builder by its name, with a job that has a value for everything that it may be given. */
const BUILDERS: Readonly<Record<string, Builder>> = {
  imageArgs: of(
    {
      poster: { chunk: '/c', at: 1, width: 640, height: 360, out: '/o' },
      thumbnails: { list: '/l', width: 160, height: 90, columns: 5, rows: 5, interval: 5, out: '/t' },
    },
    imageArgs,
  ),
  probeArgs: of('/a', (source: string) => probeArgs(source, { packets: true })),
  packetArgs: of(READ, packetArgs),
  hashArgs: of(['/1', '/2'], hashArgs),
  frameArgs: of(READ, frameArgs),
  keyframeArgs: of(READ, keyframeArgs),
  checksumArgs: of(READ, checksumArgs),
  compareArgs: of([{ ...READ, ...RANGE, path: '/a', seek: 1, filters: [] }], compareArgs),
  splitArgs: of({ ...CUT, container: 'mov' as const }, (job) => splitArgs([job])),
  losslessArgs: of({ ...CUT, ...RANGE, filters: [] }, losslessArgs),
  audioExtraArgs: of({ source: '/a', tracks: [{ stream: 1, decoded: null }, { silence: 'stereo' }], offset: 100, out: '/o' }, audioExtraArgs),
  keptArgs: of({ kind: 'subtitle' as const, source: '/a', stream: 3, genpts: false, offset: 100, out: '/o' }, keptArgs),
  coverArgs: of({ source: '/a', covers: [3], out: '/o' }, coverArgs),
  audioTrialArgs: of({ source: '/a', streams: [1], copies: [{ stream: 1, head: '/h', tail: '/t' }], end: 9, isShort: false, offset: 100 }, audioTrialArgs),
  copiedTrialArgs: of(['/h', '/t'], copiedTrialArgs),
  straightArgs: of([1], straightArgs),
  audioArgs: of({ input: '/a', out: '/o', tracks: [TRACK], sounds: SOUNDS, packaging: 'mkv' as const, start: 1, straight: { offset: 100 } }, audioArgs),
  audioFilter: of({ track: TRACK, sound: SOUND, start: 1 }, ({ track, sound, start }) => [audioFilter(track, sound, start)]),
  decodedFilter: of({ track: { ...TRACK, source_channels: 8 }, start: 1 }, ({ track, start }) => [decodedFilter(track, start) ?? '']),
  closingTerms: of({ jumps: [{ from: 250, to: 5_000 }], timeBase: [1, 25], offset: 100 } as const, ({ jumps, timeBase, offset }) => [closingTerms(jumps, timeBase, offset)]),
  encodeArgs: of({ settings: SETTINGS, input: { path: '/a', ...RANGE }, fromSource: true, outputs: [{ rendition: RENDITION, path: '/o' }], shapes: SHAPES, frames: 1, sound: { input: '/a', straight: { offset: 100 }, out: '/s', tracks: [TRACK], sounds: SOUNDS, packaging: 'mkv' as const, start: 1 } }, encodeArgs),
  filterGraph: of({ video: VIDEO, ...RANGE, sizes: [RENDITION], shapes: SHAPES }, (job) => [filterGraph(job)]),
  h264: of({ ...RENDITION, fps: [25, 1], b_frames: 3, color: VIDEO.color, hdr: {}, threads: 2 } as const, h264.encoders[0].encoderArgs),
  hevc: of({ ...RENDITION, fps: [25, 1], b_frames: 3, color: VIDEO.color, hdr: HDR, threads: 2 } as const, hevc.encoders[0].encoderArgs),
  vp9: of({ ...RENDITION, preset: '5', fps: [25, 1], b_frames: 3, color: VIDEO.color, hdr: {}, threads: 2 } as const, vp9.encoders[0].encoderArgs),
  av1: of({ ...RENDITION, preset: '8', fps: [25, 1], b_frames: 3, color: VIDEO.color, hdr: HDR, threads: 2 } as const, av1.encoders[0].encoderArgs),
  aom: of({ ...RENDITION, preset: '8', fps: [25, 1], b_frames: 3, color: VIDEO.color, hdr: HDR, threads: 2 } as const, av1.encoders[1].encoderArgs),
  mergeArgs: of({ plan: { audio: [TRACK], audio_kbps: 64, metadata: METADATA, track_timescale: 12_800, lead: 100 }, renditions: [{ tag: 'hvc1', list: '/l', out: '/o' }, { tag: null, list: '/k', out: '/p' }], audio: '/a', covers: '/c', subtitles: { path: '/s', tracks: [{ stream: 4, codec: 'ass', language: 'fra', title: 'Film', flags: ['forced' as const] }] }, chapters: '/m' }, mergeArgs),
  concatList: of([{ name: '00000.mp4', start: 0 }, { name: '00001.mp4', start: 1 }], (chunks) => [concatList(chunks)]),
  decodeTextArgs: of({ input: { source: '/a' }, tracks: [{ stream: 4, codec: 'dvb_teletext', out: '/o' }] }, ({ input, tracks }) => decodeTextArgs(input, tracks)),
  packetBytesArgs: of({ source: '/a', stream: 4 }, ({ source, stream }) => packetBytesArgs(source, stream)),
  decodeTrialArgs: of(['/a', '/b'], decodeTrialArgs),
  encodeTrialArgs: of({ clip: '/a', codec: h264, encoder: h264.encoders[0], bitDepth: 8 as const, filter: null, out: '/o' }, encodeTrialArgs),
  familyTrialArgs: of({ clip: '/a', family: hevc.encoders[0].family, out: '/o' }, familyTrialArgs),
  memoryTrialArgs: of('/a', memoryTrialArgs),
  opusTrialArgs: of(null, opusTrialArgs),
} // biome-ignore format: a table

/** Helpers of the builders: they are tested with these. */
const PARTS = ['soundInput', 'soundOutput', 'tagArgs', 'trackArgs', 'metadataArgs']
/** Text of an argument of its own that nothing parses, and files, which are this peer's own. */
const FREE = /^(?:\/|Film$)/

/** The job with each of its numbers and words, one after the other, as a text with something behind it. */
function* tampered(job: unknown): Generator<{ readonly where: string; readonly job: unknown }> {
  if (typeof job === 'number' || (typeof job === 'string' && !FREE.test(job))) {
    yield { where: '', job: `${job}${BEHIND}` }
    if (typeof job === 'number') yield* [Number.NaN, Infinity].map((value) => ({ where: '', job: value }))
  } else if (Array.isArray(job)) {
    for (const [at, each] of job.entries())
      for (const one of tampered(each)) yield { where: `${at}.${one.where}`, job: job.with(at, one.job) }
  } else if (typeof job === 'object' && job !== null) {
    for (const [name, each] of Object.entries(job))
      for (const one of tampered(each)) yield { where: `${name}.${one.where}`, job: { ...job, [name]: one.job } }
  }
}

test('no number and no word of a job reaches a command with something behind it', () => {
  let refused = 0
  for (const [name, { job, make }] of Object.entries(BUILDERS)) {
    make(job as never)
    // What the code itself has, a codec and its family, is no input.
    if (name === 'encodeTrialArgs' || name === 'familyTrialArgs') continue
    for (const { where, job: bad } of tampered(job)) {
      let args: readonly string[] = []
      try {
        args = make(bad as never)
      } catch (error) {
        refused++
        assert.match(
          String(error),
          /a value for ffmpeg is no|does not know the (?:codec|encoder)|not a function/,
          `${name} ${where}`,
        )
      }
      const found = args.find((arg) => /negate|NaN|Infinity/.test(arg))
      assert.equal(found, undefined, `${name}: ${where} reaches the command`)
    }
  }
  assert.ok(refused > 150, `${refused}`)
})

test('every input of every command is read by named containers and from files only', () => {
  for (const [name, { job, make }] of Object.entries(BUILDERS)) {
    const args = make(job as never)
    const inputs = args.flatMap((arg, at) => (arg === '-i' ? [at] : []))
    for (const [n, at] of inputs.entries()) {
      const own = args.slice(n === 0 ? 0 : inputs[n - 1]! + 2, at)
      const [protocols, formats, format] = ['-protocol_whitelist', '-format_whitelist', '-f'].map(
        (option) => own[own.indexOf(option) + 1],
      )
      const isSilence = own.includes('lavfi') && /^anullsrc=/.test(args[at + 1] ?? '')
      const isOneFormat = own.includes('-f') && format === 'ffmetadata'
      assert.ok(isSilence || own.includes('-protocol_whitelist'), `${name}: ${args[at + 1]}`)
      assert.ok(isSilence || protocols === 'file')
      assert.ok(
        isSilence ||
          isOneFormat ||
          (own.includes('-format_whitelist') && !/hls|dash|concatf?\b(?!,mov$)/.test(formats ?? '')),
        `${name}: ${args[at + 1]}`,
      )
    }
  }
})

test('every builder of this folder is in the table', async () => {
  const files = (await readdir(import.meta.dirname)).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const sources = await Promise.all(files.map((name) => readFile(`${import.meta.dirname}/${name}`, 'utf8')))
  const names = sources.flatMap((source) =>
    [...source.matchAll(/^export (?:function|const) (\w+(?:Args|Filter))\b/gm)].map(([, name]) => name!),
  )
  assert.ok(names.length > 15)
  assert.deepEqual(
    names.filter((name) => !(name in BUILDERS) && !PARTS.includes(name)),
    [],
  )
})
