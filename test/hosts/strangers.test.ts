/**
 * Peers that are not as the others: a clock that is 90 s fast, one that comes in the middle, another build of ffmpeg, an
 * ffmpeg that cannot encode, and one that breaks while it works.
 */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { ensureFaketime } from '../../testing/hosts/tools.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { ffmpegBuilds } from '../../testing/tools/ffmpegs.ts'
import { filesBelow } from '../../testing/tools/folder.ts'
import { type Films, makeFilms } from './film.ts'
import { assertExact, until, type Watch, watchLedger } from './watch.ts'

const FAST_S = 90

describe('a mesh with strangers', () => {
  let lab: Lab
  let films: Films
  /** Quick ones, where nothing must happen in the middle. */
  let small: Films
  let watch: Watch
  let wrongClock: NodeJS.ProcessEnv
  before(async () => {
    const library = await ensureFaketime()
    // Monotonic time stays true, as on a host whose clock is set wrong.
    wrongClock = {
      LD_PRELOAD: library,
      FAKETIME: `+${FAST_S}s`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
    lab = await openLab({ hosts: 3 })
    films = await makeFilms(lab)
    small = await makeFilms(lab, 'small')
    await lab.mongod(0)
    watch = await watchLedger(lab)
  })
  afterEach(() => Promise.all(lab.hosts.flatMap(({ nodes }) => nodes).map((node) => node.kill('SIGTERM'))))
  after(async () => {
    await watch?.close()
    await lab?.close()
  })

  const met = (node: LabNode, count: number) =>
    until(
      `${node.name} hears ${count}`,
      async () => (await node.status()).peers.filter(({ heard_s }) => heard_s < 3).length === count,
      60,
    )
  const workersOf = async (video: Parameters<Watch['tasks']>[0]) =>
    new Set<string | null>(
      (await watch.tasks(video)).filter(({ kind }) => kind === 'video').map(({ worker_id }) => worker_id),
    )
  test('a host whose clock is 90 s fast is heard, leads, encodes, and doctor says how far it is off', async () => {
    const fast = await lab.host(1).node({ slots: 1 }, wrongClock)
    const apart = (await fast.status()).at - Date.now()
    assert.ok(Math.abs(apart - FAST_S * 1_000) < 5_000, `its clock is ${apart} ms fast`)
    await until('it leads', async () => (await watch.leader())?.peer === fast.peer)
    const join = fast.addresses[0] ?? ''
    const right = await lab.host(2).node({ slots: 1, join })
    await Promise.all([met(fast, 2), met(right, 2)])
    const file = await small.another()
    const done = await watch.submit(right, file)
    await watch.delivered(done, 240)
    await assertExact(watch, done, small.expected(file))
    assert.deepEqual(await workersOf(done.video), new Set([fast.peer, right.peer]), 'both did some')
    assert.equal((await watch.leader())?.peer, fast.peer, 'it led all the time')
    const heard = (await right.status()).peers.find(({ peer }) => peer === fast.peer)
    assert.ok((heard?.heard_s ?? 99) < 3, 'its heartbeats count')

    const doctor = await lab
      .host(1)
      .cli(['doctor', '--ledger', lab.ledger, '--data-dir', `${lab.host(1).dir}/none`], wrongClock)
    assert.match(doctor.stdout, /clock .*(?:89|90)\.\d s/)

    await right.kill()
    const second = await small.another()
    const alone = await watch.submit(fast, second)
    await watch.delivered(alone, 240)
    await assertExact(watch, alone, small.expected(second))
  })

  test('a peer that comes in the middle gets chunks', async () => {
    const first = await lab.host(1).node({ slots: 1 })
    const file = await films.another()
    const done = await watch.submit(first, file)
    await until(
      'a chunk is done',
      async () =>
        (await watch.tasks(done.video)).some(({ kind, status }) => kind === 'video' && status === 'COMPLETED'),
      60,
    )
    const late = await lab.host(2).node({ slots: 1, join: first.addresses[0] ?? '' })
    await watch.delivered(done, 240)
    await assertExact(watch, done, films.expected(file))
    assert.ok((await workersOf(done.video)).has(late.peer), 'the late one did some')
  })

  test('peers with ffmpeg 6.0 and 8.1 work beside this host’s, and the pictures are the same to the byte', async () => {
    const builds = await ffmpegBuilds()
    const build = (name: string) =>
      builds.find((each) => each.name === name) ?? assert.fail(`there is no ffmpeg ${name}`)
    const [six, eight] = [build('6.0'), build('8.1')]
    const first = await lab.host(0).node({ slots: 1 })
    const shared = { slots: 1, join: first.addresses[0] ?? '', roles: 'worker' }
    const others = await Promise.all([
      lab.host(1).node({ ...shared, name: 'six', ffmpeg: six.ffmpeg, ffprobe: six.ffprobe }),
      lab.host(2).node({ ...shared, name: 'eight', ffmpeg: eight.ffmpeg, ffprobe: eight.ffprobe }),
    ])
    await met(first, 3)
    const versionOf = async (who: string) => (await first.status()).peers.find(({ name }) => name === who)?.ffmpeg ?? ''
    assert.match(await versionOf('six'), /^n?6\.0/)
    assert.match(await versionOf('eight'), /^n?8\.1/)
    const file = await small.another()
    const done = await watch.submit(first, file)
    await watch.delivered(done, 240)
    assert.deepEqual(await watch.audit(done.video), [])
    const workers = await workersOf(done.video)
    for (const { peer, name } of others) assert.ok(workers.has(peer), `${name} did some`)
    assert.deepEqual(await picturesBelow(done.out, file), await picturesBelow(small.reference, 'film.mp4'))
  })

  test('an ffmpeg that cannot encode ends its node with a sentence; one that breaks later is shown in status', async () => {
    const { ffmpeg, ffprobe } = await ensureFfmpeg()
    const host = lab.host(2)
    const without = await wrapper(
      join(host.dir, 'no-x264.sh'),
      `case "$*" in *libx264*) echo "Unknown encoder 'libx264'" >&2; exit 1;; esac; exec ${ffmpeg} "$@"`,
    )
    const refused = await host.cli([
      'node',
      '--data-dir',
      `${host.dir}/refused`,
      '--ffmpeg',
      without,
      '--ffprobe',
      ffprobe,
    ])
    assert.equal(refused.code, 2, refused.stderr)
    assert.match(refused.stderr, /^reelmesh: \S+ cannot encode with libx264 \(Unknown encoder 'libx264'\): install/)

    const flag = join(host.dir, 'broken')
    const breaks = await wrapper(
      join(host.dir, 'breaks.sh'),
      `if [ -e ${flag} ]; then echo "cannot open shared object" >&2; exit 127; fi; exec ${ffmpeg} "$@"`,
    )
    const first = await lab.host(1).node({ slots: 1 })
    const bad = await host.node({
      slots: 1,
      join: first.addresses[0] ?? '',
      name: 'breaks',
      ffmpeg: breaks,
      sandbox: 'off',
      ffprobe,
      roles: 'worker',
    })
    await met(first, 2)
    await writeFile(flag, '')
    const file = await small.another()
    const done = await watch.submit(first, file)
    await until(
      'status says that its ffmpeg fails',
      async () => (await first.status()).peers.find(({ peer }) => peer === bad.peer)?.state === 'self_test_failed',
      60,
    )
    const people = await lab.host(1).cli(['status', '--data-dir', first.dataDir])
    assert.match(people.stdout, /breaks +worker +self-test/)
    await watch.delivered(done, 240)
    await assertExact(watch, done, small.expected(file))
    assert.deepEqual(await workersOf(done.video), new Set([first.peer]))
  })

  async function wrapper(path: string, script: string): Promise<string> {
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return path
  }

  /** Rendition → md5 of its elementary video stream. Sound is made by one peer's build alone and may differ. */
  async function picturesBelow(dir: string, file: string): Promise<Record<string, string>> {
    const { ffmpeg } = await ensureFfmpeg()
    const name = file.split('/').at(-1) ?? ''
    const found: Record<string, string> = {}
    for (const path of (await filesBelow(dir)).filter((each) => each.endsWith(name))) {
      const args = ['-v', 'error', '-i', join(dir, path), '-map', '0:v:0', '-c', 'copy', '-f', 'md5', '-']
      found[path.split('/')[0] ?? ''] = (await execa(ffmpeg, args, { stdin: 'ignore' })).stdout
    }
    assert.equal(Object.keys(found).length, 1)
    return found
  }
})
