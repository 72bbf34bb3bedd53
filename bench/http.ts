/**
 * What the HTTP API costs a node, as it is shipped: the time of its answers beside a full ledger while it encodes, many readers of its events, and its memory
 * with and without it. Only where there is a /proc.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { createLedger } from '../ledger/crowd-worker.fixture.ts'
import { asPeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { freePorts } from '../testing/tools/free-ports.ts'
import { startMongod } from '../testing/tools/mongod.ts'
import { buildProgram } from '../testing/tools/program.ts'
import { endLocalNode, type LocalNode, startLocalNode } from './local-node.ts'
import { cpuSecondsOf, measure, memoryOf } from './measure.ts'
import { addFillers } from './queue/fillers.ts'
import { type Row, row } from './table.ts'

interface Scale {
  readonly videos: number
  readonly peers: number
  readonly asks: number
  readonly readers: number
  readonly settleS: number
  readonly watchS: number
  /** Length of each of the two films that are encoded meanwhile, s. */
  readonly filmS: number
}
const FULL: Scale = { videos: 1_000, peers: 200, asks: 300, readers: 500, settleS: 20, watchS: 60, filmS: 600 }
const QUICK: Scale = { videos: 40, peers: 20, asks: 20, readers: 50, settleS: 3, watchS: 5, filmS: 60 }
const EVENTS_PER_S = 20
const ENCODES = 2
const MB = 1e6

type Kind = 'sqlite' | 'mongo'
interface Place {
  readonly kind: Kind
  readonly dir: string
  readonly main: string
  readonly tools: Ffmpeg
  readonly film: string
  /** As the flag takes it, and as an adapter does. */
  readonly ledger: { readonly flag: string; readonly at: string }
}

