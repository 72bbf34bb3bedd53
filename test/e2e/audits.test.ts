/** A worker whose ffmpeg shows other pictures, right in number and time, among honest ones: audits find it before the merge. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { folder } from '../../testing/tools/folder.ts'
import { paintingFfmpeg } from '../../testing/tools/painting-ffmpeg.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

const FAST = ['--renditions', '480p', '--preset', 'ultrafast']
/** Films at most until it has had a chunk of one. */
const FILMS_MAX = 6

test('a worker that returns other pictures is quarantined with both hashes, and films are those of the honest ones', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const leads = ['--roles', 'coordinator', '--slots', '0', '--audit', '100%', '--machine', 'lead']
  const lead = await startNode(t, dir, { name: 'lead', flags: leads })
  const works = (machine: string) => ['--roles', 'worker', '--slots', '1', '--join', lead.address, '--machine', machine]
  for (const name of ['one', 'two']) await startNode(t, dir, { name, flags: works(name) })
  const { ffmpeg, sandbox } = await paintingFfmpeg(dir)
  const bad = await startNode(t, dir, {
    name: 'bad',
    flags: [...works('bad'), '--ffmpeg', ffmpeg, '--sandbox', sandbox],
  })
  const source = await ensureSource('multi')
  const recipes: string[][] = []
  const videos: string[] = []
  const found = await until(
    'the bad worker is found',
    async () => {
      const open = await ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING'] })
      if (open.length === 0 && videos.length < FILMS_MAX) {
        recipes.push([...FAST, '--crf', String(20 + videos.length)])
        videos.push(await submit(lead, dir, source, recipes.at(-1)!))
      }
      return (await ledger.events(500)).find(({ what }) => what === 'quarantined')
    },
    300,
  )
  await until('every film is finished', async () => {
    const done = await ledger.videos({ statuses: ['COMPLETED'] })
    return done.length === videos.length && done.every(({ deliveries }) => deliveries.every(({ done_at }) => done_at))
  })

  const [wrong, right] = found.text.match(/[0-9a-f]{64}/g) ?? []
  assert.ok(wrong && right && wrong !== right, found.text)
  const tasks = await ledger.tasks({ kinds: ['video', 'audit'], statuses: ['COMPLETED'] })
  assert.ok(tasks.filter(({ kind }) => kind === 'video').every(({ worker_id }) => worker_id !== bad.peer))
  const streams = tasks.filter(({ worker_id }) => worker_id !== bad.peer).map(({ output }) => String(output?.es_sha256))
  assert.ok(streams.includes(right) && !streams.includes(wrong), 'the right stream is the one of honest peers')

  const now = await statusOf(lead)
  assert.equal(peerNamed(now, 'bad')?.state, 'quarantined')
  assert.ok(now.videos.some(({ audits }) => audits.done > 0 && audits.differed > 0))
  // The last film is the one in which it was found.
  const alone = ['run', source, ...recipes.at(-1)!, '--out', join(dir, 'alone')]
  const { code, stderr } = await runCli(alone, { cwd: dir, dataDir: join(dir, 'own') })
  assert.equal(code, 0, stderr)
  const { deliveries } = (await ledger.video(videos.at(-1) as never))!
  const delivered = await readFile(join(dir, 'out', '480p', `${deliveries[0]?.name}.mp4`))
  assert.ok(delivered.equals(await readFile(join(dir, 'alone', '480p', 'multi.mp4'))), 'byte for byte')
})

test('of two workers that differ the ffmpeg of a leader without slots settles who is wrong', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const leads = ['--roles', 'coordinator', '--slots', '0', '--audit', '100%', '--machine', 'lead']
  const lead = await startNode(t, dir, { name: 'lead', flags: leads })
  const works = (machine: string) => ['--roles', 'worker', '--slots', '1', '--join', lead.address, '--machine', machine]
  await startNode(t, dir, { name: 'one', flags: works('one') })
  const { ffmpeg, sandbox } = await paintingFfmpeg(dir)
  const flags = [...works('bad'), '--ffmpeg', ffmpeg, '--sandbox', sandbox]
  const bad = await startNode(t, dir, { name: 'bad', flags })
  const video = (await submit(lead, dir, await ensureSource('multi'), FAST)) as never
  const quarantined = await until(
    'the bad worker is found',
    async () => (await ledger.events(500)).find(({ what }) => what === 'quarantined'),
    120,
  )
  assert.equal(quarantined.peer, bad.peer)
  await until('the film is finished', async () => (await ledger.video(video))?.deliveries.every((each) => each.done_at))
  const settled = (await ledger.tasks({ video, kinds: ['audit'], statuses: ['COMPLETED'] })).filter(
    ({ worker_id }) => worker_id === lead.peer,
  )
  assert.ok(settled.length > 0)
  const made = await ledger.tasks({ video, kinds: ['video'] })
  assert.ok(made.every(({ worker_id }) => worker_id !== bad.peer && worker_id !== lead.peer))
})
