/**
 * Several hosts on this one machine, for tests and for chaos: network namespaces on one switch, each with a host name and
 * a folder, real nodes, a real MongoDB on whichever host it is wanted.
 *
 *   const lab = await openLab({ hosts: 4 })
 *   await lab.mongod(0)                                  // the database, on host 0; later nodes get its address
 *   const a = await lab.host(0).node({ slots: 1 })
 *   const b = await lab.host(1).node({ join: a.addresses[0] })
 *   await lab.host(1).cut()                              // … heal, cutFrom(other), dropFrom(other), loss(0.3), rate(50e6)
 *   await lab.partition([lab.host(0)], [lab.host(1)])    // groups that do not see each other
 *   await lab.host(1).powerOff()                         // … freeze, thaw; or one node: b.kill('SIGSTOP')
 *   await lab.close()
 *
 * Promises: labs do not see each other; `close()` leaves no process, namespace or file; what a killed process left is
 * removed by the next lab. This process reaches every host and its database whatever is cut. Needs root (`tools.ts`).
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureFfmpeg } from '../tools/ffmpeg.ts'
import { type Mongod, startMongod } from '../tools/mongod.ts'
import { buildProgram } from '../tools/program.ts'
import { arrow, createHost, enter } from './host.ts'
import type { LabHost, NodeFlags } from './lab-types.ts'
import { isAlive, type Lan, openLan } from './lan.ts'
import { ensureNetworkTools } from './tools.ts'

export type { Finished, LabHost, LabNode, NodeFlags } from './lab-types.ts'

export interface LabOptions {
  readonly hosts: number
  /** Hosts behind a router of their own that hides them: `address` is then the router's. */
  readonly behindRouter?: readonly number[]
  /** Without, the mesh is open. */
  readonly swarmKey?: boolean
}

