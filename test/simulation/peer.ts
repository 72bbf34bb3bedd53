/**
 * One simulated machine: the real modules of a node (`node/modules.ts`) over adapters
 * that run in virtual time. It may be started, stopped, killed and frozen, many times.
 */
import { ledgerFromSteps } from '../../ledger/ledger-from-steps.ts'
import { openDestination, openSource } from '../../node/addresses.ts'
import { createFace, type NodeFace } from '../../node/face.ts'
import type { AcceptedDeliveries, AcceptedDelivery } from '../../node/host/accepted-deliveries.ts'
import { createModules, type NodeOptions } from '../../node/modules.ts'
import { createNode, type ReelNode } from '../../node/node.ts'
import { membersOnly } from '../../node/peers/member-mesh.ts'
import { createMembership } from '../../node/peers/membership.ts'
import { createSharedFolders, NO_SHARED_FOLDERS } from '../../node/shared/shared-folders.ts'
import type { Rng } from '../../protocol/clock.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { SharedFolders } from '../../protocol/shared-folder.ts'
import { WEBHOOK_TYPES } from '../../protocol/webhook.ts'
import { createExchange, createStore, type Neighbour, storeOf } from '../../testing/simulation/blob-stand-ins.ts'
import { fineLine, type LineFaults, ledgerLine } from '../../testing/simulation/ledger-line.ts'
import { createLife, type Life } from '../../testing/simulation/life.ts'
import { createMedia } from '../../testing/simulation/media-stand-in.ts'
import { HOOK_URL } from './hook-rules.ts'
import { noisyMesh } from './mesh-noise.ts'
import type { PeerPlan } from './scenario.ts'
import { createMount, type Mount } from './shared-mount.ts'
import type { AskedPeer } from './stillness-rules.ts'
import type { World } from './world.ts'

/** As in `node.ts`. */
const LEDGER_STOP_MS = 6_000

const CAPABILITY = {
  decoders: ['h264'],
  encoders: ['x264'],
  filters: [],
  renditions: 'all',
} as const

const optionsOf = ({ name, host, works, coordinates, slots }: PeerPlan, audit: number): NodeOptions => ({
  version: '0',
  name,
  host: host ?? name,
  roles: [...(works ? (['worker'] as const) : []), ...(coordinates ? (['coordinator'] as const) : [])],
  ffmpeg: 'stand-in',
  capability: CAPABILITY,
  audit,
  slots,
  isOnlyCoordinator: false,
  isForOneFilm: false,
  inputFolder: null,
})

/** Looks like libp2p's: base58, without 0. */
export const peerIdOf = (index: number): PeerId =>
  asPeerId(`12D3KooW${'m'.repeat(42)}${String.fromCharCode(97 + Math.floor(index / 9))}${1 + (index % 9)}`)

/** What `run` and the chaos around it see of one life of a node. */
interface Running {
  readonly life: Life
  readonly node: ReelNode
  readonly folders: SharedFolders
  readonly face: NodeFace
  readonly ledger: Ledger
  /** Its heartbeat now. */
  own(): Heartbeat
  connected(): readonly PeerId[]
  /** The peers that it counts. */
  counted(): readonly PeerId[]
  /** Ends what people asked of it. */
  readonly requests: AbortController
}

export class SimulatedPeer {
  readonly id: PeerId
  readonly plan: PeerPlan
  readonly line: LineFaults = fineLine()
  slowness: number
  /** The shared folder as it sees it; null where it sees none. */
  readonly mount: Mount | null
  running: Running | null = null
  state: Neighbour['state'] = 'dead'
  /** Lost for good: nobody starts it again. */
  isGone = false
  readonly #world: World
  #started: Running | null = null
  #epoch = 0
  /** On its disk. */
  readonly #accepted: AcceptedDelivery[] = []
  readonly #folderIds = new Map<string, string>()
  #lives = 0
  #stopping: Promise<void> | null = null
  /** When it was last started or thawed, or lost a statement. */
  #disturbedAt = 0
  /** When it last ended or froze. */
  #goneAt = 0

