/**
 * The one file that names adapters: it reads a configuration and puts a node together from real parts. Everything else
 * knows contracts only.
 */
import { freemem } from 'node:os'
import { join } from 'node:path'
import { createBlobExchange } from '../blobs/blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from '../blobs/blob-store.ts'
import { type Coordinator, createCoordinator } from '../coordinator/coordinator.ts'
import { createIngestRunner } from '../coordinator/tasks/ingest.ts'
import { createMergeRunner } from '../coordinator/tasks/merge.ts'
import { createLauncher } from '../fleet/launcher/launchers.ts'
import { leaveEngines } from '../fleet/stand-aside.ts'
import { createMongoLedger } from '../ledger/mongo/mongo-ledger.ts'
import { createSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { createFfmpegMedia } from '../media/ffmpeg-media.ts'
import { createLibp2pMesh } from '../mesh/libp2p-mesh.ts'
import { createStatusExchange } from '../mesh/status-exchange.ts'
import type { Capability } from '../protocol/capability.ts'
import { createEmitter } from '../protocol/emitter.ts'
import { UsageError } from '../protocol/errors.ts'
import type { TaskKind, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Media, Proof } from '../protocol/media.ts'
import { presentPeers } from '../protocol/peer-table.ts'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import type { Runner } from '../protocol/runner.ts'
import { type Config, defaultSlots, ledgerAddress, proofDir } from './config.ts'
import { createFleet, mustReachFleet, scalingOf } from './fleet.ts'
import { createMeshHints } from './hints.ts'
import { clockApart } from './host/clock-apart.ts'
import { type DataLock, lockDataDir } from './host/data-lock.ts'
import { createPinoLog } from './host/pino-log.ts'
import { findProgram } from './host/programs.ts'
import { systemClock as clock, systemRng as rng } from './host/system-clock.ts'
import { createApi } from './http/api.ts'
import { controlSocketPath, serveControl } from './http/control-socket.ts'
import { readMeshKey } from './mesh-key.ts'
import { createNode, type NodeFace, type ReelNode } from './node.ts'
import { nextBootEpoch } from './peers/boot-epoch.ts'
import { createHeartbeat, createPeerTable } from './peers/heartbeat.ts'
import { hostId } from './peers/host-id.ts'
import { createSuspicions } from './peers/suspicions.ts'
import { createStatus } from './status/status.ts'
import { VERSION } from './version.ts'
import { createDeliverer } from './videos/delivery.ts'
import { handOver } from './videos/handover.ts'
import { createInputFolder } from './videos/input-folder.ts'
import { createPlanSource } from './videos/plan-source.ts'
import { createSubmit } from './videos/submit.ts'
import { checkWatchedFolders, watchedFolders } from './videos/watched-folders.ts'
import { createYoung } from './videos/young.ts'
import { createAudioRunner } from './worker/run-audio.ts'
import { createVideoRunner } from './worker/run-video.ts'

export interface RunningNode extends NodeFace {
  readonly node: ReelNode
  readonly media: Media
  readonly proof: Proof
  /** Resolves when someone drained this peer and nothing runs here any more. */
  readonly drained: Promise<void>
  /** What stands in the way of deliveries here. */
  problems(): ReadonlyMap<VideoId, string>
  addresses(): readonly string[]
  stop(): Promise<void>
}

/** The ledger a configuration names, not yet opened. */
export function composeLedger(config: Config, log: Log): Ledger {
  const address = ledgerAddress(config)
  if (/^mongodb(\+srv)?:\/\//.test(address)) return createMongoLedger({ url: address, clock, rng, log })
  if (address.startsWith('sqlite:'))
    return createSqliteLedger({ path: address.slice('sqlite:'.length), clock, rng, log })
  throw new UsageError(`--ledger ${address}: use mongodb://… for many hosts or sqlite:PATH for one`)
}

/** ffmpeg as configured. Trial runs are remembered in the proof folder, by build. */
export async function composeMedia(config: Config): Promise<Media> {
  const what = 'ffmpeg 5.1 or newer, with ffprobe'
  const ffmpeg = await findProgram(config.ffmpeg, { what, flag: '--ffmpeg' })
  const ffprobe = await findProgram(config.ffprobe, { what, flag: '--ffprobe' })
  const bounds = { stallMs: config.ffmpeg_stall_ms, memoryBytes: config.ffmpeg_memory_mb * 2 ** 20 }
  return createFfmpegMedia({ ffmpeg, ffprobe, cacheDir: proofDir(config), ...bounds, clock, rng })
}

/** Put around the real parts: what injects faults or measures is a wrapper, never a flag inside. */
export interface Wrappers {
  ledger?(real: Ledger): Ledger
  store?(real: DiskBlobStore): DiskBlobStore
  media?(real: Media): Media
}

export interface StartOptions {
  readonly log?: Log
  readonly wrap?: Wrappers
}

/** Starts a node. Whatever fails on the way, nothing is left running and the data folder is free again. */
export async function startNode(config: Config, options: StartOptions = {}): Promise<RunningNode> {
  const log = options.log ?? createPinoLog({ level: config.log_level, name: config.name })
  const swarmKey = await readMeshKey(config)
  await checkWatchedFolders(config)
  mustReachFleet(config)
  const undo: (() => unknown)[] = []
  try {
    const lock: DataLock = await lockDataDir(config.data_dir)
    undo.push(() => lock.release())
    return await compose(config, { log, swarmKey, undo, wrap: options.wrap ?? {} })
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

interface Given {
  readonly log: Log
  readonly swarmKey: string | undefined
  /** What to undo if a later step fails, and on stop, last first. */
  readonly undo: (() => unknown)[]
  readonly wrap: Wrappers
}

async function compose(config: Config, { log, swarmKey, undo, wrap }: Given): Promise<RunningNode> {
  const bare = composeLedger(config, log.child({ part: 'ledger' }))
  const ledger = wrap.ledger?.(bare) ?? bare
  await ledger.open()
  undo.push(() => ledger.close())
  const { problem } = await clockApart(ledger, clock)
  if (problem) log.warn(problem)
  const { data_dir: dataDir, listen, join: known, mdns } = config
  const mesh = await createLibp2pMesh({
    dataDir,
    listen,
    announce: config.announce,
    join: known,
    mdns,
    clock,
    rng,
    log: log.child({ part: 'mesh' }),
    ...(swarmKey && { swarmKey }),
  })
  undo.push(() => mesh.stop())
  const { self } = mesh
  const disk = await createBlobStore({ dir: config.store_dir ?? join(dataDir, 'store'), log })
  const store = wrap.store?.(disk) ?? disk
  // At a start right after a kill the dead may still look alive; by the stop they do not.
  undo.push(() => disk.tidy().catch(() => {}))
  await store.tidy()
  const exchange = createBlobExchange({ mesh, store, clock, rng, log: log.child({ part: 'blobs' }) })
  const ffmpeg = await composeMedia(config)
  const media = wrap.media?.(ffmpeg) ?? ffmpeg
  const proof = await media.prove(new AbortController().signal)
  const capability = capabilityOf(config, proof)
  const slots = config.roles.includes('worker') ? (config.slots ?? slotsFor(proof)) : 0
  const plans = createPlanSource(ledger)
  const table = createPeerTable({ clock, self })
  const suspicions = createSuspicions({ mesh, clock, table })
  const drained = Promise.withResolvers<void>()
  const young = createYoung(clock)
  const hints = createMeshHints(mesh)
  const emit = createEmitter({ ledger, log })
  const shared = { self, hints, ledger, store, exchange, media, clock, rng, log, emit, plans }
  const coordinates = config.roles.includes('coordinator')
  const meshSlots = () => presentPeers(table, clock.mono()).reduce((sum, { beat }) => sum + beat.slots, slots)
  const runners: Partial<Record<TaskKind, Runner>> = {
    ...(slots > 0 && { video: createVideoRunner(shared), audio: createAudioRunner(shared) }),
    ...(coordinates && {
      ingest: createIngestRunner({ ...shared, slots: meshSlots }),
      merge: createMergeRunner(shared),
    }),
  }
  const host = hostId(config.machine)
  const mayLead = () => node.mayLead()
  const coordinator: Coordinator | null = coordinates
    ? createCoordinator({
        ...shared,
        name: config.name,
        host,
        peers: table,
        suspicions,
        capability: slots > 0 ? capability : null,
        scaling: scalingOf(config, slots),
        connected: () => mesh.peers(),
        mayLead,
        log: log.child({ part: 'coordinator' }),
      })
    : null
  const deliverer = createDeliverer({ ...shared, young })
  const submit = createSubmit({ ...shared, young })
  const watched = watchedFolders(config)
  const node: ReelNode = createNode({
    ...shared,
    inputFolder: watched && createInputFolder({ ...watched, ...inputOf(config), clock, log, ledger, submit }),
    mesh,
    table,
    capability,
    slots,
    runners,
    trial: media.trial,
    coordinator,
    deliverer,
    keepsHouse: config.store_dir === undefined,
    young,
    drainMs: config.drain_timeout_ms,
    drained: () => void handOver(shared).then(drained.resolve),
    identity: { version: VERSION, host, name: config.name, roles: config.roles, ffmpeg: proof.ffmpeg },
    submit,
  })
  const heartbeat = createHeartbeat({
    mesh,
    clock,
    rng,
    log,
    table,
    snapshot: node.body,
    bootEpoch: await nextBootEpoch(dataDir),
  })
  node.attach(heartbeat)
  const status = createStatus({
    self,
    version: VERSION,
    ledger,
    clock,
    table,
    plans,
    own: heartbeat.own,
    problems: deliverer.problems,
  })
  createStatusExchange({ mesh, clock, snapshot: status.snapshot })
  await node.start()
  suspicions.start()
  undo.push(() => suspicions.stop())
  undo.push(() => node.stop())
  const addresses = () => mesh.addresses()
  const fleet = createFleet(config, {
    ...shared,
    createLauncher,
    peers: table,
    swarmKey,
    hint: hints.publish,
    addresses,
  })
  fleet?.start()
  if (fleet === null)
    await leaveEngines(ledger, self, null).catch((error) => log.warn('engines of an earlier life stay', { error }))
  undo.push(() => fleet?.stop())
  const face: NodeFace = {
    self,
    ledger,
    snapshot: status.snapshot,
    row: status.row,
    submit: node.submit,
    act: node.act,
    setPeer: node.setPeer,
  }
  const control = await serveControl(createApi(face), controlSocketPath(dataDir))
  undo.push(() => control.close())
  const stop = once(async () => {
    for (const step of undo.reverse()) await step()
  })
  const problems = deliverer.problems
  return { ...face, node, media, proof, drained: drained.promise, problems, addresses, stop }
}

function capabilityOf(config: Config, proof: Proof): Capability {
  const { decoders, filters, encoders } = proof
  return { decoders, filters, encoders, resolutions: config.renditions, audio: true }
}

const inputOf = (config: Config) => ({
  stateFile: join(config.data_dir, 'input-folder.json'),
  recipe: {
    ...DEFAULT_RECIPE,
    renditions: config.input_renditions,
    preset: config.input_preset,
    crf: config.input_crf,
  },
})

const slotsFor = (proof: Proof): number =>
  defaultSlots({ freeBytes: freemem(), coresPerSlot: proof.cores_per_slot, encodeBytes: proof.encode_bytes })

function once<T>(act: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => {
    running ??= act()
    return running
  }
}
