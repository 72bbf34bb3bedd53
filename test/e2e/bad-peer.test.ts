/** A machine whose ffmpeg fails, among good ones: films are finished, and the mesh says who is bad and holds it back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, oddFfmpeg, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

const FAST = ['--renditions', '480p', '--preset', 'ultrafast']
const LEADS = ['--roles', 'coordinator', '--slots', '0']
const WORKS = ['--roles', 'worker', '--slots', '1']
const MODES = { crashes: 'kill -SEGV $$', fails: 'echo "Conversion failed!" >&2; exit 1' }

test('a peer that crashes at every encode is quarantined with the reason, the films are finished, and resume ends it', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const odd = await oddFfmpeg(dir, MODES)
  const lead = await startNode(t, dir, { name: 'lead', flags: LEADS })
  const joining = [...WORKS, '--join', lead.address]
  const bad = await startNode(t, dir, { name: 'bad', flags: [...joining, ...odd.flags] })
  await startNode(t, dir, { name: 'good', flags: joining })
  await odd.set('crashes')
  const film = await ensureSource('multi')
  const videos: string[] = []
  const submitOne = async () =>
    videos.push(await submit(lead, dir, film, [...FAST, '--crf', String(20 + videos.length)]))
  for (let count = 0; count < 3; count++) await submitOne()
  const held = await until('the bad peer is quarantined', async () => {
    const now = peerNamed(await statusOf(lead), 'bad')
    if (now?.state === 'quarantined') return now
    const open = await ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING'] })
    if (open.length < 2 && videos.length < 20) await submitOne()
    return null
  })
  assert.match(
    held.reason ?? '',
    /quarantined for 1 min: failed at \d+ chunks in a row that others completed.*build_cannot/,
  )
  const people = await runCli(['status'], { cwd: dir, dataDir: lead.dataDir })
  assert.match(people.stdout, /bad .*quarantined/)
  assert.match(people.stdout, /failed at \d+ chunks in a row/)
  await until('every film is finished', async () => {
    const done = await ledger.videos({ statuses: ['COMPLETED'] })
    return done.length === videos.length && done.every(({ deliveries }) => deliveries.every(({ done_at }) => done_at))
  })
  assert.ok(
    (await ledger.events(500)).some(({ what, text }) => what === 'quarantined' && /bad is quarantined for/.test(text)),
  )
  assert.ok(bad.isAlive())

  await odd.set('works')
  const resumed = await runCli(['resume', 'bad'], { cwd: dir, dataDir: lead.dataDir })
  assert.equal(resumed.code, 0, resumed.stderr)
  await until('it works again', async () => peerNamed(await statusOf(lead), 'bad')?.state === 'idle')
  assert.equal(peerNamed(await statusOf(lead), 'bad')?.reason, null)
})

test('a peer whose ffmpeg broke altogether notices it by a trial run, says so, and comes back when it works again', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const odd = await oddFfmpeg(dir, MODES, 'echo "illegal instruction" >&2; exit 1')
  const lead = await startNode(t, dir, { name: 'lead', flags: LEADS })
  const bad = await startNode(t, dir, { name: 'bad', flags: [...WORKS, '--join', lead.address, ...odd.flags] })
  await odd.set('broken')
  const video = await submit(lead, dir, await ensureSource('short'), FAST)
  await until(
    'it says that its self-test failed',
    async () => peerNamed(await statusOf(lead), 'bad')?.state === 'self_test_failed',
  )
  const struck = (await ledger.tasks({ kinds: ['video', 'audio'] })).flatMap(({ strikes }) => strikes)
  // One attempt, at the sound and the picture of a short film.
  assert.ok(struck.length <= 2, `${struck.length} strikes before it looked`)
  assert.ok(
    (await ledger.events(100)).some(
      ({ what, text }) => what === 'self_test_failed' && /illegal instruction/.test(text),
    ),
  )
  await odd.set('works')
  await until('the film is finished', async () => (await ledger.video(video as never))?.status === 'COMPLETED')
  assert.ok(bad.isAlive())
})
