import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../node/host/system-clock.ts'
import type { Clock } from '../protocol/clock.ts'
import { AttemptFailed, UsageError } from '../protocol/errors.ts'
import { createRunner, lastLine, type RunJob, runOrFail } from './run-ffmpeg.ts'
import { wrapped } from './wrapping.ts'

const run = createRunner({ clock: systemClock, sandbox: 'off' })
const sh = (script: string, more: Partial<RunJob> = {}) =>
  run({ program: '/bin/sh', args: ['-c', script], signal: new AbortController().signal, ...more })
const failsAs = (code: string) => (error: unknown) => error instanceof AttemptFailed && error.code === code

test('a run answers its exit code, its lines and the tail of what it said', async () => {
  const lines: string[] = []
  const end = await sh('echo one; printf two; echo trouble >&2; exit 3', { onLine: (line) => lines.push(line) })
  assert.deepEqual(end, { exitCode: 3, log: 'trouble\n' })
  assert.deepEqual(lines, ['one', 'two'])
})

test('a non-zero exit is an error with the last line of stderr', async () => {
  const failing = runOrFail(
    run,
    { program: '/bin/sh', args: ['-c', 'echo "no such codec" >&2; exit 1'], signal: new AbortController().signal },
    'the encode',
  )
  await assert.rejects(
    failing,
    (error) =>
      failsAs('encode_failed')(error) && /the encode failed with exit code 1: no such codec/.test(String(error)),
  )
  assert.equal(lastLine('a\n\nConversion failed!\n'), 'a')
})

test('a death by a signal that this node did not send is build_cannot', async () => {
  await assert.rejects(sh('kill -SEGV $$'), failsAs('build_cannot'))
})

test('an abort ends the whole process group and rejects with its reason', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'run-ffmpeg-'))
  t.after(() => rm(dir, { recursive: true }))
  const controller = new AbortController()
  const running = sh(`sleep 600 & echo $! > ${dir}/child; echo ready; wait`, {
    signal: controller.signal,
    onLine: () => controller.abort(new Error('lost the claim')),
  })
  await assert.rejects(running, /lost the claim/)
  const child = Number(await readFile(join(dir, 'child'), 'utf8'))
  const isRunning = async () =>
    !/^State:\s+Z/m.test(await readFile(`/proc/${child}/status`, 'utf8').catch(() => 'State: Z'))
  for (let tries = 0; tries < 50 && (await isRunning()); tries++) await systemClock.sleep(20)
  assert.ok(!(await isRunning()), 'the child of the child is gone too')
})

test('a run yields to others also where the kernel groups processes by session', async (t) => {
  if (!(await readFile('/proc/self/autogroup', 'utf8').catch(() => '')))
    return t.skip('this kernel does not group them')
  const untilNice = 'until grep -q "nice 5$" /proc/$$/autogroup; do echo waits; sleep 0.02; done; nice'
  const lines: string[] = []
  await sh(untilNice, { onLine: (line) => lines.push(line), stallMs: 30_000 })
  assert.equal(lines.at(-1), String(getPriority() + 10))
})

test('a run without progress is stopped; unchanged counters are no progress', async () => {
  await assert.rejects(sh('sleep 600', { stallMs: 100 }), failsAs('stalled'))
  const repeating = 'while :; do echo frame=7; echo speed=$((n=n+1)); sleep 0.02; done'
  await assert.rejects(sh(repeating, { stallMs: 300, progress: true }), failsAs('stalled'))
  await sh('for n in 1 2 3 4 5 6; do echo frame=$n; sleep 0.1; done', { stallMs: 400, progress: true })
})

test('messages on stderr are no progress where ffmpeg reports progress, and are bounded', async () => {
  const talking = 'while :; do echo "the same error again" >&2; sleep 0.02; done'
  await assert.rejects(sh(talking, { stallMs: 300, progress: true }), failsAs('stalled'))
  await assert.rejects(sh('exec head -c 70000000 /dev/zero >&2'), failsAs('out_of_bounds'))
})

test('the stall watch is armed by the injected clock', async () => {
  let fire = () => {}
  const onTimer: Clock['timer'] = (_, act) => {
    fire = act
    return () => {}
  }
  const clock: Clock = { ...systemClock, mono: () => time, timer: onTimer }
  let time = 0
  const running = createRunner({ clock, sandbox: 'off' })({
    program: '/bin/sh',
    args: ['-c', 'sleep 600'],
    signal: new AbortController().signal,
    stallMs: 120_000,
  })
  while (String(fire) === '() => {}') await systemClock.sleep(5)
  time = 120_001
  fire()
  await assert.rejects(running, failsAs('stalled'))
})

test('a file over its limit, and a full disk, are errors of their own', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'run-ffmpeg-'))
  t.after(() => rm(dir, { recursive: true }))
  await assert.rejects(
    sh(`exec head -c 100000 /dev/zero > ${dir}/big`, { outputBytesMax: 4096 }),
    failsAs('out_of_bounds'),
  )
  await assert.rejects(sh('echo "x.mp4: No space left on device" >&2; exit 1'), failsAs('disk_full'))
})

test('a program that is not there is the environment, not the file', async () => {
  await assert.rejects(
    run({ program: '/nonexistent/ffmpeg', args: [], signal: new AbortController().signal }),
    UsageError,
  )
})

test('the tools in front of ffmpeg keep its pid, bound it and take its privileges', async () => {
  const job = { program: '/usr/bin/ffmpeg', args: ['-version'], outputBytesMax: 10.5 }
  const tools = { dieWithParent: true, privileges: ['--no-new-privs'], bounds: true, nice: true }
  assert.deepEqual(await wrapped(job, tools, { sandbox: 'none', memoryBytes: 1024 }), [
    'setpriv', '--pdeathsig', 'KILL', '--', 'prlimit', '--as=1024', '--core=0', '--fsize=11', '--', 'nice', '-n', '10',
    'setpriv', '--no-new-privs', '--', '/usr/bin/ffmpeg', '-version',
  ]) // biome-ignore format: groups
  const none = { dieWithParent: false, privileges: [], bounds: false, nice: false }
  assert.deepEqual(await wrapped(job, none, { sandbox: 'none', memoryBytes: 1024 }), ['/usr/bin/ffmpeg', '-version'])
  const alone = await wrapped(
    job,
    { ...none, privileges: ['--no-new-privs'] },
    { sandbox: 'no_network', memoryBytes: 1024 },
  )
  assert.deepEqual(alone.slice(alone.indexOf('--net')), [
    '--net', '--', 'setpriv', '--no-new-privs', '--', '/usr/bin/ffmpeg', '-version',
  ]) // biome-ignore format: groups
})
