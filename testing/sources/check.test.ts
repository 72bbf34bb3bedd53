/**
 * The checker must be able to fail: each test damages a right output in one way and expects the sentence that says so.
 * Outputs are painted and encoded here, by plain ffmpeg, so that the pipeline's mistakes cannot hide the checker's.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execa } from 'execa'
import { beepsWav } from './beeps.ts'
import { type CheckResult, checkOutput } from './check.ts'
import { compareCues, compareFrames } from './compare.ts'
import { ensureSource, findSource, TOOLS } from './make.ts'
import { paint, rawInput } from './paint.ts'
import { type Cue, type Frame, readCues } from './read.ts'
import { closeGap } from './shown.ts'
import { turnMp4 } from './tamper.ts'

const source = findSource('short')
const RIGHT = Array.from({ length: 25 }, (_, number) => number)
let file = ''
let folder = ''

before(async () => {
  file = await ensureSource(source.name)
  folder = await mkdtemp(join(tmpdir(), 'reelmesh-check-'))
})
after(() => rm(folder, { recursive: true, force: true }))

interface Damage {
  readonly numbers?: readonly number[]
  readonly lateSamples?: number
  readonly track?: number
  readonly filter?: string
  readonly encoder?: readonly string[]
  readonly mux?: readonly string[]
}

async function encode(damage: Damage): Promise<string> {
  const { numbers = RIGHT, filter = 'null', encoder = [], mux = [] } = damage
  const beeps = {
    track: damage.track ?? 0,
    channels: 2,
    rate: 48_000,
    seconds: 1,
    lateSamples: damage.lateSamples ?? 0,
  } as const
  const [sound, output] = [join(folder, 'sound.wav'), join(folder, 'output.mp4')]
  await writeFile(sound, beepsWav(beeps))
  const inputs = [...rawInput('25'), '-i', sound, '-map', '0', '-map', '1']
  const picture = [
    '-vf',
    `setsar=1,${filter}`,
    '-fps_mode',
    'passthrough',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    ...encoder,
  ]
  const args = ['-v', 'error', '-y', ...inputs, ...picture, '-c:a', 'aac', '-b:a', '128k', ...mux, output]
  await execa(TOOLS.ffmpeg, args, { stdin: paint({ numbers }) })
  return output
}

const check = async (damage: Damage): Promise<CheckResult> =>
  checkOutput({ source, file, output: await encode(damage), ...TOOLS })

/** Expects a problem like each of `sentences`, and no others. */
function assertProblems(result: CheckResult, ...sentences: RegExp[]): void {
  for (const sentence of sentences) {
    assert.ok(
      result.problems.some((problem) => sentence.test(problem)),
      `${sentence} in ${JSON.stringify(result.problems)}`,
    )
  }
  const others = result.problems.filter((problem) => !sentences.some((sentence) => sentence.test(problem)))
  assert.deepEqual(others, [])
  assert.equal(result.ok, sentences.length === 0)
}

test('a right output has no problem, and the facts say what was measured', async () => {
  const result = await check({})
  assertProblems(result)
  assert.equal(result.facts.frames, 25)
  assert.equal(result.facts.size, '320x180')
  assert.ok(Math.abs(result.facts.beepSamples[0] ?? 99) < 0.5)
})

test('a dropped frame is reported', async () => {
  const numbers = RIGHT.filter((number) => number !== 11)
  assertProblems(
    await check({ numbers }),
    /24 frames, the source shows 25/,
    /frame 11 is missing/,
    /place 11 shows frame 12/,
  )
})

test('a dropped last frame is reported', async () => {
  assertProblems(await check({ numbers: RIGHT.slice(0, 24) }), /24 frames/, /frame 24 is missing/)
})

test('two frames that changed places are reported', async () => {
  const numbers = RIGHT.with(9, 10).with(10, 9)
  assertProblems(await check({ numbers }), /place 9 shows frame 10, the source 9/)
})

test('a frame shown twice in place of another is reported', async () => {
  const numbers = RIGHT.with(15, 14)
  assertProblems(await check({ numbers }), /frame 15 is missing/, /frame 14 is shown 2 times/, /place 15/)
})

test('a frame too many is reported', async () => {
  assertProblems(await check({ numbers: [...RIGHT, 24] }), /26 frames/, /frame 24 is shown 2 times/)
})

test('a frame that is a few ticks late is reported', async () => {
  const filter = 'settb=1/12800,setpts=PTS+3*eq(N\\,12)'
  assertProblems(await check({ filter, mux: ['-enc_time_base', '1:12800'] }), /frame 12 is 0.234 ms late/)
})

test('sound two samples late is reported', async () => {
  assertProblems(
    await check({ lateSamples: 2 }),
    /audio 0, beep 0 is 2\.\d\d samples late|audio 0, beep 0 is 1\.9\d samples late/,
  )
})

test('sound ten milliseconds late is reported', async () => {
  assertProblems(await check({ lateSamples: 480 }), /audio 0, beep 0 is 4(80|79)\.\d+ samples late/)
})

