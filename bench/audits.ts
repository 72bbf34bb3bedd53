/**
 * What audits cost: one film by three workers that are known (so that only the share is audited), without audits, at 2 % and at 20 %. CPU time of
 * all node processes and their ffmpegs, from the submit to the merged film, all in one run; read the ratios. Which results are drawn is chance:
 * the number of audits stands beside each.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { AUDITED_FIRST } from '../protocol/limits.ts'
import { DEFAULT_ENCODING, ladderOf } from '../protocol/recipe.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { type LocalMesh, openLocalMesh } from './local-mesh.ts'
import { endLocalNode, type LocalNode } from './local-node.ts'
import { cpuSecondsOf } from './measure.ts'
import { type Row, row } from './table.ts'

const FULL = { seconds: 600, size: '640x360', preset: 'veryfast' }
const QUICK = { seconds: 40, size: '160x90', preset: 'ultrafast' }
const HEIGHTS = [240, 360]
const WORKERS = ['a', 'b', 'c']
/** The second one without shows how much two equal rounds differ. */
const SHARES = ['off', '2%', '20%', 'off'] as const
const UP_S = 60
const DONE_S = 900

interface Round {
  readonly cpuS: number
  readonly tasks: number
  readonly audits: number
}

export async function benchAudits({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const film = quick ? QUICK : FULL
  const mesh = await openLocalMesh('audits')
  try {
    const path = await paint(mesh.dir, film)
    const works = (machine: string) => ['--roles', 'worker', '--slots', '1', '--machine', machine]
    const workers = await Promise.all(WORKERS.map((name) => mesh.start(name, works(name))))
    for (const { peer } of workers) await mesh.ledger.setPeer(peer, { audits_agreed: AUDITED_FIRST })
    const rounds: Round[] = []
    for (const [at, share] of SHARES.entries()) {
      const flags = ['--roles', 'coordinator', '--slots', '0', '--machine', 'lead', '--audit', share]
      const lead = await mesh.start('lead', flags)
      await mesh.until('a mesh of all', async () => mesh.mesh.peers().length === WORKERS.length + 1, UP_S)
      rounds.push(await round({ mesh, lead, workers, path, preset: film.preset, crf: 24 + at }))
      await endLocalNode(lead)
    }
    return rowsOf(rounds, film)
  } finally {
    await mesh.stop()
  }
}

async function paint(dir: string, { seconds, size }: typeof FULL): Promise<string> {
  const path = join(dir, 'film.mp4')
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50']
  const source = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`]
  await execa((await ensureFfmpeg()).ffmpeg, ['-nostdin', '-v', 'error', '-y', ...source, ...codec, path])
  return path
}

/** One film. Its rate differs each time, as a film that is known is not encoded again. */
async function round(job: {
  mesh: LocalMesh
  lead: LocalNode
  workers: readonly LocalNode[]
  path: string
  preset: string
  crf: number
}): Promise<Round> {
  const { mesh, lead, workers, path, preset, crf } = job
  const used = async () => {
    const each = await Promise.all([lead, ...workers].map(({ pid }) => cpuSecondsOf(pid, 'with children')))
    return each.reduce((sum, seconds) => sum + seconds, 0)
  }
  const before = await used()
  const renditions = ladderOf(HEIGHTS, { ...DEFAULT_ENCODING, preset, rate: { crf } })
  const video = await mesh.submit(lead, path, { renditions })
  const isDone = async () => {
    await sleep(200)
    const status = (await mesh.ledger.video(video))?.status
    if (status === 'FAILED') throw new Error('the video failed')
    return status === 'COMPLETED'
  }
  await mesh.until('the result', isDone, DONE_S)
  const cpuS = (await used()) - before
  const [tasks, audits] = await Promise.all(
    ['video', 'audit'].map((kind) => mesh.ledger.tasks({ video, kinds: [kind], statuses: ['COMPLETED'] })),
  )
  return { cpuS, tasks: tasks!.length, audits: audits!.length }
}

function rowsOf(rounds: readonly Round[], { seconds, size, preset }: typeof FULL): Row[] {
  const plain = rounds.filter((_, at) => SHARES[at] === 'off')
  const alone = plain.reduce((sum, { cpuS }) => sum + cpuS, 0) / plain.length
  return rounds.map(({ cpuS, tasks, audits }, at) => {
    const what = `CPU of a film of ${seconds} s, ${size}, preset ${preset}, ${tasks} tasks, audit ${SHARES[at]}: ${audits} audits`
    return row(what, cpuS, 's', cpuS / alone, 'the mean without audits')
  })
}
