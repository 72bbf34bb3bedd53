/** The supervisor with real processes: what a child is given, how its end is reported, when it runs again, and how it is stopped. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { systemClock } from '../node/host/system-clock.ts'
import { createProcessSupervisor, type ProcessSpec, type ProcessSupervisor } from './supervise-processes.ts'

/** Runs until SIGTERM, or until its standard input closes. */
const STAYS = 'process.stdin.resume().on("close", () => process.exit(0))'
/** Ignores SIGTERM; says when it does. */
const STUBBORN = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.error("ready")`

describe('supervised processes', () => {
  let dir: string
  let supervisor: ProcessSupervisor
  /** Starts and ends, in their order. */
  let seen: { readonly name: string; readonly pid: number; readonly how?: string }[]
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reelmesh-supervise-'))
    seen = []
    supervisor = createProcessSupervisor({
      clock: systemClock,
      graceMs: 300,
      onStart: (name, pid) => seen.push({ name, pid }),
      onExit: (name, pid, how) => seen.push({ name, pid, how }),
    })
  })
  afterEach(async () => {
    await supervisor.stopAll()
    await rm(dir, { recursive: true, force: true })
  })

  const spec = (name: string, code: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
    name,
    command: [process.execPath, '-e', code],
    dir: join(dir, name),
    ...more,
  })
  const logOf = (name: string) => readFile(join(dir, name, 'log'), 'utf8').catch(() => '')
  const until = async (what: string, holds: () => unknown): Promise<void> => {
    const giveUpAt = systemClock.mono() + 30_000
    while (!(await holds())) {
      assert.ok(systemClock.mono() < giveUpAt, `${what}: not within 30 s`)
      await systemClock.sleep(20)
    }
  }
  const starts = () => seen.filter(({ how }) => how === undefined)
  const ends = () => seen.flatMap(({ how }) => how ?? [])

  test('read what is written to all, also those that are started later', async () => {
    const reads = 'process.stdin.on("data", (text) => console.error("read " + text)).on("close", () => process.exit(0))'
    const hasRead = async (name: string) => (await logOf(name)).startsWith('read this')
    await supervisor.start(spec('a', reads))
    await supervisor.start(spec('ends', ''))
    await until('one has ended', () => ends().length === 1)
    supervisor.write('this')
    await until('it is read', () => hasRead('a'))
    await supervisor.start(spec('b', reads))
    await until('the later one has read it', () => hasRead('b'))
  })

  test('run in a folder of their own with the environment of this process, but none of its settings', async () => {
    process.env.REELMESH_INPUT = '/watched'
    const say =
      'console.error(process.cwd(), process.env.REELMESH_INPUT, process.env.REELMESH_NAME, typeof process.env.PATH)'
    await supervisor.start(spec('a', say, { environment: { REELMESH_NAME: 'auto-1' } }))
    delete process.env.REELMESH_INPUT
    await until('it ended', () => ends().length === 1)
    assert.equal(await logOf('a'), `${join(dir, 'a')} undefined auto-1 string\n`)
  })

  test('without a restart policy stay listed with how they ended, and with the last words of this run where they failed', async () => {
    await supervisor.start(spec('fails', 'console.error("reelmesh: no ledger"); process.exitCode = 3'))
    await supervisor.start(spec('fine', 'console.error("a word")'))
    await supervisor.start(spec('none', '', { command: [join(dir, 'no such program')] }))
    await until('all ended', () => ends().length === 3)
    const states = supervisor.list().map(({ name, how }) => [name, how])
    assert.deepEqual(states, [
      ['fails', 'exit code 3: no ledger'],
      ['fine', 'exit code 0'],
      ['none', 'exit code none'],
    ])
    for (const { life_ms } of supervisor.list()) assert.ok(life_ms !== null && life_ms < 30_000)
    assert.equal(starts().length, 3)
  })

  test('with one are restarted after the waits that it gives, counted from 0 after a run that was long enough', async () => {
    const waits: number[] = []
    const file = join(dir, 'runs')
    await writeFile(file, '')
    // Fails at once three times, and then after a while.
    const code = `const fs = require('node:fs'); fs.appendFileSync(${JSON.stringify(file)}, 'x')
      setTimeout(() => process.exit(1), fs.readFileSync(${JSON.stringify(file)}).length > 3 ? 1500 : 0)`
    const waitMs = (shortRuns: number) => waits.push(shortRuns) && 1
    await supervisor.start(spec('a', code, { restart: { waitMs, healthyMs: 1_200 } }))
    await until('it was restarted four times', () => starts().length >= 5)
    assert.deepEqual(waits.slice(0, 4), [0, 1, 2, 0])
    assert.equal(new Set(starts().map(({ pid }) => pid)).size, starts().length)
  })

  test('that were killed are restarted, and their end is reported before', async () => {
    await supervisor.start(spec('a', STAYS, { restart: { waitMs: () => 10, healthyMs: 60_000 } }))
    await until('it runs', () => starts().length === 1)
    process.kill(seen[0]!.pid, 'SIGKILL')
    await until('it runs again', () => starts().length === 2)
    assert.deepEqual(
      seen.map(({ name, how }) => [name, how]),
      [
        ['a', undefined],
        ['a', 'ended by SIGKILL'],
        ['a', undefined],
      ],
    )
    assert.deepEqual(supervisor.list(), [{ name: 'a', life_ms: null, how: null }])
  })

  test('a failed run does not repeat the words of the run before it', async () => {
    const file = join(dir, 'second')
    const code = `const fs = require('node:fs')
      if (!fs.existsSync(${JSON.stringify(file)})) { fs.writeFileSync(${JSON.stringify(file)}, ''); console.error('first') }
      process.exitCode = 1`
    await supervisor.start(spec('a', code, { restart: { waitMs: () => 1, healthyMs: 60_000 } }))
    await until('it ended twice', () => ends().length >= 2)
    assert.deepEqual(ends().slice(0, 2), ['exit code 1: first', 'exit code 1'])
  })

  test('stop on SIGTERM, and on SIGKILL where they do not; a stop is not reported as an end, nor followed by a restart', async () => {
    const restart = { waitMs: () => 1, healthyMs: 60_000 }
    await supervisor.start(spec('obedient', STAYS, { restart }))
    await supervisor.start(spec('stubborn', STUBBORN, { restart }))
    await until('both run', async () => starts().length === 2 && (await logOf('stubborn')) === 'ready\n')
    const [obedient, stubborn] = starts().map(({ pid }) => pid)
    await supervisor.stop('obedient')
    assert.throws(() => process.kill(obedient!, 0), { code: 'ESRCH' })
    assert.deepEqual(
      supervisor.list().map(({ name }) => name),
      ['stubborn'],
    )
    await supervisor.stopAll()
    assert.throws(() => process.kill(stubborn!, 0), { code: 'ESRCH' })
    assert.deepEqual(supervisor.list(), [])
    await supervisor.stop('never there')
    assert.deepEqual([starts().length, ends().length], [2, 0])
  })

  test('are stopped while they wait for their restart, or before they were spawned', async () => {
    const restart = { waitMs: () => 3_600_000, healthyMs: 60_000 }
    await supervisor.start(spec('waits', 'process.exitCode = 1', { restart }))
    await until('it ended', () => ends().length === 1)
    const starting = supervisor.start(spec('early', STAYS))
    await supervisor.stopAll()
    await starting
    await systemClock.sleep(100)
    assert.deepEqual(
      starts().map(({ name }) => name),
      ['waits'],
    )
  })

  test('a name that is there is left as it is; a folder that cannot be made is an error, and the name is free again', async () => {
    await supervisor.start(spec('a', STAYS))
    await supervisor.start(spec('a', 'process.exit(9)'))
    await until('it runs', () => starts().length === 1)
    await writeFile(join(dir, 'file'), '')
    await assert.rejects(supervisor.start(spec('b', STAYS, { dir: join(dir, 'file', 'b') })), { code: 'ENOTDIR' })
    assert.deepEqual(
      supervisor.list().map(({ name }) => name),
      ['a'],
    )
    await supervisor.start(spec('b', STAYS))
    await until('the other runs as well', () => starts().length === 2)
  })
})