test("another track's sound is reported", async () => {
  assertProblems(await check({ track: 1 }), /beep 0 is not this track's/, /samples late/)
})

test('missing sound is reported', async () => {
  assertProblems(
    await check({ mux: ['-an'] }),
    /audio 0 has 0 beeps, the source 1/,
    /audio languages/,
    /audio channels/,
    /sound ends/,
  )
})

test('wrong pixel aspect is reported', async () => {
  assertProblems(await check({ filter: 'setsar=4/3' }), /pixel aspect 4:3/)
})

test('a display matrix is reported', async () => {
  const output = await encode({})
  await writeFile(output, turnMp4(await readFile(output), '180'))
  const result = await checkOutput({ source, file, output, ...TOOLS })
  assert.ok(result.problems.includes('turned by 180°'))
})

test('a wrong size is reported', async () => {
  assertProblems(await check({ filter: 'scale=640:360,setsar=1' }), /640x360 in place of 320\.0x180\.0/)
})

test('a picture of the wrong range is reported', async () => {
  assertProblems(await check({ filter: 'lutyuv=y=val*0.8' }), /looks different/)
})

test('a picture that is damaged beside its barcode is reported', async () => {
  assertProblems(
    await check({ filter: 'split[a][b];[b]crop=320:90:0:90,negate[c];[a][c]overlay=0:90' }),
    /looks different/,
  )
})

test('colour tags that the source has not are reported', async () => {
  const encoder = ['-colorspace', 'smpte170m', '-color_primaries', 'bt709']
  assertProblems(await check({ encoder }), /color space is smpte170m in place of nothing/, /color primaries is bt709/)
})

test('lost colour tags are reported', async () => {
  const hdr = findSource('hdr10')
  const result = await checkOutput({
    source: hdr,
    file: await ensureSource('hdr10'),
    output: await encode({}),
    ...TOOLS,
  })
  assert.ok(result.problems.includes('color space is not said in place of bt709'), JSON.stringify(result.problems))
})

test('HDR that a rendition of 10 bits lost is reported, and a picture of 8 bits in it', async () => {
  const job = { source: findSource('hdr10'), file: await ensureSource('hdr10'), ...TOOLS }
  const { problems } = await checkOutput({ ...job, output: await encode({}), bitDepth: 10 })
  assert.ok(problems.includes('color transfer is not said in place of smpte2084'), JSON.stringify(problems))
  assert.ok(problems.includes('pixel format yuv420p'), JSON.stringify(problems))
})

test('what ffmpeg complains of is reported', async () => {
  const output = await encode({ encoder: ['-g', '5'] })
  const bytes = await readFile(output)
  const middle = bytes.indexOf('mdat') + 6_000
  bytes.fill(255, middle, middle + 40)
  await writeFile(output, bytes)
  const result = await checkOutput({ source, file, output, ...TOOLS })
  assert.ok(
    result.problems.some((problem) => problem.startsWith('ffmpeg says:')),
    JSON.stringify(result.problems),
  )
})

test('subtitles that lie elsewhere or say something else are reported', () => {
  const cues = [
    { start_s: 1, end_s: 3.5, text: 'Guten Morgen' },
    { start_s: 8, end_s: 10, text: 'Gute Nacht' },
  ]
  assert.deepEqual(compareCues('subtitles', cues, cues), [])
  assert.match(compareCues('subtitles', cues, cues.slice(1)).join(), /1 subtitles, the source has 2/)
  const [first, second] = cues as [Cue, Cue]
  assert.match(
    compareCues('subtitles', cues, [first, { ...second, start_s: 8.021 }]).join(),
    /subtitles 1 are 21\.000 ms off/,
  )
  assert.match(
    compareCues('subtitles', cues, [first, { ...second, text: '' }]).join(),
    /say "" in place of "Gute Nacht"/,
  )
})

test('a gap of the clock that is closed in the wrong place, or left open, is reported', () => {
  const film = (...times: number[]): Frame[] => times.map((at_s, number) => ({ at_s, number, thumb: new Uint8Array() }))
  const beep = { channel: 0, likeness: 1 }
  const cue = { start_s: 99, end_s: 99.5, text: '' }
  const open = {
    ...{ frames: film(1, 2, 101), beeps: [[{ ...beep, at_s: 1.5 }, { ...beep, at_s: 101.5 }]], lead_s: 0, soundEnd_s: 101 },
    ...{ cues: [[cue]], chapters: [cue] },
  } // biome-ignore format: a record
  const { frames, beeps, soundEnd_s, cues, chapters } = closeGap(open, [2, 100])
  assert.deepEqual(compareFrames(frames, film(0, 1, 2), 0), [])
  assert.match(compareFrames(frames, film(0, 1, 3), 0).join(), /frame 2 is 1000\.000 ms late/)
  assert.match(compareFrames(frames, open.frames, 0).join(), /frame 2 is 98000\.000 ms late/)
  assert.deepEqual(beeps[0]?.map(({ at_s }) => at_s), [1.5, 3.5]) // biome-ignore format: short
  assert.deepEqual([soundEnd_s, cues[0]?.[0]?.start_s, chapters[0]?.end_s], [3, 1, 1.5])
})

test('the subtitles of a file are read with their times', async () => {
  const job = { ffmpeg: TOOLS.ffmpeg, file: await ensureSource('multi'), stream: 3 }
  assert.deepEqual(
    (await readCues(job)).map((cue) => [cue.start_s, cue.end_s, cue.text]),
    [
      // The muxer moved all tracks by the sound's priming, 21 ms.
      [1.021, 3.521, 'Guten Morgen'],
      [8.021, 10.021, 'Gute Nacht'],
    ],
  )
})

test('lost languages, chapters and subtitles are reported', async () => {
  const multi = findSource('multi')
  const result = await checkOutput({
    source: multi,
    file: await ensureSource('multi'),
    output: await encode({}),
    ...TOOLS,
  })
  for (const kind of [
    /^audio languages: und in place of eng, fra/,
    /^chapters: none in place of/,
    /^subtitles: none in place of deu/,
  ]) {
    assert.ok(
      result.problems.some((problem) => kind.test(problem)),
      `${kind} in ${JSON.stringify(result.problems)}`,
    )
  }
})
