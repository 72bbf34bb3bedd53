/** Several encoders of one codec in a mesh: what a plan names, who encodes it, and what people are shown of it. */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, peerNamed, startNode, statusOf, submit, until } from './nodes.ts'

const LADDER = `keyframe_s: 1
renditions:
  - {id: 90p, box: 160x90, codec: h264, crf: 30, preset: ultrafast}
  - {id: 90p-av1, box: 160x90, codec: av1, crf: 40, maxrate_kbps: 300, bufsize_kb: 300, preset: 8, bit_depth: 10}
`

/** A folder with the ladder, and flags for an ffmpeg without SVT-AV1 there. */
async function prepared(dir: string): Promise<readonly string[]> {
  await writeFile(join(dir, 'av1.yaml'), LADDER)
  const path = join(dir, 'ffmpeg-without-svt')
  await writeFile(path, '#!/bin/sh\ncase " $* " in *" libsvtav1 "*) exit 1 ;; esac\nexec ffmpeg "$@"\n')
  await chmod(path, 0o755)
  return ['--ffmpeg', path, '--sandbox', 'off']
}

test('without SVT-AV1 a ladder of AV1 is made by libaom, and doctor, ladder check and videos say so', async (t) => {
  const dir = await folder(t)
  const bare = await prepared(dir)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const made = await runCli(
    ['run', await ensureSource('short'), '--ladder', './av1.yaml', '--out', 'out', ...bare],
    options,
  )
  assert.equal(made.code, 0, made.stderr)
  assert.deepEqual((await filesBelow(join(dir, 'out'))).sort(), ['90p-av1/short.mp4', '90p/short.mp4'])
  const id = /video ([0-9a-f]{16})/.exec(made.stdout)![1]!
  const shown = (await runCli(['videos', id], options)).stdout
  assert.match(shown, /^ {2}90p-av1 +160x90 {2}av1 +aom-[\d-]+-10bit 8 crf 40 ≤300k +[\d.]+ kB +\d+ kb\/s$/m)
  const doctor = (await runCli(['doctor', ...bare], options)).stdout.replaceAll(/\s+/g, ' ')
  assert.match(
    doctor,
    /no working libsvtav1: AV1 renditions that are planned with it are left to other peers, those with libaom-av1 are encoded here/,
  )
  const checked = await runCli(['ladder', 'check', 'av1.yaml', ...bare.slice(0, 2)], options)
  assert.equal(checked.code, 0, checked.stderr)
  assert.match(checked.stdout, /90p-av1: aom-[\d-]+-10bit on this machine/)
})

test('where a worker has SVT-AV1 the plan names it, and workers with libaom alone take the rest', async (t) => {
  const dir = await folder(t)
  const bare = await prepared(dir)
  const ledger = await ledgerOf(t, dir)
  const lead = await startNode(t, dir, { name: 'lead', flags: ['--roles', 'coordinator', '--slots', '0'] })
  const worker = ['--roles', 'worker', '--slots', '1', '--join', lead.address]
  const full = await startNode(t, dir, { name: 'full', flags: worker })
  await startNode(t, dir, { name: 'bare', flags: [...worker, ...bare] })
  const has = async (name: string, word: RegExp) =>
    peerNamed(await statusOf(lead), name)?.encoders.some((each) => word.test(each))
  await until(
    'both have tried their encoders',
    async () => (await has('full', /^svtav1/)) && (await has('bare', /^aom/)),
  )
  const options = { cwd: dir, dataDir: lead.dataDir }
  const checked = (await runCli(['ladder', 'check', 'av1.yaml'], options)).stdout.replaceAll(/\s+/g, ' ')
  assert.match(
    checked,
    /90p: x264 on bare, full 90p-av1: svtav1-[\d-]+-10bit on full; bare has aom-[\d-]+-10bit, and not svtav1-[\d-]+-10bit /,
  )
  const id = await submit(lead, dir, await ensureSource('h264-open'), ['--ladder', './av1.yaml'])
  await until(
    'it is delivered',
    async () => (await ledger.videos({ statuses: ['COMPLETED'] }))[0]?.deliveries[0]?.done_at,
  )
  const tasks = await ledger.tasks({ kinds: ['video'] })
  const ofAv1 = tasks.filter(({ resolution }) => resolution === '90p-av1')
  assert.ok(ofAv1.length >= 2)
  for (const { _id, class: of, worker_id } of ofAv1) {
    assert.match(of, />svtav1-[\d-]+-10bit\/90p-av1$/, _id)
    assert.equal(worker_id, full.peer, _id)
  }
  const shown = JSON.parse((await runCli(['videos', id, '--json'], options)).stdout) as {
    renditions: { encoder: string }[]
  }
  assert.match(shown.renditions[1]!.encoder, /^svtav1-[\d-]+-10bit$/)
})