  constructor(world: World, plan: PeerPlan, index: number) {
    this.#world = world
    this.plan = plan
    this.id = peerIdOf(index)
    this.slowness = plan.slowness
    this.mount = plan.sees ? createMount(world, plan.name) : null
  }

  get machine(): string {
    return this.plan.name
  }

  /** Rejects where the node could not start, such as with its ledger away. */
  async start(): Promise<void> {
    if (this.running) return
    const life = createLife(this.#world.scheduler)
    this.#world.disk.pauses.set(this.machine, () => life.wait(1))
    this.state = 'running'
    this.#lives++
    this.running = this.#compose(life)
    this.#world.trace(`${this.machine} starts`)
    const { running } = this
    await running.folders.look()
    await running.node.start()
    this.#started = running
    this.#disturbed()
  }

  /** What idle and stillness rules ask of it; null where it is not up. */
  idle(): AskedPeer | null {
    if (!this.isUp || !this.running) return null
    const { own, face, connected } = this.running
    const asked = this.#world.sabotage.face?.(face) ?? face
    return {
      id: this.id,
      beat: own(),
      face: asked,
      connected: connected(),
      undisturbedMs: this.#world.scheduler.now() - this.#disturbedAt,
    }
  }

  /** Virtual ms since it last ran; 0 while it does. */
  goneMs(): number {
    return this.state === 'running' ? 0 : this.#world.scheduler.now() - this.#goneAt
  }

  #disturbed(): void {
    this.#disturbedAt = this.#world.scheduler.now()
  }

  /** Its start has come to its end, and nothing holds or has ended it. */
  get isUp(): boolean {
    return this.state === 'running' && this.running !== null && this.#started === this.running
  }

  /** As SIGTERM. Resolves when the process has ended; a second signal changes nothing. */
  async stop(): Promise<void> {
    if (!this.running) return
    this.#stopping ??= this.#stopOnce()
    await this.#stopping
  }

