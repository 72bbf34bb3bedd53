/**
 * What many videos cost, with each ledger: how long `submit` of many files takes, and what a node, as it is shipped, takes beside a queue of 10 and
 * of 2,000 videos: `status`, an idle coordinator, and one more video. Only where there is a /proc.
 *
 * `REELMESH_BENCH_LEDGER=sqlite` or `mongo` measures one ledger only; `REELMESH_BENCH_PROFILE=DIR` has every node write a CPU profile into that
 * folder.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { parseResponse } from 'hono/client'
import { createLedger } from '../ledger/crowd-worker.fixture.ts'
import { type ControlClient, connectControl } from '../node/http/control-client.ts'
import { controlSocketPath } from '../node/http/control-path.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { startMongod } from '../testing/tools/mongod.ts'
import { buildProgram } from '../testing/tools/program.ts'
import { endLocalNode, type LocalNode, startLocalNode } from './local-node.ts'
import { cpuSecondsOf, measure } from './measure.ts'
import { addFillers } from './queue/fillers.ts'
import { type Row, row } from './table.ts'

interface Scale {
  /** Files of one `submit`. */
  readonly files: readonly [few: number, many: number]
  /** Videos that wait. */
  readonly queued: readonly [few: number, many: number]
  /** Clips that are encoded beside them. */
  readonly clips: number
  /** Time until the idle node is watched, and for how long: with many videos it has then looked at all of them, and does so once more (`LOOKS_MAX_MS`). */
  readonly settleS: readonly [few: number, many: number]
  readonly watchS: readonly [few: number, many: number]
  /** Times that the status is asked for. */
  readonly asks: number
}
const FULL: Scale = { files: [10, 300], queued: [10, 2_000], clips: 20, settleS: [20, 70], watchS: [30, 60], asks: 5 }
const QUICK: Scale = { files: [2, 10], queued: [4, 40], clips: 2, settleS: [3, 3], watchS: [3, 3], asks: 2 }

type Kind = 'sqlite' | 'mongo'
interface Place {
  readonly kind: Kind
  readonly dir: string
  readonly main: string
  readonly tools: Ffmpeg
  readonly clip: Buffer
  /** The address of a ledger of this name: as the flag takes it, and as an adapter does. */
  ledger(name: string): { flag: string; at: string }
}

