/** A worker is killed in the midst of an encode in every codec: another worker goes on, and the files are those of a run in which nobody died. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { codecs } from '../../media/codecs/codecs.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, oddFfmpeg, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

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
/** Reads a chunk no faster than it is played. */
const SLOW = { slow: 'set -- -re "$@"' }

test('a worker killed while it encodes H.264, HEVC, AV1 and VP9 in 8 and 10 bits changes no byte of the results', async (t) => {
  const dir = await folder(t)
  const ledger = await ledgerOf(t, dir)
  await writeFile(join(dir, 'all.json'), JSON.stringify({ renditions: RENDITIONS }))
  const lead = await startNode(t, dir, { name: 'lead', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const worker = ['--roles', 'worker', '--slots', '1', '--join', lead.address]
  const odd = await oddFfmpeg(dir, SLOW)
  await odd.set('slow')
  const victim = await startNode(t, dir, { name: 'victim', flags: [...worker, ...odd.flags] })
  await until('it has tried its encoders', async () => {
    return (peerNamed(await statusOf(lead), 'victim')?.encoders.length ?? 0) >= RENDITIONS.length
  })
  const source = await ensureSource('h264-open')
  await submit(lead, dir, source, ['--ladder', 'all.json'])
  const killed = await until('it encodes its second chunk in all renditions', async () => {
    const running =
      peerNamed(await statusOf(lead), 'victim')?.running.filter(({ task }) => !task.includes('/audio/')) ?? []
    const isAmid = running.length === RENDITIONS.length && running.every(({ done }) => done > 0.2 && done < 0.9)
    const [first] = await ledger.tasks({ kinds: ['video'], statuses: ['COMPLETED'] })
    return isAmid && first && running
  })
  await victim.stop()
  const second = await startNode(t, dir, { name: 'second', flags: worker })
  await until('the film is delivered', async () => {
    const [video] = await ledger.videos({ statuses: ['COMPLETED'] })
    return video?.deliveries.every(({ done_at }) => done_at)
  })
  for (const { task } of killed) {
    const { worker_id, completed_attempt } = (await ledger.task(task))!
    assert.deepEqual([worker_id, completed_attempt], [second.peer, 2], task)
  }
  const options = { cwd: dir, dataDir: join(dir, 'own') }
  const alone = await runCli(['run', source, '--ladder', 'all.json', '--out', 'alone'], options)
  assert.equal(alone.code, 0, alone.stderr)
  const files = await filesBelow(join(dir, 'alone'))
  assert.equal(files.length, RENDITIONS.length)
  for (const file of files)
    assert.ok((await readFile(join(dir, 'out', file))).equals(await readFile(join(dir, 'alone', file))), file)
})
