/** What HDR films say beside their samples: the same in every result of 10 bits, whoever makes it, and nothing of it in one of 8 bits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { VISUAL_ENTRY_BYTES } from '../../../media/boxes.ts'
import { hdrBoxes, writeHdrBoxes } from '../../../media/hdr-boxes.ts'
import { hdrData } from '../../../media/hdr-data.ts'
import { children, readMp4 } from '../../../media/mp4.ts'
import { box } from '../../../media/package/box.ts'
import { AttemptFailed } from '../../../protocol/errors.ts'
import type { HdrData } from '../../../protocol/hdr.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, type Recipe } from '../../../protocol/recipe.ts'
import type { Rendition } from '../../../protocol/rendition.ts'
import { TOOLS } from '../../../testing/sources/make.ts'
import { picture, type RealCase, type RealResult, realCase } from '../../../testing/sources/real.ts'

const HDR: Required<HdrData> = {
  mastering: {
    red: [34_000, 16_000],
    green: [13_250, 34_500],
    blue: [7_500, 3_000],
    white: [15_635, 16_450],
    luminance: [10_000_000, 1],
  },
  light: { pixel: 1_000, frame: 400 },
}
const SEI =
  ':repeat-headers=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400'
/** Two chunks. */
const FILM = picture({ size: '128x72', rate: '5', seconds: 16 })
const coded = (sei: string, transfer = 'smpte2084'): string[] => [
  '-pix_fmt', 'yuv420p10le', '-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1',
  '-x265-params', `log-level=error:keyint=10:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc${sei}`,
] // biome-ignore format: groups

type Asked = Pick<Rendition, 'codec' | 'preset' | 'bit_depth'>
const DEEP: readonly Asked[] = [
  { codec: 'hevc', preset: 'ultrafast', bit_depth: 10 },
  { codec: 'av1', preset: '8', bit_depth: 10 },
  { codec: 'vp9', preset: '5', bit_depth: 10 },
]
const SHALLOW: readonly Asked[] = [
  { codec: 'h264', preset: 'ultrafast', bit_depth: 8 },
  { codec: 'hevc', preset: 'ultrafast', bit_depth: 8 },
]

const recipe = (asked: Asked, change: Partial<Recipe> = {}): Recipe => ({
  ...DEFAULT_RECIPE,
  renditions: [{ ...DEFAULT_ENCODING, rate: { crf: 40 }, id: '72p', box: { width: 128, height: 72 }, ...asked }],
  ...change,
})

/** The results of those that this build can make; at least one. */
async function results(film: RealCase, source: string, all: readonly Asked[], change?: Partial<Recipe>) {
  const made: { asked: Asked; result: RealResult }[] = []
  for (const asked of all) {
    const result = await film.run(source, recipe(asked, change)).catch((error: unknown) => {
      if (error instanceof AttemptFailed && error.code === 'build_cannot') return null
      throw error
    })
    if (result !== null) made.push({ asked, result })
  }
  return made
}

/** What each picture says of its HDR, to which what the container says is added by ffprobe. */
async function saidByFrames(file: string): Promise<HdrData[]> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    'frame=pts:frame_side_data',
    '-of',
    'compact=p=0',
    file,
  ]
  const { stdout } = await execa(TOOLS.ffprobe, args, { stdin: 'ignore' })
  assert.doesNotMatch(stdout, /2094|Dolby/)
  return stdout.split(/^(?=.*pts=)/m).map(hdrData)
}

async function boxesOf(file: string): Promise<Buffer[]> {
  const [track] = await readMp4(file)
  return children(track!.description.subarray(VISUAL_ENTRY_BYTES))
    .filter(({ type }) => ['mdcv', 'clli'].includes(type))
    .map(({ type, body }) => box(type, body))
}

async function assertSays({ asked, result }: { asked: Asked; result: RealResult }, wanted: HdrData): Promise<void> {
  const what = `${asked.codec} ${asked.bit_depth}`
  assert.ok(result.plan.chunks.length > 1, what)
  assert.deepEqual(await boxesOf(result.output), hdrBoxes(wanted), what)
  // VP9 says nothing of it in its stream.
  if (asked.codec === 'vp9') return
  const said = await saidByFrames(result.output)
  assert.equal(said.length, result.plan.frames, what)
  for (const each of said) assert.deepEqual(each, wanted, what)
}