export async function benchQueue({ quick }: { quick: boolean }): Promise<Row[]> {
  const scale = quick ? QUICK : FULL
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-queue-'))
  const only = process.env['REELMESH_BENCH_LEDGER']
  try {
    const [main, tools] = [join(dir, 'reelmesh.mjs'), await ensureFfmpeg()]
    await buildProgram(main)
    const common = { dir, main, tools, clip: await makeClip(dir, tools) }
    const rows: Row[] = []
    const file = (name: string) => join(dir, `${name}.sqlite`)
    if (only !== 'mongo')
      rows.push(
        ...(await benchKind(
          { ...common, kind: 'sqlite', ledger: (name) => ({ flag: `sqlite:${file(name)}`, at: file(name) }) },
          scale,
        )),
      )
    if (only === 'sqlite') return rows
    await using mongod = await startMongod()
    const uris = new Map<string, string>()
    const uri = (name: string) => uris.set(name, uris.get(name) ?? mongod.freshUri()).get(name)!
    return [
      ...rows,
      ...(await benchKind({ ...common, kind: 'mongo', ledger: (name) => ({ flag: uri(name), at: uri(name) }) }, scale)),
    ]
  } finally {
    if (!process.env['REELMESH_BENCH_KEEP']) await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function benchKind(place: Place, scale: Scale): Promise<Row[]> {
  return [...(await benchSubmit(place, scale)), ...(await benchQueued(place, scale))]
}

/** `submit` of few and of many files to a node that begins to encode them meanwhile. */
async function benchSubmit(place: Place, { files: [few, many] }: Scale): Promise<Row[]> {
  const node = await startNode(place, 'submit')
  try {
    const each: number[] = []
    for (const count of [few, many]) {
      const paths = await clips(place, `submit-${count}`, count)
      const flags = ['--renditions', '180p', '--preset', 'ultrafast', '--data-dir', node.dataDir]
      const { wallS } = await measure([process.execPath, place.main, 'submit', ...paths, ...flags])
      each.push(wallS)
    }
    const [first = 0, second = 0] = each
    return [
      row(`submit of ${few} files: ${place.kind}`, first, 's'),
      row(`submit of ${many} files: ${place.kind}`, second, 's'),
      row(
        `each of ${many} files: ${place.kind}`,
        (1000 * second) / many,
        'ms',
        second / many / (first / few),
        `each of ${few}`,
      ),
    ]
  } finally {
    node.signal('SIGKILL')
    await node.ended
  }
}

interface Queued {
  readonly askMs: number
  readonly statusS: number
  readonly idle: number
  readonly clipS: number
}

async function benchQueued(place: Place, scale: Scale): Promise<Row[]> {
  const [few, many] = scale.queued
  const small = await besideQueue(place, few, scale)
  const large = await besideQueue(place, many, scale)
  const rows = (what: string, of: keyof Queued, unit: string, factor = 1): Row[] => [
    row(`${what}, ${few} queued: ${place.kind}`, factor * small[of], unit),
    row(
      `${what}, ${many.toLocaleString('en')} queued: ${place.kind}`,
      factor * large[of],
      unit,
      large[of] / small[of],
      `${few} queued`,
    ),
  ]
  return [
    ...rows('answer of a node to status', 'askMs', 'ms'),
    ...rows('CPU of the command status', 'statusS', 's'),
    ...rows('CPU of an idle coordinator', 'idle', '%', 100),
    ...rows("a node's CPU for one more clip", 'clipS', 's'),
  ]
}

async function besideQueue(
  place: Place,
  count: number,
  { queued, asks, clips: more, ...times }: Scale,
): Promise<Queued> {
  const at = queued.indexOf(count)
  const [settleS, watchS] = [times.settleS[at] ?? 0, times.watchS[at] ?? 0]
  const name = `queue-${count}`
  const node = await startNode(place, name)
  const ledger = createLedger({ kind: place.kind, at: place.ledger(name).at, claimMs: 45_000 })
  await ledger.open()
  try {
    await addFillers(ledger, count, node.peer)
    await sleep(1000 * settleS)
    const before = await cpuSecondsOf(node.pid)
    await sleep(1000 * watchS)
    const idle = ((await cpuSecondsOf(node.pid)) - before) / watchS
    const client = await connectControl(controlSocketPath(node.dataDir))
    if (!client) throw new Error('the node does not answer')
    const [askMs, commands]: [number[], number[]] = [[], []]
    for (let n = 0; n < asks; n++) {
      const began = performance.now()
      await parseResponse(client.v1.status.$get())
      askMs.push(performance.now() - began)
      commands.push((await measure([process.execPath, place.main, 'status', '--data-dir', node.dataDir])).cpuS)
    }
    const clipS = await encodeBeside(place, { node, client, name, count: more, idle })
    return { askMs: median(askMs), statusS: median(commands), idle, clipS }
  } finally {
    await ledger.close()
    await endLocalNode(node)
  }
}

/** CPU of the node itself, without ffmpeg and what it takes when idle, for each of some clips that go before all others. */
async function encodeBeside(
  place: Place,
  {
    node,
    client,
    name,
    count,
    idle,
  }: { node: LocalNode; client: ControlClient; name: string; count: number; idle: number },
): Promise<number> {
  const paths = await clips(place, `${name}-clips`, count)
  const [before, began] = [await cpuSecondsOf(node.pid), performance.now()]
  const flags = [
    '--renditions',
    '180p',
    '--preset',
    'ultrafast',
    '--priority',
    '1',
    '--json',
    '--data-dir',
    node.dataDir,
  ]
  const { text } = await measure([process.execPath, place.main, 'submit', ...paths, ...flags])
  const ids = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { video: string }).video)
  for (const id of ids)
    while ((await parseResponse(client.v1.videos[':id'].$get({ param: { id } }))).status !== 'COMPLETED')
      await sleep(200)
  const [spent, wallS] = [(await cpuSecondsOf(node.pid)) - before, (performance.now() - began) / 1000]
  return (spent - idle * wallS) / count
}

async function startNode({ dir, kind, main, tools, ledger }: Place, name: string): Promise<LocalNode> {
  const profile = process.env['REELMESH_BENCH_PROFILE']
  const flags = [
    '--ledger', ledger(name).flag, '--self-test-dir', join(dir, 'self-tests'), '--ffmpeg', tools.ffmpeg, '--ffprobe', tools.ffprobe,
    '--log-level', 'error',
  ] // biome-ignore format: pairs
  const env = profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(profile, `${kind}-${name}`)}` } : {}
  return startLocalNode({ name: `${kind}-${name}`, main, dataDir: join(dir, kind, name), flags, env })
}

/** A second of 320×180 with sound. */
async function makeClip(dir: string, { ffmpeg }: Ffmpeg): Promise<Buffer> {
  const out = join(dir, 'clip.mp4')
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', '-f', 'lavfi', '-i', 'sine=d=1']
  await execa(ffmpeg, ['-v', 'error', ...inputs, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', out], {
    stdin: 'ignore',
  })
  return readFile(out)
}

/** So many clips, each of other bytes by a box at its end that readers skip. */
async function clips({ dir, kind, clip }: Place, name: string, count: number): Promise<string[]> {
  const folder = join(dir, kind, `${name}-sources`)
  await mkdir(folder, { recursive: true })
  const paths = Array.from({ length: count }, (_, n) => join(folder, `${name}-${n}.mp4`))
  for (const [n, path] of paths.entries()) {
    const text = Buffer.from(`${kind} ${name} ${n}`.padEnd(56))
    const head = Buffer.alloc(8)
    head.writeUInt32BE(64)
    head.write('free', 4)
    await writeFile(path, Buffer.concat([clip, head, text]))
  }
  return paths
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
