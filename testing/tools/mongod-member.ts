/**
 * One `mongod` process of a test's replica set: start, initiate, look, kill, freeze, thaw. Small caches, no diagnostics,
 * journaled as in earnest. It ends with this process: through `setpriv --pdeathsig KILL` where that exists (even when
 * this process is killed), elsewhere when this process exits.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { MongoClient, MongoServerError } from 'mongodb'
import { onPath } from './system-packages.ts'

const LISTEN_MS = 60_000
/** A primary otherwise waits 15 s for a successor when it is asked to end. */
const QUIESCE_MS = 500

function launch([file = '', ...args]: readonly string[]) {
  return execa(file, args, { reject: false, stdio: 'ignore', cleanup: true, forceKillAfterDelay: false })
}

/** Where it runs: another address than loopback, and the command that brings it there (`nsenter …`). */
export interface MemberPlace {
  readonly address: string
  readonly prefix: readonly string[]
}

interface MemberOptions {
  readonly binary: string
  readonly dir: string
  readonly port: number
  readonly set: string
  readonly place?: MemberPlace | undefined
}

export class MongodMember {
  readonly port: number
  readonly host: string
  readonly #options: MemberOptions
  #process: ReturnType<typeof launch> | null = null

  constructor(options: MemberOptions) {
    this.#options = options
    this.port = options.port
    this.host = `${options.place?.address ?? '127.0.0.1'}:${options.port}`
  }

  /** Undefined while it is down. With setpriv the id is mongod's own: it replaces itself. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Resolves when it answers a connection. Harmless while it runs. */
  async start(): Promise<void> {
    if (this.#process) return
    await mkdir(join(this.#options.dir, 'data'), { recursive: true })
    const child = launch(await this.#command())
    this.#process = child
    let ended: string | null = null
    void child.then((result) => {
      ended = result.signal ?? `exit code ${result.exitCode ?? result.shortMessage}`
      if (this.#process === child) this.#process = null
    })
    const until = performance.now() + LISTEN_MS
    while (!(await this.#ask((client) => client.db('admin').command({ ping: 1 })))) {
      if (ended) throw new Error(`mongod ended (${ended}) before it listened: ${await this.#lastWords()}`)
      if (performance.now() > until)
        throw new Error(`mongod did not listen on ${this.host} within ${LISTEN_MS / 1000} s`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Makes the replica set of these hosts; a set that its data already knows is left as it is. */
  async initiate(hosts: readonly string[]): Promise<void> {
    const config = {
      _id: this.#options.set,
      members: hosts.map((host, _id) => ({ _id, host })),
      // The defaults elect after 10 s; tests that kill a primary should not wait for that.
      settings: { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 },
    }
    const client = this.#client()
    try {
      await client.db('admin').command({ replSetInitiate: config })
    } catch (error) {
      if (error instanceof MongoServerError && error.codeName === 'AlreadyInitialized') return
      throw new Error(
        `the test MongoDB could not be made a replica set: ${error instanceof Error ? error.message : error}`,
      )
    } finally {
      await client.close()
    }
  }

  async isPrimary(): Promise<boolean> {
    if (!this.#process) return false
    const hello = await this.#ask((client) => client.db('admin').command({ hello: 1 }))
    return hello?.isWritablePrimary === true
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM: it writes a checkpoint and steps down first. */
  async shutDown(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** It gives the primary's role to another member, which exists; connections are cut by the server. */
  async stepDown(): Promise<void> {
    const client = this.#client()
    try {
      await client.db('admin').command({ replSetStepDown: 30, secondaryCatchUpPeriodSecs: 5 })
    } finally {
      await client.close()
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (!child) return
    child.kill(signal)
    await child
  }

  async #command(): Promise<string[]> {
    const { binary, dir, set, place } = this.#options
    const setpriv = await onPath('setpriv')
    return [
      ...(place?.prefix ?? []),
      ...(setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : []),
      binary,
      ...['--bind_ip', place?.address ?? '127.0.0.1', '--port', String(this.port), '--nounixsocket'],
      ...['--dbpath', join(dir, 'data'), '--replSet', set, '--logpath', join(dir, 'mongod.log'), '--logappend'],
      ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '128'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
      ...['--setParameter', `shutdownTimeoutMillisForSignaledShutdown=${QUIESCE_MS}`],
    ]
  }

  #client(): MongoClient {
    return new MongoClient(`mongodb://${this.host}/?directConnection=true`, {
      serverSelectionTimeoutMS: 1_000,
      socketTimeoutMS: 5_000,
    })
  }

  /** The answer, or null where it does not answer. */
  async #ask<T>(question: (client: MongoClient) => Promise<T>): Promise<T | null> {
    const client = this.#client()
    try {
      return await question(client)
    } catch {
      return null
    } finally {
      await client.close().catch(() => {})
    }
  }

  /** What its log says last of an error: structured lines, `s` is the severity. */
  async #lastWords(): Promise<string> {
    const log = await readFile(join(this.#options.dir, 'mongod.log'), 'utf8').catch(() => '')
    const lines = log.trim().split('\n')
    const worst = lines.findLast((line) => /"s":"[EF]"/.test(line)) ?? lines.at(-1)
    return worst?.slice(0, 400) || 'it wrote no log'
  }
}
