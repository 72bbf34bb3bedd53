/**
 * What a second worker is worth: the same film by one worker of half a core, by two, and by two behind a link of 50 Mbit/s each,
 * as hosts of their own (network namespaces, control groups; root on Linux). MongoDB and the peer that splits and merges are a third
 * host without a bound. Wall is from the submit to the delivered files; the three outputs of each round must be the same bytes.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_ENCODING, DEFAULT_NAMES } from '../protocol/recipe.ts'
import { type Lab, type LabNode, openLab } from '../testing/hosts/lab.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import type { Mongod } from '../testing/tools/mongod.ts'
import { openLedger } from '../testing/tools/open-ledger.ts'
import { type CpuLimit, limitCpu } from './cpu-limit.ts'
import { type Footage, givenClips, makeFootage, SHORT_GOP_S } from './footage.ts'
import { type Row, row } from './table.ts'

const CORES = 0.5
const LINK_BITS = 50e6
/** Twenty chunks, none longer than 8 s, as people get them who say nothing. */
const FULL = { seconds: 160, chunksMin: 20, preset: DEFAULT_ENCODING.preset } as const
const QUICK = { seconds: 20, chunksMin: 2, preset: 'ultrafast' } as const
const UP_S = 60
/** Where the film, the database and the peer that leads are; workers are on the hosts after it. */
const HOME = 0

interface Round {
  readonly wallS: number
  readonly chunks: number
  /** Attempts at its video tasks beyond one each: backups, and what was lost. */
  readonly more: number
  /** Of all workers. */
  readonly cpuS: number
  readonly sha256: string
}

