/** A node of one's own: submit, wait, cancel, retry, priority, status, and how it ends. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerStatus, StatusSnapshot } from '../../protocol/status.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { programFile } from '../../testing/tools/program.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'
import { webhookReceiver } from '../../testing/tools/webhook-receiver.ts'

const FAST = ['--preset', 'ultrafast', '--renditions', '480p']
/** Webhooks of a video that goes well. */
const SENT = ['video.completed', 'video.delivered']

/** A node that is up; ended with the test. */
async function startNode(
  t: { after(act: () => Promise<void>): void },
  place: { dir: string; dataDir: string },
  flags: readonly string[] = [],
): Promise<ChildProcess> {
  const env = { ...process.env, REELMESH_DATA_DIR: place.dataDir }
  const node = spawn(process.execPath, [await programFile(), 'node', '--slots', '1', '--name', 'solo', ...flags], {
    cwd: place.dir,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  atEnd(t, async () => {
    if (node.exitCode === null && node.signalCode === null) {
      node.kill('SIGKILL')
      await once(node, 'exit')
    }
  })
  const [text] = (await once(node.stdout!.setEncoding('utf8'), 'data')) as [string]
  assert.match(text, /^solo is up: peer 12D3KooW/)
  return node
}

/** Processes of this machine whose command line holds this text. */
async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(text)).map((line) => line.replaceAll('\0', ' '))
}