for (const [what, name, isInContainer] of [
  ['in its SEI', 'a.mp4', false],
  ['in its container only', 'b.mp4', true],
] as const) {
  test(`an HDR10 film that says it ${what} keeps mastering display and light level in 10 bits, and has none of both in 8`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(name, [...FILM, ...coded(isInContainer ? '' : SEI)])
    if (isInContainer) await writeHdrBoxes(source, HDR)
    const deep = await results(film, source, DEEP)
    assert.ok(deep.length > 0)
    for (const each of deep) {
      assert.deepEqual([each.result.plan.video.mastering, each.result.plan.video.light], [HDR.mastering, HDR.light])
      await assertSays(each, HDR)
    }
    // A build without zscale cannot make these.
    for (const each of await results(film, source, SHALLOW)) await assertSays(each, {})
  })
}

test('a Matroska source says it in its track, and a Matroska result too', async (t) => {
  const film = await realCase(t)
  await film.make('a.mp4', [...FILM, ...coded('')])
  await writeHdrBoxes(film.path('a.mp4'), HDR)
  const source = await film.make('a.mkv', ['-i', film.path('a.mp4'), '-c', 'copy'])
  const deep = await results(film, source, DEEP, { packaging: 'mkv' })
  assert.ok(deep.length > 0)
  for (const { asked, result } of deep) {
    const args = [
      '-v',
      'error',
      '-show_entries',
      'stream=color_transfer,color_primaries,color_space,color_range:stream_side_data',
      '-of',
      'compact=p=0',
    ]
    const { stdout } = await execa(TOOLS.ffprobe, [...args, result.output], { stdin: 'ignore' })
    assert.deepEqual(hdrData(stdout), HDR, asked.codec)
    assert.match(
      stdout,
      /color_range=tv\|color_space=bt2020nc\|color_transfer=smpte2084\|color_primaries=bt2020/,
      asked.codec,
    )
  }
})

test('an HLG film, which says neither, gets neither', async (t) => {
  const film = await realCase(t)
  const source = await film.make('a.mp4', [...FILM, ...coded('', 'arib-std-b67')])
  const deep = await results(film, source, DEEP)
  assert.ok(deep.length > 0)
  for (const each of deep) await assertSays(each, {})
})

/**
 * A unit of SEI (39) with one message of registered user data (4): HDR10+ of one window, version 1. ETSI TS 103 433-1, SMPTE ST 2094-40.
 */
const HDR10_PLUS = Buffer.from(`000000014e010416b5003c000104014${'0'}${'11'.repeat(11)}01111180`, 'hex')

test('dynamic HDR10+ is left out of every result, with a note that names it', async (t) => {
  const film = await realCase(t)
  // Without B-frames, as a bare stream has no times.
  await film.make('a.hevc', [...FILM, ...coded(`${SEI}:bframes=0`), '-f', 'hevc'])
  await film.write('b.hevc', withUnit(await film.read('a.hevc')))
  const source = await film.make('b.mp4', ['-r', '5', '-i', film.path('b.hevc'), '-c', 'copy', '-tag:v', 'hvc1'])
  const deep = await results(film, source, DEEP)
  assert.ok(deep.length > 0)
  for (const each of deep) {
    assert.ok(
      each.result.notes.some((note) => /HDR10\+\) are left out/.test(note)),
      each.result.notes.join(),
    )
    await assertSays(each, HDR)
  }
})

/** The stream with that unit before each keyframe, which x265 makes IDR (19 and 20). */
function withUnit(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf('000001', 0, 'hex'); at >= 0; at = bytes.indexOf('000001', at + 3, 'hex')) {
    const type = (bytes[at + 3]! >> 1) & 63
    if (type !== 19 && type !== 20) continue
    parts.push(bytes.subarray(from, at), HDR10_PLUS)
    from = at
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}
