/** A worker is killed in the midst of an encode in every codec: another worker goes on, and the files are those of a run in which nobody died. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { codecs } from '../../media/codecs/codecs.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { afterFirst, ledgerOf, oddFfmpeg, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

/** Every codec in every depth, at the preset of its trial runs. */
const RENDITIONS = codecs().flatMap(({ name, bitDepths, trial: { preset } }) =>
  bitDepths.map((bit_depth) => ({
    id: `90p-${name}-${bit_depth}`,
    box: '160x90',
    codec: name,
    crf: 40,
    preset,
    bit_depth,
  })),
)
/** Reads at a tenth of the speed: it is in the midst of such an encode for as long as anybody looks. */
const SLOW = 'set -- -readrate 0.1 "$@"'

test('a worker killed while it encodes H.264, HEVC, AV1 and VP9 in 8 and 10 bits changes no byte of the results', {
  timeout: 480_000,
}, async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  await writeFile(join(dir, 'all.json'), JSON.stringify({ renditions: RENDITIONS }))
  const lead = await startNode(t, dir, { name: 'lead', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const worker = ['--roles', 'worker', '--slots', '1', '--join', lead.address]
  const odd = await oddFfmpeg(dir, { slow: afterFirst(dir, SLOW) })
  await odd.set('slow')
  const victim = await startNode(t, dir, { name: 'victim', flags: [...worker, ...odd.flags] })
  await until('it has tried its encoders', async () => {
    return (peerNamed(await statusOf(lead), 'victim')?.encoders.length ?? 0) >= RENDITIONS.length
  })
  const source = await ensureSource('h264-open')
  await submit(lead, dir, source, ['--ladder', 'all.json'])
  const killed = await until('it encodes its second chunk in all renditions', async () => {
    // It is asked itself: what others know of it is older.
    const running = peerNamed(await statusOf(victim), 'victim')?.running ?? []
    const amid = new Set(running.flatMap(({ task, done }) => (done > 0 ? [task] : [])))
    const tasks = (await ledger.tasks({ kinds: ['video'], statuses: ['PROCESSING'] })).filter(({ _id }) =>
      amid.has(_id),
    )
    const [first] = await ledger.tasks({ kinds: ['video'], statuses: ['COMPLETED'] })
    return first && tasks.length === RENDITIONS.length && tasks
  })
  await victim.stop()
  const second = await startNode(t, dir, { name: 'second', flags: worker })
  await until('the film is delivered', async () => {
    const [video] = await ledger.videos({ statuses: ['COMPLETED'] })
    return video?.deliveries.every(({ done_at }) => done_at)
  })
  for (const { _id, attempt } of killed) {
    const { worker_id, completed_attempt } = (await ledger.task(_id))!
    assert.deepEqual([worker_id, (completed_attempt ?? 0) > attempt], [second.peer, true], _id)
  }
  const options = { cwd: dir, dataDir: join(dir, 'own') }
  const alone = await runCli(['run', source, '--ladder', 'all.json', '--out', 'alone'], options)
  assert.equal(alone.code, 0, alone.stderr)
  const files = await filesBelow(join(dir, 'alone'))
  assert.equal(files.length, RENDITIONS.length)
  for (const file of files)
    assert.ok((await readFile(join(dir, 'out', file))).equals(await readFile(join(dir, 'alone', file))), file)
})