async function until(what: string, holds: () => Promise<boolean>, seconds = 90): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within ${seconds} s: ${what}`)
    await sleep(100)
  }
}

test('a node takes submissions, delivers, answers status, and ends cleanly on SIGTERM', async (t) => {
  const dir = await folder(t)
  const place = { dir, cwd: dir, dataDir: join(dir, 'data') }
  const source = await ensureSource('short')
  const early = await runCli(['submit', source], place)
  assert.equal(early.code, 3)
  assert.match(early.stderr, /no node runs on this machine.*reelmesh node.*reelmesh run/)

  const hook = await webhookReceiver(t, dir)
  const node = await startNode(t, place, hook.flags)
  const hooked = ['--webhook', `${hook.url}/submitted`]
  const submitted = await runCli(['submit', source, '--wait', '--out', 'out', '--json', ...FAST, ...hooked], place)
  assert.equal(submitted.code, 0, submitted.stderr)
  assert.deepEqual(await filesBelow(join(dir, 'out')), ['480p/short.mp4'])
  const video = String(eventsOf(submitted.stdout).find((event) => event.event === 'submitted')?.video)
  await until('its webhooks have come', async () => SENT.every((type) => hook.typesOf(video).includes(type)))

  const status = await runCli(['status', '--json'], place)
  const snapshot = JSON.parse(status.stdout) as StatusSnapshot
  assert.equal(snapshot.peers[0]?.name, 'solo')
  assert.equal(snapshot.leader?.peer, snapshot.self)
  assert.equal(snapshot.videos[0]?.status, 'COMPLETED')
  const doctor = (await runCli(['doctor', '--json', '--listen', '/ip4/127.0.0.1/tcp/4999'], place)).stdout
  assert.match(doctor, /a node runs here and has it open/)
  assert.doesNotMatch(doctor, /4999/, 'its own setting is not what the node listens on')
  const people = await runCli(['status'], place)
  assert.ok(
    people.stdout.split('\n').every((line) => line.length <= 80),
    people.stdout,
  )
  assert.match((await runCli(['videos'], place)).stdout, new RegExp(`^${video} {2}COMPLETED {2}short`, 'm'))
  const cancel = await runCli(['cancel', video], place)
  assert.equal(cancel.code, 1)
  assert.match(cancel.stderr, /short is COMPLETED: there is nothing to cancel/)
  const unknown = await runCli(['retry', '0123456789abcdef'], place)
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /there is no video 0123456789abcdef/)

  node.kill('SIGTERM')
  const [code] = (await once(node, 'exit')) as [number]
  assert.equal(code, 0)
  const offline = await runCli(['videos', '--json'], place)
  assert.match(offline.stdout, new RegExp(video), 'without a node the ledger itself answers')
})

test('cancel stops the encoding, retry takes it up again, priority is changed, and the result is right', async (t) => {
  const dir = await folder(t)
  const place = { dir, cwd: dir, dataDir: join(dir, 'data') }
  await startNode(t, place)
  const source = await ensureSource('h264-closed')
  const slow = ['--out', 'out', '--json', '--preset', 'veryslow', '--upscale', '--renditions', '1080p']
  const submitted = await runCli(['submit', source, ...slow], place)
  const video = String(eventsOf(submitted.stdout)[0]?.video)
  const running = async () =>
    (await processesNaming(place.dataDir)).filter((line) => /ffmpeg/.test(line) && /libx264/.test(line)).length
  await until('an encode runs', async () => (await running()) > 0)
  assert.equal((await runCli(['priority', video, '7'], place)).code, 0)
  const hurried = await runCli(['deadline', video, '--within', '2h'], place)
  assert.match(hurried.stdout, /: deadline set\n.*: done about \S+, .* to spare\n$/)
  for (const wrong of [['2020-01-01'], ['--within', 'soon'], []]) {
    const { code, stderr } = await runCli(['deadline', video, ...wrong], place)
    assert.deepEqual([code, stderr.trim().split('\n').length], [2, 1], stderr)
  }
  assert.equal((await runCli(['deadline', video, '--clear'], place)).code, 0)
  assert.equal((await runCli(['cancel', video], place)).code, 0)
  await until('the encode is stopped', async () => (await running()) === 0)
  assert.match((await runCli(['videos'], place)).stdout, /CANCELLED/)
  assert.equal((await runCli(['retry', video], place)).code, 0)
  await until('the encode runs again', async () => (await running()) > 0)

  let cancelled: Promise<unknown> | null = null
  const waited = await runCli(['submit', source, '--wait', ...slow], {
    ...place,
    onLine: (line) => {
      if (line.includes('"progress"')) cancelled ??= runCli(['cancel', video], place)
    },
  })
  assert.equal(waited.code, 1, 'a wait for a video that is cancelled ends with an error')
  assert.equal(eventsOf(waited.stdout).find(({ event }) => event === 'failed')?.video, video)
  assert.equal(eventsOf(waited.stdout).at(-1)?.how, 'failed')
  await cancelled
})

test('a killed run leaves no worker and no ffmpeg behind, and a new one continues it', async (t) => {
  const dir = await folder(t)
  const place = { cwd: dir, dataDir: join(dir, 'data') }
  const source = await ensureSource('h264-closed')
  const args = [
    'run',
    source,
    '--out',
    join(dir, 'out'),
    '--json',
    '--workers',
    '2',
    '--preset',
    'medium',
    '--upscale',
    '--renditions',
    '480p',
  ]
  let killed = false
  const first = await runCli(args, {
    ...place,
    onLine: (line, kill) => {
      if (killed || !line.includes('"attempt"')) return
      killed = true
      kill('SIGKILL')
    },
  })
  assert.equal(first.code, null)
  await until('nothing is left running', async () => (await processesNaming(place.dataDir)).length === 0)
  const second = await runCli(args, place)
  assert.equal(second.code, 0, second.stderr)
  assert.equal(eventsOf(second.stdout).find((event) => event.event === 'submitted')?.outcome, 'joined')
  assert.deepEqual(await filesBelow(join(dir, 'out')), ['480p/h264-closed.mp4'])
})

test('Ctrl-C stops a run cleanly with exit code 130, and a new one with a worker process continues it', async (t) => {
  const dir = await folder(t)
  const place = { cwd: dir, dataDir: join(dir, 'data') }
  const args = [
    'run',
    await ensureSource('short'),
    '--out',
    join(dir, 'out'),
    '--json',
    '--preset',
    'veryslow',
    '--upscale',
    '--renditions',
    '720p',
  ]
  let interrupted = false
  const first = await runCli(args, {
    ...place,
    onLine: (line, kill) => {
      // A second one would end it at once.
      if (interrupted || !line.includes('"attempt"')) return
      interrupted = true
      kill('SIGINT')
    },
  })
  assert.equal(first.code, 130, first.stderr)
  assert.deepEqual(await processesNaming(place.dataDir), [])
  assert.deepEqual(await filesBelow(join(dir, 'out')), [])
  const second = await runCli([...args, '--workers', '1'], place)
  assert.equal(second.code, 0, second.stderr)
  assert.deepEqual(await filesBelow(join(dir, 'out')), ['720p/short.mp4'])
  const third = await runCli(args, place)
  assert.equal(third.code, 0, third.stderr)
})

test('a run is a mesh of its own, whatever is set for a node of this host', async (t) => {
  const dir = await folder(t)
  const settings = {
    ledger: 'mongodb://127.0.0.1:9/other',
    input: join(dir, 'watched'),
    announce: ['/ip4/192.0.2.1/tcp/4001'],
    join: ['/ip4/127.0.0.1/tcp/9'],
    launcher: 'process',
    scale_min: 1,
    swarm_key: 'not-there.key',
    roles: ['coordinator'],
    slots: 0,
    renditions: ['1080p'],
  }
  await writeFile(join(dir, 'reelmesh.yaml'), JSON.stringify(settings))
  await mkdir(settings.input)
  await copyFile(await ensureSource('short'), join(settings.input, 'other.mp4'))
  const hook = await webhookReceiver(t, dir)
  const hooked = ['--webhook', `${hook.url}/run`, ...hook.flags]
  const args = ['run', await ensureSource('short'), '--out', 'out', '--json', ...FAST, ...hooked]
  const env = { REELMESH_LEDGER: settings.ledger, REELMESH_INPUT: settings.input }
  const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, 'data'), env })
  assert.equal(code, 0, stderr)
  assert.deepEqual(await filesBelow(join(dir, 'out')), ['480p/short.mp4'])
  assert.deepEqual(await filesBelow(settings.input), ['other.mp4'])
  const peers = eventsOf(stdout).flatMap(({ event, workers }) =>
    event === 'progress' ? (workers as PeerStatus[]) : [],
  )
  assert.deepEqual([...new Set(peers.map(({ name }) => name))], ['this process'], 'which encodes by itself')
  assert.equal(eventsOf(stdout).filter(({ event }) => event === 'worker_started').length, 0)
  const { video } = eventsOf(stdout).find(({ event }) => event === 'submitted') ?? {}
  for (const type of SENT) assert.ok(hook.typesOf(video).includes(type), `${type} was sent before it ended`)
})

test('watching and waiting commands report the end of the node, and the watch continues after its restart', async (t) => {
  const dir = await folder(t)
  const place = { dir, cwd: dir, dataDir: join(dir, 'data') }
  const first = await startNode(t, place)
  const source = await ensureSource('h264-closed')
  let seen = 0
  const waits = runCli(
    [
      'submit',
      source,
      '--wait',
      '--out',
      'out',
      '--json',
      '--preset',
      'veryslow',
      '--upscale',
      '--renditions',
      '1080p',
    ],
    { ...place, onLine: (line) => line.includes('"progress"') && seen > 0 && first.kill('SIGKILL') },
  )
  const missed = Promise.withResolvers<void>()
  const watched = runCli(['status', '--watch', '--json'], {
    ...place,
    onLine: (_line, kill) => {
      seen++
      if (isBack) kill('SIGINT')
    },
    onError: () => missed.resolve(),
  })
  let isBack = false
  const { code, stdout, stderr } = await waits
  assert.equal(code, 3, stderr)
  assert.match(stderr, /^reelmesh: the node on this machine does not answer.*\n$/)
  assert.equal(eventsOf(stdout).at(-1)?.how, 'failed')
  // It looks every second: a node that is back sooner was never missed.
  await missed.promise
  await startNode(t, place)
  isBack = true
  assert.match((await watched).stderr, /^reelmesh: the node on this machine does not answer/)
})
