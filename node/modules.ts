/**
 * The modules of a node, from the adapters that `compose.ts` chose (or those of a simulation): each is made once, in this order, from named
 * options and earlier modules. None is started; `node.ts` starts them.
 */
import { type Coordinator, createCoordinator } from '../coordinator/coordinator.ts'
import type { WebhookParts } from '../coordinator/duty.ts'
import { createIngestRunner } from '../coordinator/tasks/ingest.ts'
import { createMergeRunner } from '../coordinator/tasks/merge.ts'
import { createPackageRunner } from '../coordinator/tasks/package.ts'
import type { Capability } from '../protocol/capability.ts'
import { createEmitter, type Emit } from '../protocol/emitter.ts'
import type { PeerId, TaskId } from '../protocol/ids.ts'
import { kindsWhere } from '../protocol/kinds.ts'
import { presentPeers, reachablePeers, takesWork } from '../protocol/peer-table.ts'
import type { Runners } from '../protocol/runner.ts'
import { createUndelivered } from '../protocol/undelivered.ts'
import type { Adapters, Basics, NodeOptions } from './adapters.ts'

export type { Adapters, NodeOptions } from './adapters.ts'

import { type AdmissionGate, createAdmissionGate } from './admission.ts'
import { createMeshHints, type MeshHints } from './hints.ts'
import { createPlanners } from './ladders/best-planners.ts'
import { createHeartbeat, createPeerTable, type HeardTable, type HeartbeatLoop } from './peers/heartbeat.ts'
import { type HeartbeatBodyModules, heartbeatBody, type Listener } from './peers/heartbeat-body.ts'
import { createOwnSpeeds } from './peers/own-speeds.ts'
import { createSuspicions, type Suspicions } from './peers/suspicions.ts'
import { createKeptSnapshot } from './status/kept-snapshot.ts'
import { watchAnswers } from './status/ledger-watch.ts'
import { createProgressWatch } from './status/progress-watch.ts'
import { createStatus, type Status } from './status/status.ts'
import { createStillEvents } from './status/still-events.ts'
import { createSharing, createVideoModules, type VideoModules } from './video-modules.ts'
import { type Copier, createCopier } from './videos/copier.ts'
import { createPendingSubmits, type PendingSubmits } from './videos/pending-submits.ts'
import { createPlanSource } from './videos/plan-source.ts'
import { sharedFirst } from './videos/shared-first.ts'
import type { SharedSources } from './videos/shared-sources.ts'
import { storeAttemptLog } from './worker/attempt-log.ts'
import { type Attempts, createAttempts } from './worker/attempts.ts'
import { type CircuitBreakers, createCircuitBreakers } from './worker/circuit-breaker.ts'
import { createControlTaskOrder } from './worker/control-task-order.ts'
import { SLOTS_OF_ONE } from './worker/one-at-a-time.ts'
import { createAudioRunner } from './worker/run-audio.ts'
import { createVideoRunner } from './worker/run-video.ts'
import { createSettlement } from './worker/settlement.ts'
import { createWorker, type Worker } from './worker/worker.ts'

/** Every module, by name. */
export interface Modules extends VideoModules {
  readonly self: PeerId
  readonly hints: MeshHints
  readonly peers: HeardTable
  readonly suspicions: Suspicions
  readonly emit: Emit
  readonly pendingSubmits: PendingSubmits
  readonly admission: AdmissionGate
  /** The coordinator; null without that role. */
  readonly coordinator: Coordinator | null
  readonly worker: Worker
  readonly heartbeat: HeartbeatLoop
  readonly copier: Copier
  readonly sharedSources: SharedSources
  readonly status: Status
  /** One round of the events of stillness. */
  readonly stillEvents: () => Promise<void>
  /** Adds what later trials showed to what this node claims and advertises. */
  readonly learn: (more: NodeOptions['capability']) => void
  /** Where this node serves pages and packages. */
  readonly listener: Listener
}

