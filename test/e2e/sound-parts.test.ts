/** The sound of a package can be had while it is encoded, whoever dies: on a mesh of three nodes whose encoder of the sound is killed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import type { Artifact } from '../../protocol/artifact.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { ledgerOf, oddFfmpeg, startNode, submit, until } from './nodes.ts'

const RECIPE = ['--renditions', '64p', '--preset', 'ultrafast', '--package', 'hls']
const LEADS = ['--roles', 'coordinator', '--slots', '0']
const WORKS = ['--roles', 'worker', '--slots', '1']

async function film(path: string): Promise<void> {
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, [
    '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=114x64:r=5:d=200', '-f', 'lavfi', '-i', 'anoisesrc=d=200:a=0.3:c=pink:r=48000',
    '-preset', 'ultrafast', '-c:a', 'aac', path,
  ]) // biome-ignore format: groups
}

test('the parts of a sound outlive their encoder, are made again with equal bytes, and are those of the package', async (t) => {
  const dir = await folder(t)
  const source = join(dir, 'film.mp4')
  await film(source)
  // Only an encode that is read meanwhile is slow: 200 s of sound take 14 s.
  const slow = await oddFfmpeg(dir, { slow: 'case "$*" in *"-f tee"*) exec ffmpeg -readrate 15 "$@" ;; esac' })
  await slow.set('slow')
  const lead = await startNode(t, dir, { name: 'lead', flags: LEADS })
  const ledger = await ledgerOf(t, dir)
  const workers = await Promise.all(
    ['one', 'two'].map((name) => startNode(t, dir, { name, flags: [...WORKS, '--join', lead.address, ...slow.flags] })),
  )
  const video = (await submit(lead, dir, source, RECIPE)) as VideoId
  const sound = async () => (await ledger.task(taskId(video, 'audio')))!
  const isHeldBy = ({ holders }: Artifact, peer: string) => holders.some((each) => each === peer)
  const running = await until('the leader holds three parts', async () => {
    const task = await ledger.task(taskId(video, 'audio'))
    const held = task?.outputs.filter((part) => isHeldBy(part, lead.peer)) ?? []
    return held.length >= 3 && task
  })
  assert.equal(running.status, 'PROCESSING')
  const encoder = workers.find(({ peer }) => peer === running.worker_id)!
  await encoder.stop()
  const listed = (await sound()).outputs.filter((part) => isHeldBy(part, lead.peer))

  // Whoever plays it reads them from the leader.
  const stored = await filesBelow(lead.dataDir)
  const read = async ({ sha256 }: Artifact) => {
    const bytes = await readFile(join(lead.dataDir, stored.find((name) => name.includes(sha256))!))
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256)
    return bytes
  }
  const played = Buffer.concat(await Promise.all(listed.map(read)))

  const other = workers.find((each) => each !== encoder)!
  const again = await until('the other worker has made them again, and more', async () => {
    const task = await sound()
    return task.outputs.length > running.outputs.length && isHeldBy(task.outputs[0]!, other.peer) && task
  })
  const names = ({ outputs }: { outputs: readonly Artifact[] }) =>
    outputs.map(({ path, sha256 }) => `${path} ${sha256}`)
  assert.deepEqual(names(again).slice(0, listed.length), names({ outputs: listed }))
  assert.ok(again.attempt > running.attempt)

  await until('the film is delivered', async () =>
    (await ledger.video(video))?.deliveries.every((each) => each.done_at),
  )
  assert.deepEqual((await sound()).outputs, [])
  const track = await readFile(join(dir, 'out', 'film', 'audio-1.mp4'))
  const { init } = listed[0]!.sound!
  const segments = track.subarray(init + track.readUInt32BE(init))
  assert.ok(played.subarray(0, init).equals(track.subarray(0, init)))
  assert.ok(played.subarray(init).equals(segments.subarray(0, played.length - init)))
  const left = await filesBelow(lead.dataDir)
  assert.ok(!left.some((name) => listed.some(({ sha256 }) => name.includes(sha256))), 'they are removed with the rest')
})
