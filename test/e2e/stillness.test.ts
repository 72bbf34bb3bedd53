/**
 * A video that stands still says why: the one peer that has its source and its cut chunks is killed. The other one says so, claims nothing that
 * it cannot have, and goes on where the first is started again.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeClip } from '../../testing/sources/clip.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, oddFfmpeg, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

/** Long enough that the peer which encodes it cannot have fetched all of its chunks when it has encoded one. */
const SECONDS = 48
const FAST = ['--renditions', '480p,720p', '--preset', 'ultrafast']
const NAS = ['--roles', 'coordinator', '--slots', '0']
const BOX = ['--roles', 'worker,coordinator', '--slots', '1']
/** Longer than a peer that fails and tries again needs for many attempts. */
const WATCHED_MS = 15_000

test('the loss of the one peer that has a source is told in a sentence, piles up no attempts, and heals when it is back', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  const slow = await oddFfmpeg(dir, { slow: 'sleep 3' })
  await slow.set('slow')
  const nas = await startNode(t, dir, { name: 'nas', flags: NAS })
  const box = await startNode(t, dir, { name: 'box', flags: [...BOX, '--join', nas.address, '--ffmpeg', slow.path] })
  const film = join(dir, 'film.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: film, seconds: SECONDS, width: 160, height: 90, fps: 25, ffmpeg })
  const video = (await submit(nas, dir, film, FAST)) as never
  const encodes = async () => await ledger.tasks({ video, kinds: ['video'] })
  await until('box has encoded a chunk', async () => (await encodes()).some(({ status }) => status === 'COMPLETED'))
  await nas.stop()

  const still = await until('box says why the video stands still', async () => {
    const row = (await statusOf(box)).videos.find(({ id }) => id === video)
    return row?.still?.code === 'source_absent' ? row.still : null
  })
  const says =
    /^waits for nas, silent for \d+ s: it alone has the source.*; start it again or give this mesh a shared folder$/
  assert.match(still.text, says)
  const people = await runCli(['status'], { cwd: dir, dataDir: box.dataDir })
  assert.match(people.stdout.replace(/\s+/g, ' '), /waits for nas, silent for \d+ s: it alone has the source/)
  const before = (await ledger.tasks({ video })).map(({ attempt }) => attempt)
  await sleep(WATCHED_MS)
  assert.equal(peerNamed(await statusOf(box), 'box')?.state, 'idle')
  assert.deepEqual(
    (await ledger.tasks({ video })).map(({ attempt }) => attempt),
    before,
  )
  const events = async () => (await ledger.events(200)).filter((event) => event.video === video)
  assert.match(
    (await events()).find(({ what }) => what === 'still')?.text ?? '',
    /makes no progress: waits for nas, silent/,
  )

  await startNode(t, dir, { name: 'nas', flags: [...NAS, '--join', box.address] })
  await until('an event says that it moves', async () => (await events()).some(({ what }) => what === 'moves'))
  await slow.set('works')
  await until('the film is finished', async () => (await ledger.video(video))?.deliveries.every((each) => each.done_at))
})