/** Makes all modules of a node. */
export function createModules(given: NodeOptions, opened: Adapters): Modules {
  const { clock } = opened
  const { ledger, watch: ledgerWatch } = watchAnswers(opened.ledger, clock)
  const adapters = { ...opened, ledger }
  const { log, mesh, store, exchange } = adapters
  const { self } = mesh
  const basics: Basics = createBasics(adapters)
  const { hints, emit, peers, suspicions, plans, pendingSubmits, reachable } = basics
  const sharedSources = createSharing(given, adapters, basics)
  const media = { ...adapters, exchange: sharedFirst(exchange, sharedSources) }
  const runners = createRunners(given, media, { ...basics, own: () => heartbeat.own() })
  const capability: Capability = { ...given.capability, kinds: wholeKinds(runners) }
  const options: AbleOptions = { ...given, capability }
  const work = createWork(options, adapters, basics, { runners, shown: (id) => status.video(id) })
  const { attempts, admission, coordinator, worker } = work
  const { submit, deliverer, inputFolder } = createVideoModules(options, adapters, basics)
  const copier = createCopier({ self, ledger, store, exchange, log, hints, sharedSources })
  const listener: Listener = { own: null, forAll: null }
  const heartbeat = createOwnHeartbeat(options, adapters, {
    ...{ peers, attempts, admission, sharedSources, listener },
    ownSpeeds: createOwnSpeeds(basics.plans),
  })
  const { version } = options
  const { own } = heartbeat
  const { problems } = deliverer
  const watch = createProgressWatch(clock)
  peers.listen(({ peer, beat }) => watch.sawRunning(peer, beat.running))
  const leads = () => coordinator?.term() != null
  const read = createStatus({
    self, version, ledger, clock, table: peers, plans, problems, watch, ledgerWatch, reachable, leads,
    own: () => ({ ...own(), ...(listener.own !== null && { http: listener.own }) }),
  }) // biome-ignore format: parts of one module
  const status: Status = { ...read, snapshot: createKeptSnapshot(read.snapshot, { clock, hints }) }
  const isFirst = () => presentPeers(peers, clock.mono()).every(({ peer }) => peer > self)
  const { stillness } = status
  const stillEvents = createStillEvents({ self, ledger, clock, ledgerWatch, emit, leads, isFirst, stillness })
  const learn: Modules['learn'] = (more) => {
    Object.assign(capability, more)
    hints.publish({ what: 'tasks', video: null })
  }
  return {
    self,
    learn,
    listener,
    hints,
    peers,
    suspicions,
    emit,
    pendingSubmits,
    admission,
    coordinator,
    worker,
    heartbeat,
    deliverer,
    copier,
    inputFolder,
    sharedSources,
    status,
    stillEvents,
    submit,
  }
}

function createBasics({ clock, log, ledger, mesh, membership: members, traces }: Adapters): Basics {
  const { self } = mesh
  const peers = createPeerTable({ clock, self, members, connections: () => mesh.connections() })
  const suspicions = createSuspicions({ mesh, clock, table: peers })
  const emit = createEmitter({ ledger, log })
  const connected = () => mesh.peers()
  const sawLost = (peer: PeerId) => suspicions.sawLost(peer)
  const hints = createMeshHints(mesh, peers)
  return {
    self,
    hints,
    emit: traces?.heard(emit) ?? emit,
    peers,
    suspicions,
    plans: createPlanSource(ledger),
    pendingSubmits: createPendingSubmits(clock),
    undelivered: createUndelivered({ ledger, clock, hints }),
    reachable: () => reachablePeers({ self, peers, clock, connected, sawLost }),
  }
}

interface AbleOptions extends NodeOptions {
  readonly capability: Capability
}

/** Kinds of whole-video tasks that run in encode slots here. */
const wholeKinds = (runners: Runners): string[] =>
  kindsWhere(({ slots, scope }) => slots === 'encode' && scope === 'video').filter((kind) => runners[kind])

/** The runners of the kinds that this peer's roles run. */
function createRunners(
  { slots, roles, isForOneFilm }: NodeOptions,
  adapters: Adapters,
  basics: Basics & Pick<HeartbeatLoop, 'own'>,
): Runners {
  const { ledger, store, exchange, media, clock, rng, log, traces } = adapters
  const { self, own, plans, peers, hints, emit, reachable } = basics
  const encoding = { self, store, exchange, media, plans, clock, ledger }
  const video = createVideoRunner(encoding)
  const encodes: Runners = { video, audio: createAudioRunner({ ...encoding, log }, video), audit: video }
  const beats = () => presentPeers(peers, clock.mono()).map(({ beat }) => beat)
  const controls: Runners = {
    ingest: createIngestRunner({
      ...{ self, ledger, store, exchange, media, clock, rng, hints },
      slots: () => beats().reduce((sum, beat) => sum + beat.slots, slots),
      workers: () => [own(), ...beats()].filter(takesWork),
      isAlone: isForOneFilm && slots <= SLOTS_OF_ONE,
      reachable,
    }),
    merge: createMergeRunner({ self, ledger, store, exchange, media, clock, rng, emit }),
    package: createPackageRunner({ self, ledger, store, exchange, media, clock, rng }),
  }
  // A coordinator without slots settles a difference between the results of others.
  const settles = slots === 0 && roles.includes('coordinator') && { audit: video }
  const runners = { ...(slots > 0 && encodes), ...settles, ...(roles.includes('coordinator') && controls) }
  return traces?.traced(runners) ?? runners
}

