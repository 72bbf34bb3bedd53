/** The leader is killed while it packages: the next one makes the package again, whole, of the same bytes. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, oddFfmpeg, startNode, statusOf, submit, until } from './nodes.ts'

const ASKED = ['--renditions', '90p,180p', '--preset', 'ultrafast', '--package', 'hls,dash', '--package-only']
/** The images come after the tracks: the leader stays in the midst of its package. */
const MODES = { waits: 'case "$OUT" in *thumbnails*) exec sleep 1000;; esac' }

for (const more of [[], ['--segments']])
  test(`a leader killed while it packages ${more.join()} leaves nothing of it, and the next one publishes all of it`, async (t) => {
    const dir = await folder(t)
    const ledger = await ledgerOf(t, dir)
    const odd = await oddFfmpeg(dir, MODES)
    await odd.set('waits')
    const first = await startNode(t, dir, { name: 'first', flags: ['--slots', '0', ...odd.flags] })
    await until('the first leads', async () => (await statusOf(first)).leader !== null)
    const second = await startNode(t, dir, { name: 'second', flags: ['--slots', '1', '--join', first.address] })
    const source = await ensureSource('multi')
    await submit(second, dir, source, [...ASKED, ...more])
    const packaging = async () => {
      const [task] = await ledger.tasks({ kinds: ['package'], statuses: ['PROCESSING'] })
      const files = task ? await filesBelow(join(first.dataDir, 'store', 'scratch')) : []
      return files.some((path) => path.endsWith('audio-1.mp4')) && task
    }
    const task = await until('the first has written the tracks, and makes the images', packaging)
    assert.equal(task.worker_id, first.peer)
    await first.stop()
    assert.deepEqual(await filesBelow(join(dir, 'out')), [], 'nothing of it is delivered')
    const video = await until('the package is delivered', async () => {
      const [video] = await ledger.videos({ statuses: ['COMPLETED'] })
      return video?.deliveries.every(({ done_at }) => done_at) && video
    })
    const made = await ledger.task(task._id)
    assert.deepEqual([made?.worker_id, made?.status], [second.peer, 'COMPLETED'])
    assert.ok((made?.completed_attempt ?? 0) > 1)

    const alone = await runCli(['run', source, ...ASKED, ...more, '--out', 'alone'], {
      cwd: dir,
      dataDir: join(dir, 'd'),
    })
    assert.equal(alone.code, 0, alone.stderr)
    const [files, expected] = await Promise.all(['out', 'alone'].map((each) => filesBelow(join(dir, each))))
    assert.deepEqual(files!.sort(), expected!.sort())
    for (const file of files!)
      assert.deepEqual(await readFile(join(dir, 'out', file)), await readFile(join(dir, 'alone', file)), file)
    assert.ok(video.outputs.length > 5)
  })
