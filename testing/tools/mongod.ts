/**
 * A real MongoDB for tests: a replica set of one or three `mongod` on loopback, with its data in a temporary folder,
 * ready when a majority write has been acknowledged (about 2 s for one member, 5 s for three).
 *
 * Promises: every failure is one sentence and an error, never a skipped test; nothing outlives the process that started
 * it; `stop()` leaves neither process nor file. With REELMESH_TEST_MONGODB_URI set, that server is used for what does
 * not end or freeze servers (`members: 1` and no `owned`). Give every test a database of its own (`freshUri()`).
 *
 *   const mongod = await startMongod()
 *   const ledger = await openMongoLedger(mongod.freshUri())
 *   …
 *   await mongod.stop()
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { freePorts } from './free-ports.ts'
import { ensureMongod } from './mongod-binary.ts'
import { type MemberPlace, MongodMember } from './mongod-member.ts'

export interface MongodOptions {
  readonly members?: 1 | 3
  /** Data, logs and process ids; kept by `stop()` where it is given, else a temporary folder that `stop()` removes. */
  readonly dir?: string
  /** One per member; to come back to the data of `dir`, give the ports it was made with. */
  readonly ports?: readonly number[]
  /** Never use the server of REELMESH_TEST_MONGODB_URI: for tests that kill or freeze. */
  readonly owned?: boolean
  /** One per member, where they do not run on loopback here. */
  readonly places?: readonly MemberPlace[]
}

export interface Mongod {
  /** The whole set's address, without a database. */
  readonly uri: string
  /** The same with this database. */
  uriOf(database: string): string
  /** The same with a database that nobody else uses. */
  freshUri(): string
  /** Empty where the server is not ours. */
  readonly members: readonly MongodMember[]
  /** Process ids of the members that run now. */
  readonly pids: readonly number[]
  /** SIGKILL to every member, as a power cut would. The data stays. */
  kill(): Promise<void>
  /** Starts the members that are down and waits for a majority write. */
  start(): Promise<void>
  /** Stops every member (SIGTERM, or SIGKILL with `kill: true`), waits `downMs`, starts them again. */
  stopAndRestart(options?: { downMs?: number; kill?: boolean }): Promise<void>
  /** The member that takes writes now. */
  primary(): Promise<MongodMember>
  /** Ends all members and removes the data. May be called twice. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SET_NAME = 'reelmesh'
/** A loaded machine of 2 cores needed 14 s for three members at worst. */
const READY_MS = 90_000

export async function startMongod(options: MongodOptions = {}): Promise<Mongod> {
  const given = process.env.REELMESH_TEST_MONGODB_URI
  if (given && !options.owned && options.members !== 3) return await foreignMongod(given)
  const binary = await ensureMongod()
  for (let tries = 1; ; tries++) {
    const set = await ReplicaSet.make(binary, options)
    try {
      await set.start()
      return set
    } catch (error) {
      await set.stop()
      // Somebody may take a free port between the look and the start.
      if (options.ports || tries >= 3 || !/address already in use/i.test(String(error))) throw error
    }
  }
}

class ReplicaSet implements Mongod {
  readonly members: readonly MongodMember[]
  readonly uri: string
  readonly #removes: string | null

  static async make(binary: string, options: MongodOptions): Promise<ReplicaSet> {
    const count = options.members ?? 1
    const ports = options.ports ?? (await freePorts(count))
    if (ports.length !== count) throw new Error(`${count} members need ${count} ports, got ${ports.length}`)
    const dir = options.dir ?? (await temporaryDir())
    await mkdir(dir, { recursive: true })
    const members = ports.map((port, at) => {
      const place = options.places?.[at]
      const name = place ? `${place.address}-${port}` : String(port)
      return new MongodMember({ binary, dir: join(dir, name), port, set: SET_NAME, place })
    })
    return new ReplicaSet(members, options.dir ? null : dir)
  }

  private constructor(members: readonly MongodMember[], removes: string | null) {
    this.members = members
    this.#removes = removes
    this.uri = `mongodb://${members.map((member) => member.host).join(',')}/?replicaSet=${SET_NAME}`
  }

  get pids(): readonly number[] {
    return this.members.flatMap((member) => member.pid ?? [])
  }

  uriOf(database: string): string {
    return withDatabase(this.uri, database)
  }

  freshUri(): string {
    return this.uriOf(freshName())
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()))
    await this.members[0]?.initiate(this.members.map((member) => member.host))
    await this.primary()
    await majorityWrite(this.uri)
  }

  async primary(): Promise<MongodMember> {
    const until = performance.now() + READY_MS
    while (performance.now() < until) {
      for (const member of this.members) {
        if (await member.isPrimary()) return member
      }
      if (this.pids.length === 0) throw new Error('no member of the test MongoDB runs')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`the test MongoDB elected no primary within ${READY_MS / 1000} s`)
  }

  async kill(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
  }

  async stopAndRestart({ downMs = 0, kill = false } = {}): Promise<void> {
    await Promise.all(this.members.map((member) => (kill ? member.kill() : member.shutDown())))
    await new Promise((resolve) => setTimeout(resolve, downMs))
    await this.start()
  }

  async stop(): Promise<void> {
    await this.kill()
    if (this.#removes) await rm(this.#removes, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Named for this process, so that the data of a test that was killed is removed by the next one. */
async function temporaryDir(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^reelmesh-mongod-(\d+)-/.exec(name)
    if (owner && !isAlive(Number(owner[1]))) await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
  return await mkdtemp(join(tmpdir(), `reelmesh-mongod-${process.pid}-`))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The server of REELMESH_TEST_MONGODB_URI, after one majority write: a wrong address fails here, in one sentence. */
async function foreignMongod(uri: string): Promise<Mongod> {
  await majorityWrite(uri)
  const notOurs = async (): Promise<never> => {
    throw new Error('the server of REELMESH_TEST_MONGODB_URI is not ours to stop: start this test with `owned: true`')
  }
  const stop = async (): Promise<void> => {}
  return {
    uri,
    uriOf: (database) => withDatabase(uri, database),
    freshUri: () => withDatabase(uri, freshName()),
    members: [],
    pids: [],
    kill: notOurs,
    start: notOurs,
    stopAndRestart: notOurs,
    primary: notOurs,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function majorityWrite(uri: string): Promise<void> {
  const timing = uri.includes('serverSelectionTimeoutMS=') ? {} : { serverSelectionTimeoutMS: 10_000 }
  const client = new MongoClient(uri, timing)
  try {
    const ready = client.db('reelmesh_ready').collection('ready')
    await ready.insertOne({ at: new Date() }, { writeConcern: { w: 'majority', journal: true, wtimeoutMS: READY_MS } })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`the test MongoDB at ${uri.replace(/\/\/[^@/]*@/, '//…@')} takes no writes: ${why}`, {
      cause: error,
    })
  } finally {
    await client.close()
  }
}

function freshName(): string {
  return `reelmesh_test_${randomBytes(6).toString('hex')}`
}

/** Database names stand between the hosts and the question mark. */
function withDatabase(uri: string, database: string): string {
  const [, head = uri, query = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(uri) ?? []
  return `${head}/${database}${query}`
}
