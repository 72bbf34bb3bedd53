/**
 * Makes a node from a configuration and real parts. Only this file, `compose-media.ts` and `compose-mesh.ts` name adapters; all others use contracts.
 */
import { join } from 'node:path'
import { createBlobExchange } from '../blobs/blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from '../blobs/blob-store.ts'
import { createLauncher } from '../fleet/launcher/launchers.ts'
import { createMongoLedger } from '../ledger/mongo/mongo-ledger.ts'
import { createSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { UsageError } from '../protocol/errors.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Media, SelfTestReport } from '../protocol/media.ts'
import type { Adapters } from './adapters.ts'
import { openDestination, openSource } from './addresses.ts'
import { bulkPorts } from './bulk-ports.ts'
import { composeMedia } from './compose-media.ts'
import { composeMesh, listenHosts, serveStatus } from './compose-mesh.ts'
import { type Config, ledgerAddress } from './config.ts'
import { createFace, type NodeFace } from './face.ts'
import { mustReachFleet } from './fleet.ts'
import { createFleetPart } from './fleet-part.ts'
import { createAcceptedDeliveries } from './host/accepted-deliveries.ts'
import { clockApart } from './host/clock-apart.ts'
import { lockDataDir } from './host/data-lock.ts'
import { createPinoLog } from './host/pino-log.ts'
import { systemClock as clock, systemRng as rng } from './host/system-clock.ts'
import type { Api } from './http/api.ts'
import { controlSocketPath } from './http/control-path.ts'
import { serveControl } from './http/control-socket.ts'
import { type HttpAccess, readHttpAccess } from './http/http-access.ts'
import { createHttpPart } from './http/http-part.ts'
import type { StreamModules } from './http/node-api.ts'
import { createOtherNodes } from './http/other-nodes.ts'
import { isInputDeadlinePast } from './input-deadline.ts'
import { readMeshKey } from './mesh-key.ts'
import { openMetrics } from './metrics/open-metrics.ts'
import { createModules } from './modules.ts'
import { createNode } from './node.ts'
import { nodeOptions } from './node-options.ts'
import { otherTrials } from './other-trials.ts'
import { createPartList, type PartList } from './parts.ts'
import { nextBootEpoch } from './peers/boot-epoch.ts'
import { isWellFormed } from './peers/gossip-content.ts'
import { hostId } from './peers/host-id.ts'
import { membersOnly } from './peers/member-mesh.ts'
import { createMembership, type Membership } from './peers/membership.ts'
import { openSharedFolders } from './shared/open-shared-folders.ts'
import { openTraces } from './traces/open-traces.ts'
import { createNodeUploads } from './uploads/uploads-part.ts'
import { createDeliveredBlobs } from './videos/delivered-blobs.ts'
import { createDeliveryFolders } from './videos/delivery-folders.ts'
import { handOver } from './videos/handover.ts'
import { checkWatchedFolders, watchedFolders } from './videos/watched-folders.ts'
import { openWebhooks } from './webhooks/open-webhooks.ts'

/** A started node: its operations, its self-test, and how to stop it. */
export interface RunningNode {
  readonly face: NodeFace
  readonly hints: Pick<Hints, 'on'>
  /** What the first trials of its ffmpeg showed, or all of them. */
  readonly selfTestReport: SelfTestReport
  /** All that its ffmpeg can do, once something has needed it. Never rejects. */
  readonly wholeReport: Promise<SelfTestReport>
  /** Begins all trials of its ffmpeg, where they have not begun. */
  runAllTrials(): void
  /** Resolves when this peer was drained, runs no attempt any more, and others have what only it held. */
  readonly drained: Promise<void>
  /** Why deliveries of this node fail now: one sentence for each video. */
  problems(): ReadonlyMap<VideoId, string>
  addresses(): readonly string[]
  /** Where it serves HTTP over TCP; null where it does not. */
  http(): string | null
  /** Whether a player has asked for something there lately. */
  isWatched(): boolean
  stop(): Promise<void>
}

/** The ledger that a configuration names, not yet opened. Throws `UsageError` for an unknown kind of address. */
export function composeLedger(config: Config, log: Log): Ledger {
  const address = ledgerAddress(config)
  if (/^mongodb(\+srv)?:\/\//.test(address)) return createMongoLedger({ url: address, clock, rng, log })
  if (address.startsWith('sqlite:'))
    return createSqliteLedger({ path: address.slice('sqlite:'.length), clock, rng, log })
  // It may hold a password.
  throw new UsageError(
    '--ledger: this is no address of a ledger; use mongodb://… for many machines or sqlite:PATH for one',
  )
}

/** Functions that wrap real parts, to inject faults or to measure. */
export interface Wrappers {
  ledger?(real: Ledger): Ledger
  store?(real: DiskBlobStore): DiskBlobStore
  media?(real: Media): Media
}

/** Options of `startNode`. `log`: default, JSON lines on stderr. `wrap`: default, nothing. `isOnlyCoordinator`, `isForOneFilm`: as in `NodeOptions`; default, false. */
export interface StartOptions {
  readonly log?: Log
  readonly wrap?: Wrappers
  readonly isOnlyCoordinator?: boolean
  readonly isForOneFilm?: boolean
  /** The ffmpeg to use, such as one that probes a film already. Default: that of the configuration. */
  readonly media?: Media | undefined
}

/**
 * Starts a node. Rejects with `UsageError` where the configuration or its surroundings are wrong, and with `LedgerUnavailable`; then nothing
 * is left running, and the data folder is free again.
 */
export async function startNode(config: Config, options: StartOptions = {}): Promise<RunningNode> {
  const log = options.log ?? createPinoLog({ level: config.log_level, name: config.name })
  const swarmKey = await readMeshKey(config)
  const access = await readHttpAccess(config, log)
  await checkWatchedFolders(config)
  mustReachFleet(config)
  if (isInputDeadlinePast(config, clock.now()))
    log.warn('input_deadline is past: what is put into the watched folder gets no deadline; change or remove it', {
      input_deadline: config.input_deadline,
    })
  const parts = createPartList(log)
  try {
    const { wrap = {}, isOnlyCoordinator = false, isForOneFilm = false } = options
    const given = { log, swarmKey, access, parts, wrap, isOnlyCoordinator, isForOneFilm }
    return await compose(config, { ...given, media: options.media ?? (await composeMedia(config)) })
  } catch (error) {
    await parts.stop()
    throw error
  }
}

interface Given {
  readonly log: Log
  readonly swarmKey: string | undefined
  readonly access: HttpAccess | null
  /** The started parts: stopped when a later step fails, and when the node is stopped. */
  readonly parts: PartList
  readonly wrap: Wrappers
  readonly isOnlyCoordinator: boolean
  readonly isForOneFilm: boolean
  readonly media: Media
}

async function compose(config: Config, given: Given): Promise<RunningNode> {
  const { swarmKey, access, parts, isOnlyCoordinator, isForOneFilm } = given
  const { selfTestReport, adapters: bare } = await openAdapters(config, given)
  const { metrics, adapters: opened } = await openMetrics(access !== null, bare)
  const traces = await openTraces(config, { ...opened, parts })
  const adapters = { ...opened, ...traces, ...(await openWebhooks(config, { ...opened, parts })) }
  const { ledger, mesh, membership, store, traffic } = adapters
  const options = { ...nodeOptions(config, selfTestReport), isOnlyCoordinator, isForOneFilm }
  const modules = createModules(options, adapters)
  const { self, hints, admission, deliverer, status, submit, emit } = modules
  const admits = (peer: PeerId) => membership.admits(peer)
  await serveStatus(config, { mesh, clock, admits, snapshot: status.snapshot })
  const running = { drainMs: config.drain_timeout_ms, doesHousekeeping: config.store_dir === undefined }
  const node = createNode(running, adapters, modules)
  await parts.start(node)
  const learn = (report: SelfTestReport) =>
    void (report !== selfTestReport && modules.learn(nodeOptions(config, report).capability))
  const { wholeReport } = adapters.media
  void wholeReport.then(learn)
  const encodes = config.roles.includes('worker')
  const trials = otherTrials(adapters, { encodes, onRequest: isOnlyCoordinator || config.trials_on_request })
  await parts.start(trials)
  await parts.start(createFleetPart(config, { swarmKey, createLauncher }, adapters, modules))
  const face = createFace({ self, ...config }, { ledger, hints, status, submit, emit })
  metrics?.readFrom({ status, ledger, store, table: modules.peers, traffic, connected: () => mesh.peers() })
  const httpLog = adapters.log.child({ part: 'http' })
  const { uploads, part: uploadsPart } = createNodeUploads(config, adapters)
  await parts.start(uploadsPart)
  let api: Promise<Api> | undefined
  const makeApi = async () =>
    (await import('./http/node-api.ts')).createNodeApi(face, adapters, { uploads, metrics, admission })
  const loadApi = () => (api ??= makeApi())
  const control = await serveControl(loadApi, controlSocketPath(config.data_dir))
  await parts.start({ name: 'control socket', stop: () => control.close() })
  const others = createOtherNodes(hostId(config.machine), { peers: modules.peers, clock })
  const http = createHttpPart(access, config, { loadApi, ledger, others, clock, log: httpLog })
  await parts.start(http)
  Object.assign(modules.listener, http.listener())
  return {
    face,
    hints,
    selfTestReport,
    wholeReport,
    runAllTrials: trials.begin,
    drained: admission.drained.then(() => handOver({ self, ledger, clock })),
    problems: deliverer.problems,
    addresses: () => mesh.addresses(),
    http: http.url,
    isWatched: http.isWatched,
    stop: parts.stop,
  }
}

/** Opens the real adapters; those that need to be closed are added to the parts. */
async function openAdapters(
  config: Config,
  given: Given,
): Promise<{ selfTestReport: SelfTestReport; adapters: Adapters & Pick<StreamModules, 'delivered' | 'traffic'> }> {
  const { log, parts, wrap } = given
  const lock = await lockDataDir(config.data_dir)
  await parts.start({ name: 'lock of the data folder', stop: () => lock.release() })
  const media = wrap.media?.(given.media) ?? given.media
  const realLedger = composeLedger(config, log.child({ part: 'ledger' }))
  const ledger = wrap.ledger?.(realLedger) ?? realLedger
  await parts.start({ name: 'ledger', start: () => ledger.open(), stop: () => ledger.close() })
  const { problem } = await clockApart(ledger, clock)
  if (problem) log.warn(problem)
  const { swarmKey } = given
  const gossip = { isMember: (peer: PeerId) => membership.has(peer), isWellFormed }
  const whole = await composeMesh(config, { swarmKey, gossip, clock, rng, log: log.child({ part: 'mesh' }) })
  const membership: Membership = createMembership({ self: whole.self, ledger, clock, log })
  const mesh = membersOnly(whole, membership)
  const disk = await createBlobStore({ dir: config.store_dir ?? join(config.data_dir, 'store'), log })
  const store = wrap.store?.(disk) ?? disk
  // Right after a kill the processes that ended may still be listed; at the stop they are not.
  await parts.start({ name: 'blob store', start: () => store.tidy(), stop: () => disk.tidy() })
  const accepted = createAcceptedDeliveries(join(config.data_dir, 'deliveries.json'))
  const folders = openSharedFolders(config, { clock, rng })
  const output = watchedFolders(config)?.output ?? null
  const deliveryFolders = createDeliveryFolders({ self: mesh.self, folders, accepted, output })
  const delivered = createDeliveredBlobs({ ledger, deliveryFolders, openDestination })
  const ports = bulkPorts(config.bulk_port)
  const lines = Array.isArray(ports) ? { hosts: await listenHosts(config), ports } : null
  const traffic = { sent: 0, received: 0 }
  const blobsLog = log.child({ part: 'blobs' })
  const exchange = createBlobExchange({ mesh, store, clock, rng, log: blobsLog, lines, delivered, traffic })
  await parts.start({ name: 'bulk lines', stop: () => exchange.stop() })
  const selfTestReport = await media.firstSelfTest(new AbortController().signal)
  const bootEpoch = await nextBootEpoch(config.data_dir)
  // Before the first submit, which names the folder of its source.
  await folders.look()
  return {
    selfTestReport,
    adapters: {
      clock, rng, log, ledger, mesh, membership, store, exchange, media, openSource, openDestination, folders, accepted, delivered, traffic, bootEpoch,
    }, // biome-ignore format: a list
  }
}