  async #stopOnce(): Promise<void> {
    const { running } = this
    if (!running) return
    this.#world.trace(`${this.machine} stops`)
    const began = this.#world.scheduler.now()
    // As the control socket closes first, with whatever was asked through it.
    running.requests.abort(new DOMException('the node stops', 'AbortError'))
    await running.node.stop()
    if (this.running !== running) return
    // A ledger that is away is not waited for: the process ends with what still asks it.
    const hasTime = this.#world.scheduler.now() - began < LEDGER_STOP_MS
    if (hasTime && running.life.timers() > 0)
      this.#world.report(`${this.machine} left ${running.life.timers()} timers running when it stopped`)
    this.#end()
  }

  /** As SIGKILL, or a power cut; `isWiped`: with its disk. */
  crash(isWiped: boolean): void {
    if (!this.running) return
    this.#world.trace(`${this.machine} crashes${isWiped ? ' and loses its store' : ''}`)
    this.#world.hub.kill(this.id)
    this.#end()
    this.#world.disk.remove(`/simulated/${this.machine}/scratch`)
    if (isWiped) this.#world.disk.remove(storeOf(this.machine))
  }

  #end(): void {
    this.running?.life.kill()
    this.#world.hub.thaw(this.id)
    this.running = null
    // A process that was killed while it stopped never says that it has.
    this.#stopping = null
    this.#goneAt = this.#world.scheduler.now()
    this.state = 'dead'
  }

  freeze(): void {
    if (this.state !== 'running') return
    this.#world.trace(`${this.machine} freezes`)
    this.state = 'frozen'
    this.#goneAt = this.#world.scheduler.now()
    this.running?.life.freeze()
    this.#world.hub.freeze(this.id)
  }

  thaw(): void {
    if (this.state !== 'frozen') return
    this.#world.trace(`${this.machine} thaws`)
    this.state = 'running'
    this.#disturbed()
    this.#world.hub.thaw(this.id)
    this.running?.life.thaw()
  }

  #compose(life: Life): Running {
    const world = this.#world
    const { sabotage, disk, scheduler } = world
    const { id: self, machine, plan } = this
    const { clock } = life
    const rng = world.rng.fork(`${machine} life ${this.#lives}`)
    const line = ledgerLine({
      steps: world.steps,
      scheduler,
      life,
      rng: rng.fork('line'),
      faults: [this.line, world.ledgerFaults],
      onLost: () => this.#disturbed(),
    })
    const ledger = { ...ledgerFromSteps(line), close: async () => {}, ...sabotage.ledger?.(ledgerFromSteps(line)) }
    const raw = noisyMesh(world.hub.join(self, { knows: world.ids }), {
      life,
      rng: rng.fork('gossip'),
      noise: world.gossip,
      scheduler,
    })
    const log = this.#log()
    const membership = createMembership({ self, ledger, clock, log })
    const mesh = membersOnly(raw, membership)
    const plainStore = createStore({ disk, clock, machine })
    const store = sabotage.store?.(plainStore) ?? plainStore
    const plainExchange = createExchange({
      disk,
      clock,
      rng: rng.fork('exchange'),
      machine,
      mesh,
      store,
      neighbour: (peer) => world.neighbour(peer),
    })
    const plain = createMedia({
      disk,
      clock,
      build: `build of ${machine}`,
      slowness: () => this.slowness,
      bad: plan.bad,
      onWork: (what) => world.trace(`${machine} ${what}`),
    })
    const media = sabotage.media?.(plain, machine) ?? plain
    const bootEpoch = {
      current: () => this.#epoch,
      raise: async (seen: number) => (this.#epoch = Math.max(this.#epoch, seen + 1)),
    }
    this.#epoch++
    const accepted: AcceptedDeliveries = {
      accept: async (delivery) => void this.#accepted.push(delivery),
      has: async ({ video, dir }) => this.#accepted.some((each) => each.video === video && each.dir === dir),
    }
    const folders = this.#folders(life, rng)
    const exchange = sabotage.exchange?.(plainExchange) ?? plainExchange
    const adapters = {
      clock,
      rng,
      log,
      ledger,
      mesh,
      membership,
      store,
      exchange,
      media,
      openSource,
      openDestination,
      folders,
      accepted,
      bootEpoch,
      webhooks: {
        endpoints: { urls: [HOOK_URL], types: WEBHOOK_TYPES },
        send: world.hook.sender(clock, rng.fork('hook')),
      },
    }
    const modules = createModules(optionsOf(plan, world.audit), adapters)
    const node = createNode({ drainMs: 0, doesHousekeeping: true }, adapters, modules)
    const { hints, status, submit, heartbeat, peers, emit } = modules
    const face = createFace(
      { self, ladders: {}, webhook_allow_private: false },
      { ledger, hints, status, submit, emit },
    )
    return {
      life,
      node,
      folders,
      face,
      ledger,
      own: heartbeat.own,
      connected: () => mesh.peers(),
      counted: () => peers.all().map(({ peer }) => peer),
      requests: new AbortController(),
    }
  }

  #folders({ clock }: Life, rng: Rng): SharedFolders {
    const ids = this.#folderIds
    const known = {
      get: async (path: string) => ids.get(path) ?? null,
      set: async (path: string, id: string) => void ids.set(path, id),
    }
    const settings = this.mount ? [{ name: 'films', path: this.mount.path }] : []
    return settings.length > 0 ? createSharedFolders({ settings, clock, rng, known }) : NO_SHARED_FOLDERS
  }

  /** Warnings are part of the trace; an error is something nobody foresaw. */
  #log(): Log {
    const say = (level: string) => (message: string, fields?: object) =>
      this.#world.trace(`${this.machine} ${level}: ${message} ${JSON.stringify(fields ?? {})}`)
    const log: Log = {
      debug: () => {},
      info: say('info'),
      warn: say('warn'),
      error: (message, fields) => {
        say('error')(message, fields)
        if (!message.startsWith('an attempt could not be settled'))
          this.#world.report(`${this.machine} said: ${message} ${JSON.stringify(fields ?? {})}`)
      },
      child: () => log,
    }
    return log
  }
}
