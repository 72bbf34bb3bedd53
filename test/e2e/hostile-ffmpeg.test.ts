/** An ffmpeg that turns on its node: each bound stops it with its reason, the node lives, another peer finishes the film. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { FailureCode } from '../../protocol/errors.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { ledgerOf, oddFfmpeg, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

const run = promisify(execFile)
const FAST = ['--renditions', '480p', '--preset', 'ultrafast']
/** A busy machine may need long to fill its memory; what hangs is to be stopped soon. */
const bounds = (code: FailureCode) => [
  '--ffmpeg-stall-ms',
  code === 'stalled' ? '4000' : '60000',
  '--ffmpeg-memory-mb',
  '1024',
]
/** Keeps all it reads, and says so when the bound on its memory ends that. */
const HOARD = 'exec tail /dev/zero'

const CASES: readonly { what: string; does: string; code: FailureCode; message: RegExp }[] = [
  { what: 'hangs', does: 'sleep 600 & sleep 600 & wait', code: 'stalled', message: /no progress for 4 s/ },
  { what: 'talks', does: 'while :; do echo no >&2; sleep 0.01; done', code: 'stalled', message: /no progress for 4 s/ },
  { what: 'hoards', does: HOARD, code: 'out_of_bounds', message: /exceeded its memory limit/ },
  {
    what: 'writes',
    does: 'exec cat /dev/zero > "$OUT"',
    code: 'out_of_bounds',
    message: /wrote more than the \d+ bytes/,
  },
]

test('an ffmpeg that hangs, talks, hoards memory or writes without end is stopped with the reason, and others finish', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const odd = await oddFfmpeg(dir, Object.fromEntries(CASES.map(({ what, does }) => [what, does])))
  const lead = await startNode(t, dir, { name: 'lead', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const works = ['--roles', 'worker', '--slots', '1', '--join', lead.address]
  const video = await submit(lead, dir, await ensureSource('short'), FAST)
  // One after the other and each alone, so that it gets the tasks.
  for (const { what, code, message } of CASES) {
    await odd.set(what)
    const bad = await startNode(t, dir, { name: what, flags: [...works, ...odd.flags, ...bounds(code)] })
    const failed = await until(`${what}: its attempt fails`, async () => {
      const tasks = await ledger.tasks({ kinds: ['video', 'audio'] })
      return tasks.flatMap(({ failures }) => failures).find(({ worker_id }) => worker_id === bad.peer)
    })
    assert.deepEqual([what, failed.code], [what, code])
    assert.match(failed.message, message)
    assert.ok(bad.isAlive(), `${what}: the node lives`)
    await bad.stop()
    // The kernel ends its processes as it dies, which takes one that holds much memory a moment.
    await until(`${what}: nothing outlives its node`, async () => {
      const { stdout } = await run('ps', ['-eo', 'args'])
      return !stdout.split('\n').some((line) => line.includes(odd.path))
    })
  }
  await startNode(t, dir, { name: 'good', flags: works })
  await until('another finishes the film', async () => (await ledger.video(video as never))?.status === 'COMPLETED')
})

test('an ffmpeg that fills the disk costs its node no more than the attempt: it says so, waits for room, and works again', async (t) => {
  assert.equal(process.getuid?.(), 0, 'this test mounts a small file system, which needs root')
  const dir = await folder(t)
  const small = await mkdtemp(join(tmpdir(), 'reelmesh-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', small])
  atEnd(t, async () => {
    await run('umount', ['-l', small])
    await rmdir(small)
  })
  const ledger = await ledgerOf(t, dir)
  // Outside of its scratch folder, so that it stays full until somebody makes room; each file is below its bound.
  const fill = `for n in 1 2 3 4 5 6 7 8 9; do head -c 6000000 /dev/zero > ${small}/filler$n; done; exec ffmpeg "$@"`
  const odd = await oddFfmpeg(dir, { fills: fill })
  const lead = await startNode(t, dir, { name: 'lead', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const works = ['--roles', 'worker', '--slots', '1', '--join', lead.address]
  await odd.set('fills')
  const dataDir = join(small, 'data')
  const full = await startNode(t, dir, { name: 'full', dataDir, flags: [...works, ...odd.flags] })
  const video = await submit(lead, dir, await ensureSource('short'), FAST)
  await until(
    'it says that its disk is full',
    async () => peerNamed(await statusOf(lead), 'full')?.state === 'disk_full',
  )
  const tasks = await ledger.tasks({ video: video as never, kinds: ['video', 'audio'] })
  assert.deepEqual(new Set(tasks.flatMap(({ failures }) => failures.map(({ code }) => code))), new Set(['disk_full']))
  assert.deepEqual(
    tasks.flatMap(({ strikes }) => strikes),
    [],
  )
  assert.ok(
    (await ledger.events(100)).some(
      ({ what, text }) => what === 'disk_full' && text.startsWith('full claims no tasks'),
    ),
  )
  await odd.set('works')
  await run('sh', ['-c', `rm ${small}/filler*`])
  await until('it works again', async () => (await ledger.video(video as never))?.status === 'COMPLETED')
  assert.ok(full.isAlive())
})
