/**
 * The mesh that the network tests hurt: the database alone on host 0, so that no cut of a worker is one of it, and a peer
 * with one slot on each of four more; with what those tests wait for and measure.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Task } from '../../protocol/task.ts'
import { type Lab, type LabHost, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms } from './film.ts'
import { assertExact, type Submitted, seconds, until, type Watch, watchLedger } from './watch.ts'

export class BadNetwork {
  readonly lab: Lab
  readonly films: Films
  readonly watch: Watch
  readonly nodes: readonly LabNode[]

  static async open(): Promise<BadNetwork> {
    const lab = await openLab({ hosts: 5 })
    try {
      const films = await makeFilms(lab)
      await lab.mongod(0)
      const first = await lab.host(1).node({ slots: 1 })
      const join = first.addresses[0] ?? ''
      const others = await Promise.all([2, 3, 4].map((at) => lab.host(at).node({ slots: 1, join })))
      return new BadNetwork({ lab, films, watch: await watchLedger(lab), nodes: [first, ...others] })
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(of: { lab: Lab; films: Films; watch: Watch; nodes: readonly LabNode[] }) {
    this.lab = of.lab
    this.films = of.films
    this.watch = of.watch
    this.nodes = of.nodes
  }

  get database(): LabHost {
    return this.lab.host(0)
  }

  async close(): Promise<void> {
    await this.watch.close()
    await this.lab.close()
  }

  /** Whole again: everybody hears everybody. */
  async heal(): Promise<void> {
    await this.lab.healAll()
    const hearsAll = async (node: LabNode) => {
      const { peers, ledger } = await node.status()
      return ledger.away === null && peers.filter(({ heard_s }) => heard_s < 2.5).length === this.nodes.length
    }
    for (const node of this.nodes) await until(`${node.name} hears all`, () => hearsAll(node), 90)
  }

  /** Ask again right before a leader is hurt: on a busy machine the lease goes from one to another by itself. */
  async leaderAndOthers(): Promise<{ leader: LabNode; others: LabNode[] }> {
    let leader: LabNode | undefined
    await until('one leads', async () => {
      leader = await this.#leading()
      return leader !== undefined
    })
    assert.ok(leader)
    return { leader, others: this.nodes.filter((node) => node !== leader) }
  }

  async #leading(): Promise<LabNode | undefined> {
    const leader = await this.watch.leader()
    return this.nodes.find(({ peer }) => peer === leader?.peer)
  }

  /** Waits until somebody else leads; answers how long that took, ms. */
  ledByAnother({ peer }: LabNode): Promise<number> {
    const another = async () => {
      const leading = await this.#leading()
      return leading !== undefined && leading.peer !== peer
    }
    return until('another leads', another, 90)
  }

  heldBy({ peer }: LabNode, tasks: readonly Task[]): Task[] {
    return tasks.filter(({ kind, claims }) => kind === 'video' && claims.some(({ worker_id }) => worker_id === peer))
  }

  /** Gives a film to this node and waits until everybody encodes. */
  async underWay(node: LabNode): Promise<Submitted> {
    const done = await this.watch.submit(node, await this.films.another())
    const allEncode = async () => {
      const tasks = await this.watch.tasks(done.video)
      return this.nodes.every((each) => this.heldBy(each, tasks).length > 0)
    }
    await until('every peer encodes', allEncode, 120)
    return done
  }

  /**
   * Gives a film to the leader and waits for its last chunks: nothing is pending, so whoever ends its own is free for what
   * another loses. Answers the follower whose chunk began last.
   */
  async lastChunks(): Promise<{ done: Submitted; victim: LabNode }> {
    const { leader, others } = await this.leaderAndOthers()
    const done = await this.watch.submit(leader, await this.films.another())
    let victim: LabNode | undefined
    const areRunning = async () => {
      const tasks = await this.watch.tasks(done.video)
      const isCut = tasks.some(({ kind, status }) => kind === 'ingest' && status === 'COMPLETED')
      if (!isCut || tasks.some(({ status }) => status === 'PENDING')) return false
      const began = (node: LabNode) => Math.max(0, ...this.heldBy(node, tasks).map(({ start_time }) => start_time ?? 0))
      victim = others.filter((node) => began(node) > 0).sort((a, b) => began(b) - began(a))[0]
      return victim !== undefined
    }
    await until('the last chunks run', areRunning, 180)
    assert.ok(victim)
    return { done, victim }
  }

  /** After `hurt`, ms: until the leader takes its tasks back, and until every one of them runs on another peer. */
  async takenUp(
    { victim, done }: { victim: LabNode; done: Submitted },
    hurt: () => Promise<void>,
  ): Promise<{ noticed: number; elsewhere: number; tasks: number }> {
    const lost = this.heldBy(victim, await this.watch.tasks(done.video)).map(({ _id }) => _id)
    assert.ok(lost.length > 0, 'it runs something')
    await hurt()
    const began = performance.now()
    let elsewhere: number | null = null
    const isReclaimed = async () => {
      const now = (await this.watch.tasks(done.video)).filter(({ _id }) => lost.includes(_id))
      const runs = ({ status, claims }: Task) =>
        status === 'COMPLETED' || claims.some(({ worker_id }) => worker_id !== victim.peer)
      if (now.every(runs)) elsewhere ??= performance.now() - began
      return now.every((task) => task.status === 'COMPLETED' || this.heldBy(victim, [task]).length === 0)
    }
    const noticed = await until('its tasks are reclaimed', isReclaimed, 90)
    // The same look, until it has seen them run.
    await until('its tasks run elsewhere', async () => (await isReclaimed()) && elsewhere !== null, 90)
    return { noticed, elsewhere: elsewhere ?? noticed, tasks: lost.length }
  }

  /** The film is delivered exactly, and every task was committed once. */
  async finish(t: TestContext, done: Submitted, began: number): Promise<void> {
    await this.watch.delivered(done, 240)
    await assertExact(this.watch, done, this.films.expected(done.file))
    t.diagnostic(`delivered ${seconds(performance.now() - began)} after the disturbance`)
  }
}
