import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { AttemptFailed } from '../protocol/errors.ts'
import type { SelfTestReport } from '../protocol/media.ts'
import { FFMPEG, FFPROBE, run, signal } from './film.test-support.ts'
import type { Run, RunJob } from './run-ffmpeg.ts'
import { createSelfTester, type Machine } from './self-tester.ts'

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'self-test-'))
})
after(() => rm(dir, { recursive: true, force: true }))

const AMPLE: Machine = { cores: () => 2, freeBytes: () => 64e9 }
const SHORT: Machine = { cores: () => 2, freeBytes: () => 1.5e9 }

/** The programs of these tests, and the argument lists that they ran. */
function countedPrograms(around: (real: Run) => Run = (real) => real) {
  const started: string[] = []
  const counted: Run = (job) => {
    started.push(job.args.join(' '))
    return around(run)(job)
  }
  const programs = { ffmpeg: FFMPEG, ffprobe: FFPROBE, clock: systemClock, rng: systemRng, run: counted }
  return { programs, started }
}

/**
 * A self-test with the cache of `name`, empty at the first call, and the argument lists that it ran. Trials take seconds: `first` and `early` serve all who
 * want one that is known.
 */
async function selfTest(of: {
  name: string
  machine?: Machine
  around?: (real: Run) => Run
  what?: 'first' | 'whole'
}) {
  const { programs, started } = countedPrograms(of.around)
  let trials = 0
  const options = { machine: of.machine ?? AMPLE, onTrials: () => void trials++ }
  const report = await createSelfTester(programs, join(dir, of.name), options)[of.what ?? 'whole'](signal)
  return { report, started, trials }
}

const measured = (started: readonly string[]): number => started.filter((args) => args.includes('-benchmark')).length

test('a first start runs few processes, and encodes nothing long where memory is ample', async () => {
  const { report, started, trials } = await selfTest({ name: 'first' })
  assert.ok(report.decoders.includes('h264') && report.filters.includes('bwdif') && report.filters.includes('mpegts'))
  assert.equal(measured(started), 0)
  assert.ok(report.encode_bytes > 5e8)
  assert.ok(started.length <= 20, started.join('\n'))
  const again = await selfTest({ name: 'first' })
  assert.deepEqual([again.report, again.started], [report, []])
  assert.deepEqual([trials, again.trials], [1, 0], 'who starts it hears that it takes a while, once')
})

test('a start waits for three processes, after which H.264 is encoded; where the report is known, or memory may bind, it gets all', async () => {
  const { report, started, trials } = await selfTest({ name: 'early', what: 'first' })
  assert.deepEqual([report.decoders, report.encoders, report.filters], [['h264'], ['x264'], []])
  assert.deepEqual([started.length, trials], [3, 1], started.join('\n'))
  const again = await selfTest({ name: 'early', what: 'first' })
  assert.deepEqual([again.report, again.started, again.trials], [report, [], 0], 'the next start waits for none')
  const whole = await selfTest({ name: 'early' })
  assert.ok(whole.report.encoders.length > 1, 'the first report is not taken for the whole')
  const later = await selfTest({ name: 'early', what: 'first' })
  assert.deepEqual([later.report, later.started], [whole.report, []])
  const short = await selfTest({ name: 'short', what: 'first', machine: SHORT })
  assert.ok(short.report.filters.length > 0 && measured(short.started) === 1)
})

test('a cache that cannot be written costs the trials again, and nothing else', async () => {
  await writeFile(join(dir, 'no-folder'), '')
  const name = join('no-folder', 'cache')
  for (const what of ['first', 'whole', 'first'] as const) {
    const { report, started } = await selfTest({ name, what })
    assert.ok(report.encoders.includes('x264') && started.length >= 3, what)
  }
})

test('who waits for the whole report starts no trials', async () => {
  const { programs, started } = countedPrograms()
  const tester = createSelfTester(programs, null, { machine: AMPLE })
  const learnt: SelfTestReport[] = []
  const learning = tester.wholeReport.then((report) => void learnt.push(report))
  await tester.first(signal)
  assert.deepEqual([started.length, learnt], [3, []])
  const whole = await tester.whole(signal)
  await learning
  assert.deepEqual(learnt, [whole])
})

test('the memory of an encode is measured where it may bound the encodes, once, also after a start with ample memory', async () => {
  const ample = await selfTest({ name: 'early' })
  const short = await selfTest({ name: 'early', machine: SHORT })
  assert.equal(measured(short.started), 1)
  assert.equal(short.started.length, 1, 'the other trials were made before')
  assert.notEqual(short.report.encode_bytes, ample.report.encode_bytes)
  const later = await selfTest({ name: 'early' })
  assert.deepEqual([later.report, later.started], [short.report, []])
})

test('a clip that a build cannot decode, and one that crashes it, cost the others nothing', async () => {
  const fails = ({ args }: RunJob, word: string) =>
    args.some((arg) => arg.endsWith(`/${word}`)) && args.includes('framecrc')
  const around =
    (real: Run): Run =>
    async (job) => {
      if (fails(job, 'theora')) throw new AttemptFailed('build_cannot', 'it crashed')
      if (fails(job, 'mpegts')) return { exitCode: 1, log: '' }
      return real(job)
    }
  const whole = (await selfTest({ name: 'first' })).report
  const without = (list: readonly string[], word: string) => list.filter((each) => each !== word)
  const wanted: SelfTestReport = {
    ...whole,
    decoders: without(whole.decoders, 'theora'),
    filters: without(whole.filters, 'mpegts'),
  }
  assert.deepEqual((await selfTest({ name: 'poor', around })).report, wanted)
})

test('where ffmpeg stops working in the midst of the trials nothing is concluded from them, and the next try has the whole report', async () => {
  const whole = (await selfTest({ name: 'first' })).report
  let isBroken = false
  const around =
    (real: Run): Run =>
    async (job) => {
      // The first trials have passed: the encoders of other codecs come next.
      isBroken ||= job.args.some((arg) => arg === 'opus' || arg === 'libopus')
      return isBroken ? { ...(await real(job)), exitCode: 1, log: 'illegal instruction' } : real(job)
    }
  await assert.rejects(selfTest({ name: 'replaced', around }), {
    code: 'unexpected',
    message: /ffmpeg does not decode H\.264 any more: illegal instruction$/,
  })
  let ran = 0
  const crashes =
    (real: Run): Run =>
    (job) =>
      ++ran > 3 ? Promise.reject(new AttemptFailed('build_cannot', 'it crashed')) : real(job)
  await assert.rejects(selfTest({ name: 'replaced', around: crashes }), { message: /it crashes or hangs$/ })
  assert.deepEqual((await selfTest({ name: 'replaced' })).report, whole)
})