export async function benchScale({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  if (availableParallelism() < 2) throw new Error('two halves of a core beside the rest need two cores')
  const { seconds, chunksMin, preset } = quick ? QUICK : FULL
  const footage = await makeFootage(givenClips(media), seconds, await ensureFfmpeg(), SHORT_GOP_S)
  await using rest = await limitCpu(`reelmesh-bench-${process.pid}-home`, null)
  await using lab = await openLab({ hosts: 3 })
  const mongod = await lab.mongod(HOME)
  for (const pid of mongod.pids) await rest.hold(pid)
  const job = { lab, mongod, rest, footage, preset }
  const one = await round({ ...job, workers: 1, bits: null })
  if (one.chunks < chunksMin) throw new Error(`${one.chunks} chunks say little: ${chunksMin} are meant`)
  const two = await round({ ...job, workers: 2, bits: null })
  const linked = await round({ ...job, workers: 2, bits: LINK_BITS })
  if (two.sha256 !== one.sha256 || linked.sha256 !== one.sha256) throw new Error('the rounds made different files')
  return rowsOf({ one, two, linked, footage, preset })
}

async function round(job: {
  lab: Lab
  mongod: Mongod
  /** Where what is not measured is held. */
  rest: CpuLimit
  footage: Footage
  preset: string
  workers: number
  bits: number | null
}): Promise<Round> {
  const { lab, mongod, rest, footage, preset, workers, bits } = job
  const ledger = mongod.freshUri()
  const mark = `${workers}${bits === null ? '' : '-linked'}`
  const env = { REELMESH_SELF_TEST_DIR: join(lab.dir, 'self-tests') }
  const limits: CpuLimit[] = []
  const nodes: LabNode[] = []
  try {
    nodes.push(await lab.host(HOME).node({ name: `home-${mark}`, ledger, roles: 'coordinator' }, env))
    const [home] = nodes as [LabNode]
    await rest.hold(home.pid)
    for (let at = 1; at <= workers; at++) {
      const host = lab.host(at)
      const flags = { name: `worker-${at}-${mark}`, ledger, roles: 'worker', slots: 1, join: home.addresses[0] ?? null }
      const node = await host.node(flags, env)
      nodes.push(node)
      limits.push(await limitCpu(`reelmesh-bench-${process.pid}-${at}`, CORES))
      await limits.at(-1)?.hold(node.pid)
      await host.rate(bits)
    }
    await untilUp(home, workers)
    const before = await usedSeconds(limits)
    const out = join(lab.dir, `out-${mark}`)
    const submit = ['submit', footage.path, '--preset', preset, '--wait', '--out', out, '--data-dir', home.dataDir]
    const { code, stderr } = await lab.host(HOME).cli(submit)
    if (code !== 0) throw new Error(`submit ended with exit code ${code}: ${stderr.trim().slice(-1_000)}`)
    const wallS = await wallOf(home)
    const cpuS = (await usedSeconds(limits)) - before
    console.error(`scale: ${mark} took ${wallS.toFixed(1)} s`)
    return { wallS, cpuS, ...(await chunksOf(ledger)), sha256: await hashOf(out, footage) }
  } finally {
    for (const node of nodes.reverse()) await node.kill('SIGTERM')
    for (const limit of limits) await limit.remove()
    for (const host of lab.hosts) await host.rate(null)
  }
}

async function untilUp(home: LabNode, workers: number): Promise<void> {
  const giveUpAt = performance.now() + UP_S * 1000
  for (;;) {
    const { peers, leader } = await home.status()
    if (leader !== null && peers.filter(({ state }) => state === 'idle').length >= workers + 1) return
    if (performance.now() > giveUpAt) throw new Error(`the mesh was not up within ${UP_S} s`)
    await sleep(200)
  }
}

async function usedSeconds(limits: readonly CpuLimit[]): Promise<number> {
  const each = await Promise.all(limits.map((limit) => limit.usedSeconds()))
  return each.reduce((sum, seconds) => sum + seconds, 0)
}

/** From the submit to the delivery by the ledger's clock: the start of the command line is no part of it. */
async function wallOf(home: LabNode): Promise<number> {
  const [video] = (await home.status()).videos
  const done = Math.max(...(video?.deliveries ?? []).map(({ done_at }) => done_at ?? Number.NaN))
  return (done - (video?.created_at ?? Number.NaN)) / 1000
}

async function chunksOf(url: string): Promise<Pick<Round, 'chunks' | 'more'>> {
  const ledger = await openLedger(url)
  try {
    const tasks = await ledger.tasks({ kinds: ['video'] })
    return {
      chunks: new Set(tasks.map(({ chunk_id }) => chunk_id)).size,
      more: tasks.reduce((sum, { attempt }) => sum + attempt - 1, 0),
    }
  } finally {
    await ledger.close()
  }
}

async function hashOf(out: string, { path }: Footage): Promise<string> {
  const name = path.replace(/^.*\//, '')
  const hash = createHash('sha256')
  for (const rendition of DEFAULT_NAMES) hash.update(await readFile(join(out, rendition, name)))
  return hash.digest('hex')
}

function rowsOf(of: { one: Round; two: Round; linked: Round; footage: Footage; preset: string }): Row[] {
  const { one, two, linked, footage, preset } = of
  const film = `1080p footage from ${footage.from}, ${one.chunks} chunks, to three renditions at ${preset}`
  return [
    row(film, footage.seconds, 's'),
    row('one worker of half a core, wall', one.wallS, 's'),
    row('two, wall', two.wallS, 's'),
    row('two, speed', footage.seconds / two.wallS, '× real time', one.wallS / two.wallS, 'one'),
    row('two behind 50 Mbit/s each, wall', linked.wallS, 's'),
    row(
      'two behind 50 Mbit/s each, speed',
      footage.seconds / linked.wallS,
      '× real time',
      two.wallS / linked.wallS,
      'two',
    ),
    row('attempts beyond one a chunk, of all three', one.more + two.more + linked.more, ''),
    row(`CPU of one (${used(one, 1)} of its half core)`, one.cpuS, 's'),
    row(`CPU of two (${used(two, 2)})`, two.cpuS, 's', two.cpuS / one.cpuS, 'one'),
    row(`CPU of two behind the link (${used(linked, 2)})`, linked.cpuS, 's', linked.cpuS / one.cpuS, 'one'),
  ]
}

/** What of its half core the mean worker used. */
const used = ({ cpuS, wallS }: Round, workers: number): string =>
  `${((100 * cpuS) / workers / CORES / wallS).toFixed(1)} %`