/** The rows of `npm run bench -- http`. */
export async function benchHttp({ quick }: { quick: boolean }): Promise<Row[]> {
  const scale = quick ? QUICK : FULL
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-http-'))
  try {
    const [main, tools] = [join(dir, 'reelmesh.mjs'), await ensureFfmpeg()]
    await buildProgram(main)
    const common = { dir, main, tools, film: await makeFilm(dir, tools, scale.filmS) }
    const path = join(dir, 'ledger.sqlite')
    const sqlite: Place = { ...common, kind: 'sqlite', ledger: { flag: `sqlite:${path}`, at: path } }
    await using mongod = await startMongod()
    const uri = mongod.freshUri()
    const mongo: Place = { ...common, kind: 'mongo', ledger: { flag: uri, at: uri } }
    const rows = await benchMemory(sqlite, scale)
    for (const place of [sqlite, mongo]) rows.push(...(await benchNode(place, scale)))
    return rows
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** An idle node by itself, without and with the API. */
async function benchMemory(place: Place, { settleS }: Scale): Promise<Row[]> {
  const rss: number[] = []
  for (const [name, flags] of [
    ['off', []],
    ['on', ['--http', '127.0.0.1:0']],
  ] as const) {
    const alone = { ...place, ledger: { flag: `sqlite:${join(place.dir, `${name}.sqlite`)}`, at: '' } }
    const node = await startNode(alone, `api-${name}`, flags)
    await sleep(1_000 * settleS)
    rss.push(await rssMb(node))
    await endLocalNode(node)
  }
  const [off = Number.NaN, on = Number.NaN] = rss
  return [row('memory (RSS) of an idle node without the API', off, 'MB'), row('with it', on, 'MB', on / off, 'without')]
}

async function benchNode(place: Place, scale: Scale): Promise<Row[]> {
  const { kind } = place
  const [port = 0] = await freePorts(1)
  const node = await startNode(place, kind, ['--http', `127.0.0.1:${port}`, '--slots', String(ENCODES)])
  const ledger = createLedger({ kind, at: place.ledger.at, claimMs: 45_000 })
  await ledger.open()
  try {
    await addFillers(ledger, scale.videos, node.peer)
    for (let n = 0; n < scale.peers; n++) await ledger.setPeer(asPeerId(`12D3KooWBench${n}`), { paused: true })
    const url = `http://127.0.0.1:${port}`
    const rows = await benchReaders(place, { node, ledger, url }, scale)
    return [...(await benchStatus(place, { node, url }, scale)), ...rows]
  } finally {
    await ledger.close()
    await endLocalNode(node)
  }
}

async function benchStatus(
  { kind, main, film, dir }: Place,
  { node, url }: { readonly node: LocalNode; readonly url: string },
  { videos, peers, asks }: Scale,
): Promise<Row[]> {
  const what = `${videos.toLocaleString('en')} videos, ${peers} peers, ${ENCODES} encodes: ${kind}`
  const args = ['submit', film, '--priority', '1', '--preset', 'medium', '--out', join(dir, `out-${kind}`)]
  await measure([process.execPath, main, ...args, '--data-dir', node.dataDir])
  const isEncoding = async () => {
    const { peers } = (await (await fetch(`${url}/v1/status`)).json()) as { peers: { self: boolean; busy: number }[] }
    return peers.find(({ self }) => self)?.busy === ENCODES
  }
  while (!(await isEncoding())) await sleep(200)
  const took: number[] = []
  let bytes = 0
  for (let n = 0; n < asks; n++) {
    const began = performance.now()
    bytes = (await (await fetch(`${url}/v1/status`)).arrayBuffer()).byteLength
    took.push(performance.now() - began)
    await sleep(50)
  }
  if (!(await isEncoding())) throw new Error('the encodes ended before the measurement did')
  took.sort((a, b) => a - b)
  return [
    row(`median of a status, ${what}`, took[took.length >> 1]!, 'ms'),
    row(`p99 of a status, ${what}`, took[Math.ceil(took.length * 0.99) - 1]!, 'ms'),
    row(`size of a status, ${what}`, bytes / 1_000, 'kB'),
  ]
}

/** CPU and memory that many readers take, beside those of the same node and the same events without a reader. */
async function benchReaders(
  { kind }: Place,
  { node, ledger, url }: { readonly node: LocalNode; readonly ledger: Ledger; readonly url: string },
  { readers, settleS, watchS }: Scale,
): Promise<Row[]> {
  await sleep(1_000 * settleS)
  const alone = await withEvents(ledger, watchS, node)
  const all = await Promise.all(Array.from({ length: readers }, () => Reader.open(`${url}/v1/events/stream`)))
  const before = all.map(({ events }) => events)
  const read = await withEvents(ledger, watchS, node)
  await sleep(2_000)
  const got = all.map(({ events }, at) => events - before[at]!)
  for (const reader of all) reader.close()
  const least = Math.min(...got)
  if (least < watchS * EVENTS_PER_S * 0.9) throw new Error(`a reader got only ${least} events in ${watchS} s`)
  const what = `${readers} readers of ${EVENTS_PER_S} events a second: ${kind}`
  return [
    row(`CPU for ${what}`, 100 * (read.cpu - alone.cpu), '%'),
    row(`memory (RSS) for ${what}`, read.rssMb - alone.rssMb, 'MB'),
  ]
}

/** Adds events for so long. Answers the share of a core that the node takes meanwhile, and its memory after. */
async function withEvents(ledger: Ledger, seconds: number, node: LocalNode): Promise<{ cpu: number; rssMb: number }> {
  const [before, began] = [await cpuSecondsOf(node.pid), performance.now()]
  for (let n = 0; n < seconds * EVENTS_PER_S; n++) {
    await ledger.addEvent({
      what: 'note',
      peer: node.peer,
      video: null,
      text: `event ${n} of a benchmark, about as long as most are`,
    })
    await sleep(Math.max(0, began + ((n + 1) * 1_000) / EVENTS_PER_S - performance.now()))
  }
  const wallS = (performance.now() - began) / 1_000
  return { cpu: ((await cpuSecondsOf(node.pid)) - before) / wallS, rssMb: await rssMb(node) }
}

/** A client that counts events. */
class Reader {
  events = 0
  readonly #request: ClientRequest

  private constructor(request: ClientRequest, answer: IncomingMessage) {
    this.#request = request
    answer.setEncoding('latin1').on('data', (text: string) => {
      this.events += text.split('\ndata: ').length - 1
    })
    answer.on('error', () => {})
  }

  static open(url: string): Promise<Reader> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: false }, (answer) =>
        answer.statusCode === 200
          ? resolve(new Reader(request, answer))
          : reject(new Error(`a reader was answered ${answer.statusCode}`)),
      )
      request.on('error', reject)
    })
  }

  close(): void {
    this.#request.destroy()
  }
}

const rssMb = async ({ pid }: LocalNode): Promise<number> => ((await memoryOf(pid))?.rssBytes ?? Number.NaN) / MB

function startNode({ dir, main, tools, ledger }: Place, name: string, flags: readonly string[]): Promise<LocalNode> {
  const own = ['--ledger', ledger.flag, '--self-test-dir', join(dir, 'self-tests'), '--log-level', 'error']
  const programs = ['--ffmpeg', tools.ffmpeg, '--ffprobe', tools.ffprobe]
  return startLocalNode({ name, main, dataDir: join(dir, name), flags: [...own, ...programs, ...flags] })
}

/** Two slots encode it for as long as the answers are measured. */
async function makeFilm(dir: string, { ffmpeg }: Ffmpeg, seconds: number): Promise<string> {
  const out = join(dir, 'film.mp4')
  const source = `testsrc2=s=1280x720:r=30:d=${seconds}`
  const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-pix_fmt', 'yuv420p']
  await execa(ffmpeg, ['-v', 'error', '-f', 'lavfi', '-i', source, ...coding, out], { stdin: 'ignore' })
  return out
}