interface WorkModules {
  readonly breakers: CircuitBreakers
  readonly attempts: Attempts
  readonly admission: AdmissionGate
  readonly coordinator: Coordinator | null
  readonly worker: Worker
}

function createWork(
  options: AbleOptions,
  adapters: Adapters,
  basics: Basics,
  { runners, shown }: { readonly runners: Runners } & Pick<WebhookParts, 'shown'>,
): WorkModules {
  const { clock, rng, log, ledger, store, media } = adapters
  const { self, hints, emit, peers, plans, reachable } = basics
  const { name, capability, slots } = options
  const breakers = createCircuitBreakers({ self, name }, { clock, rng, peers, emit, selfTest: media.quickSelfTest })
  const settle = createSettlement(
    { self },
    { ledger, clock, rng, log, emit, hints, storeLog: (task, text) => storeAttemptLog(store, task, text) },
  )
  const attempts = createAttempts({ self }, { ledger, clock, log, hints, runners, settle })
  const admission = createAdmissionGate(
    { self, name },
    { ledger, store, clock, hints, peers, attempts, breakers, emit },
  )
  const settling = new Set<TaskId>()
  const coordinator = options.roles.includes('coordinator')
    ? createLeader(options, adapters, basics, { admission, settling, attempts, shown })
    : null
  const lookAtControlTasks = createControlTaskOrder({
    ...{ self, ledger, store, reachable },
    leads: () => coordinator?.term() != null,
    planners: createPlanners({ ...options, ...basics, clock }),
  })
  const worker = createWorker(
    { self, capability, slots },
    {
      ledger,
      plans,
      clock,
      rng,
      log,
      hints,
      peers,
      runners,
      attempts,
      breakers,
      admission,
      reachable,
      settling,
      lookAtControlTasks,
    },
  )
  return { breakers, attempts, admission, coordinator, worker }
}

interface LeaderModules extends Pick<WebhookParts, 'shown'> {
  readonly admission: AdmissionGate
  readonly settling: Set<TaskId>
  readonly attempts: Attempts
}

function createLeader(
  { name, host, slots, capability, scaling, audit, isOnlyCoordinator }: AbleOptions,
  { clock, rng, log, ledger, mesh, store, exchange, webhooks }: Adapters,
  { self, hints, emit, peers, suspicions, reachable, undelivered }: Basics,
  { admission, settling, attempts, shown }: LeaderModules,
): Coordinator {
  return createCoordinator(
    {
      self,
      name,
      slots,
      host,
      capability: slots > 0 ? capability : null,
      settles: slots > 0 ? null : { capability, take: (task) => void settling.add(task) },
      audit,
      isOnlyCoordinator,
      ...(scaling && { scaling }),
    },
    {
      ledger, store, exchange, clock, rng, emit, hints, peers, suspicions, mesh, reachable, undelivered, admission,
      log: log.child({ part: 'coordinator' }),
      running: () => attempts.running(),
      ...(webhooks && { webhooks: { ...webhooks, shown } }),
    }, // biome-ignore format: parts of one module
  )
}

function createOwnHeartbeat(
  { version, host, name, roles, ffmpeg, capability, slots }: AbleOptions,
  { mesh, clock, rng, log, folders, bootEpoch }: Adapters,
  { peers, ...modules }: { peers: HeardTable } & Omit<HeartbeatBodyModules, 'folders'>,
): HeartbeatLoop {
  const identity = { version, host, name, roles, ffmpeg }
  const snapshot = () => heartbeatBody({ identity, capability, slots }, { ...modules, folders })
  return createHeartbeat({ mesh, clock, rng, log, table: peers, snapshot, bootEpoch })
}