export interface Lab {
  /** Removed by `close()`. */
  readonly dir: string
  /** Reelmesh in one file, as it is when the lab opens. */
  readonly main: string
  readonly hosts: readonly LabHost[]
  host(index: number): LabHost
  /** The mesh key's file, where there is one. */
  readonly swarmKey: string | null
  /**
   * Starts the replica set with a member on each of these hosts (one or three). Nodes started afterwards use it, in one
   * database. Kill, freeze, restart it by what is answered.
   */
  mongod(...hosts: number[]): Promise<Mongod>
  /** The ledger's address; throws before there is one. */
  readonly ledger: string
  /** These groups do not see each other from now on; a host in none of them sees all. In one step. */
  partition(...groups: (readonly LabHost[])[]): Promise<void>
  /** Lifts every cut and all loss. */
  healAll(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const MONGOD_PORT = 27_017

export async function openLab(options: LabOptions): Promise<Lab> {
  await ensureNetworkTools()
  await ensureFfmpeg()
  const dir = await labDir()
  const main = join(dir, 'reelmesh.mjs')
  let lan: Lan | null = null
  try {
    await buildProgram(main)
    lan = await openLan({ hosts: options.hosts, behindRouter: options.behindRouter ?? [] })
    return await SeveralHosts.open({ dir, main, lan, withKey: options.swarmKey !== false })
  } catch (error) {
    await lan?.close()
    await removeFolder(dir)
    throw error
  }
}

class SeveralHosts implements Lab {
  readonly dir: string
  readonly main: string
  readonly hosts: readonly LabHost[]
  readonly #lan: Lan
  readonly #blocked = new Set<string>()
  readonly #loss = new Map<number, number>()
  #mongod: Mongod | null = null
  #ledger: string | null = null
  swarmKey: string | null = null

  static async open(of: { dir: string; main: string; lan: Lan; withKey: boolean }): Promise<SeveralHosts> {
    const lab = new SeveralHosts(of)
    if (of.withKey) {
      const key = join(of.dir, 'mesh.key')
      const made = await lab.host(0).cli(['keygen', key])
      if (made.code !== 0) throw new Error(`no mesh key: ${made.stderr}`)
      lab.swarmKey = key
    }
    return lab
  }

  private constructor({ dir, main, lan }: { dir: string; main: string; lan: Lan }) {
    this.dir = dir
    this.main = main
    this.#lan = lan
    this.hosts = lan.hosts.map((link, index) =>
      createHost({
        index,
        name: `host${index}`,
        dir: join(dir, `host${index}`),
        link,
        main,
        defaults: () => this.#defaults(),
        others: () => this.hosts.filter((other) => other.index !== index),
        cuts: (change) => this.#cuts(change),
        loss: (share) => {
          this.#loss.set(index, share)
          return this.#applyRules([index])
        },
        rate: (bits) => lan.rate(index, bits),
        forward: (port) => lan.forward(index, port),
        pids: () => pidsIn(link.namespace),
      }),
    )
  }

  host(index: number): LabHost {
    const host = this.hosts[index]
    if (!host) throw new RangeError(`this lab has no host ${index}`)
    return host
  }

  get ledger(): string {
    if (this.#ledger === null) throw new Error('start the database first: lab.mongod(0)')
    return this.#ledger
  }

  #defaults(): NodeFlags {
    const key: NodeFlags = this.swarmKey === null ? { open_mesh: true } : { swarm_key: this.swarmKey }
    // Tests count attempts and time them; chaos sets its own share.
    return { ...key, ledger: this.ledger, log_level: 'info', audit: 'off' }
  }

  async mongod(...on: number[]): Promise<Mongod> {
    if (this.#mongod) throw new Error('this lab has its database')
    if (on.length !== 1 && on.length !== 3) throw new RangeError('a replica set has one member or three')
    this.#mongod = await startMongod({
      members: on.length,
      owned: true,
      dir: join(this.dir, 'mongod'),
      ports: on.map(() => MONGOD_PORT),
      places: on.map((at) => ({
        address: this.host(at).link.inner,
        prefix: enter(this.host(at).link, this.host(at).name),
      })),
    })
    this.#ledger = this.#mongod.freshUri()
    return this.#mongod
  }

  async #cuts(change: (blocked: Set<string>) => void): Promise<void> {
    change(this.#blocked)
    await this.#applyRules(this.hosts.map(({ index }) => index))
  }

  async #applyRules(hosts: readonly number[]): Promise<void> {
    const blocked = (from: number, to: number) => this.#blocked.has(arrow(from, to))
    await Promise.all(hosts.map((at) => this.#lan.rules(at, { blocked, loss: this.#loss.get(at) ?? 0 })))
  }

  partition(...groups: (readonly LabHost[])[]): Promise<void> {
    return this.#cuts((blocked) => {
      for (const group of groups)
        for (const other of groups)
          for (const near of group)
            for (const far of group === other ? [] : other) blocked.add(arrow(near.index, far.index))
    })
  }

  async healAll(): Promise<void> {
    this.#loss.clear()
    await this.#cuts((blocked) => blocked.clear())
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.powerOff()
    await this.#mongod?.stop()
    await this.#lan.close()
    await removeFolder(this.dir)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function pidsIn(namespace: string): Promise<number[]> {
  const { stdout } = await execa('ip', ['netns', 'pids', namespace], { reject: false, stdin: 'ignore' })
  return stdout.split('\n').filter(Boolean).map(Number)
}

/** Tests of full disks mount small ones below it. */
async function removeFolder(dir: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter((each) => each.startsWith(`${dir}/`)))
    await execa('umount', ['-l', mount], { reject: false })
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
}

/** Named for this process, so that the folder of one that was killed is removed by the next lab. */
async function labDir(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^rmlab-(\d+)-/.exec(name)
    // Another lab may sweep at the same time.
    if (owner && !isAlive(Number(owner[1]))) await removeFolder(join(tmpdir(), name)).catch(() => {})
  }
  // Short: a control socket's path must not be longer than 100 bytes.
  return await mkdtemp(join(tmpdir(), `rmlab-${process.pid}-`))
}
