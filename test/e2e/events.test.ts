/**
 * Events over HTTP on three real nodes, on SQLite and on MongoDB: a reader that comes back to another node whenever its own is killed gets each event
 * once, in order, while the processes that write them are killed too.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ReelmeshClient } from '../../client/client.ts'
import type { EventJob } from '../../ledger/event-writer.fixture.ts'
import type { ApiEvent, EventPage } from '../../protocol/api-events.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { type Mongod, startMongod } from '../../testing/tools/mongod.ts'
import { type MeshNode, startNode } from './nodes.ts'

let mongod: Mongod | null = null
after(() => mongod?.stop())

/** Where the events are, and the flags of nodes on it. */
type Place = Pick<EventJob, 'kind' | 'at'> & { readonly flags: readonly string[] }

const PLACES: Readonly<Record<string, (dir: string) => Promise<Place>>> = {
  SQLite: async (dir) => ({ kind: 'sqlite', at: join(dir, 'ledger.sqlite'), flags: [] }),
  async MongoDB() {
    mongod ??= await startMongod()
    const at = mongod.freshUri()
    return { kind: 'mongo', at, flags: ['--ledger', at] }
  },
}

const [NODES, KILLS, EVERY_MS] = [3, 4, 15]

for (const [ledger, placeOf] of Object.entries(PLACES))
  test(`a reader misses no event and gets none twice while nodes and writers are killed, on ${ledger}`, async (t) => {
    const dir = await folder(t)
    const place = await placeOf(dir)
    const ports = await freePorts(NODES)
    const start = (n: number) => {
      const flags = [...place.flags, '--http', `127.0.0.1:${ports[n]}`, '--roles', 'worker', '--slots', '0']
      return startNode(t, dir, { name: `node-${n}`, flags })
    }
    const nodes = await Promise.all(ports.map((_, n) => start(n)))
    const writers = new Writers(t, place)
    const seen: ApiEvent[] = []
    const client = new ReelmeshClient({ nodes: nodes.map(({ http }) => http) })
    const abort = new AbortController()
    const got: ApiEvent[] = []
    const reading = (async () => {
      for await (const event of client.events({ after: 0, signal: abort.signal })) got.push(event)
    })()
    writers.start()
    writers.start()
    for (let kill = 0; kill < KILLS; kill++) {
      const at = kill % NODES
      const follows = follow(nodes[at]!, seen)
      const before = seen.length
      while (seen.length < before + 40) await sleep(20)
      await writers.killOne()
      await nodes[at]!.stop()
      await follows
      writers.start()
      nodes[at] = await start(at)
    }
    await writers.end()
    const [{ n: last } = { n: 0 }] = await allEvents(nodes[1]!)
    const follows = follow(nodes[2]!, seen)
    while (seen.at(-1)!.n < last) await sleep(20)
    await nodes[2]!.stop()
    await follows
    while ((got.at(-1)?.n ?? 0) < last) await sleep(20)
    abort.abort()
    await reading
    const first = seen[0]!.n
    assert.deepEqual(
      seen.map(({ n }) => n),
      Array.from({ length: last - first + 1 }, (_, n) => first + n),
    )
    const all = (await allEvents(nodes[1]!)).toReversed()
    assert.deepEqual(
      seen,
      all.filter(({ n }) => n >= first && n <= last),
    )
    const upToLast = ({ n }: ApiEvent) => n <= last
    assert.deepEqual(got.filter(upToLast), all.filter(upToLast), 'what the client got')
    const texts = new Map<string, number>()
    for (const { text } of all) texts.set(text, (texts.get(text) ?? 0) + 1)
    const wrong = writers.acknowledged.filter((text) => texts.get(text) !== 1)
    assert.deepEqual(wrong, [], 'acknowledged events that are missing, or there twice')
    assert.ok(writers.acknowledged.length > KILLS * 20, `${writers.acknowledged.length} events`)
  })

/** Follows the events of a node behind the last of these, until the connection ends. */
async function follow({ http }: MeshNode, seen: ApiEvent[]): Promise<void> {
  const last = seen.at(-1)?.n
  const { body } = await fetch(`${http}/v1/events/stream`, {
    headers: last === undefined ? {} : { 'last-event-id': String(last) },
  })
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const bytes of body!) {
      const blocks = (text + decoder.decode(bytes, { stream: true })).split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        assert.doesNotMatch(block, /^event: /m)
        const [, data] = /^data: (.*)$/m.exec(block) ?? []
        if (data !== undefined) seen.push(JSON.parse(data) as ApiEvent)
      }
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
  }
}

async function allEvents({ http }: MeshNode): Promise<ApiEvent[]> {
  const all: ApiEvent[] = []
  for (let query: string | null = ''; query !== null; ) {
    const answer = await fetch(`${http}/v1/events?limit=500${query}`)
    const { events, next } = (await answer.json()) as EventPage
    all.push(...events)
    query = next === null ? null : `&cursor=${next}`
  }
  return all
}

/** Processes that write events until they are killed. */
class Writers {
  readonly acknowledged: string[] = []
  readonly #place: Place
  readonly #running = new Map<ChildProcess, Promise<unknown>>()
  #started = 0

  constructor(t: Ends, place: Place) {
    this.#place = place
    atEnd(t, () => this.end())
  }

  start(): void {
    const { kind, at } = this.#place
    const job: EventJob = { kind, at, name: `writer-${++this.#started}`, everyMs: EVERY_MS }
    const script = fileURLToPath(new URL('../../ledger/event-writer.fixture.ts', import.meta.url))
    const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => this.acknowledged.push(line))
    this.#running.set(child, Promise.all([once(child, 'exit'), once(lines, 'close')]))
  }

  async killOne(): Promise<void> {
    const [[child, over] = []] = this.#running
    if (child === undefined) return
    this.#running.delete(child)
    child.kill('SIGKILL')
    await over
  }

  async end(): Promise<void> {
    while (this.#running.size > 0) await this.killOne()
  }
}
