/**
 * Workers as containers of one Docker engine. Labels name the mesh, the rendition and the reason; by the label of the mesh every peer that
 * reaches the engine finds the containers, also those that a failed peer started. The engine restarts none: its owner decides.
 */
import { hostname } from 'node:os'
import type Docker from 'dockerode'
import type { Clock } from '../../protocol/clock.ts'
import {
  exitText,
  type LaunchedWorker,
  type Launcher,
  LaunchRefused,
  STOP_GRACE_MS,
  type WorkerSpec,
} from '../../protocol/launcher.ts'
import { ANSWER_MS, type AskEngine, createAskEngine, statusOf, unlessStatus } from './docker-engine.ts'
import { type SharedPath, sharedMounts } from './shared-mounts.ts'

/** The engine, and what each container is given. */
export interface DockerSettings {
  /** The name of the mesh: containers of another one are never changed. */
  readonly mesh: string
  /** Path of the Docker socket, also as `unix://…`, or `http://host:port` (`tcp://…`) of an engine that listens on TCP. */
  readonly socket: string
  readonly image: string
  /** Command and arguments; default, those of the image. */
  readonly command?: readonly string[]
  /** Docker networks, by name, that each container joins; none: the engine's default. */
  readonly networks: readonly string[]
  /** Mounts, as `volume:/path` or `/host/path:/path`, with `:ro` for read-only ones. */
  readonly volumes: readonly string[]
  /** Shared folders of this peer, which containers get read-only where the engine knows their place. Default: none. */
  readonly shared?: readonly SharedPath[]
  /** The host name of this peer: in a container, the beginning of its id, unless it was given another. Default: that of the system. */
  readonly host?: string
  /** Labels besides those of the launcher. */
  readonly labels?: Readonly<Record<string, string>>
}

/** The settings, and the clock for the deadlines of requests. */
export interface DockerLauncherOptions extends DockerSettings {
  readonly clock: Clock
}

const MESH = 'reelmesh.mesh'
const NAME = 'reelmesh.name'
const RENDITION = 'reelmesh.rendition'
const REASON = 'reelmesh.reason'
/** Header of each piece of a log: its stream and its length, bytes (Engine API, "stream format"). */
const LOG_HEADER_BYTES = 8
/**
 * A worker decodes files of strangers: it gets no capability and can gain none. It writes to the layer of its container, which goes with it:
 * volumes for a read-only root would be left behind where somebody else removes the container.
 */
const CONFINED = { CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], PidsLimit: 1024 }
const LOGS = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } }

/** A launcher of containers; a worker's id is that of its container. */
export function createDockerLauncher(options: DockerLauncherOptions): Launcher {
  const { mesh } = options
  const ask = createAskEngine(options)
  return {
    engine: async () => (await ask((docker) => docker.info())).ID as string,
    async start(spec) {
      const id = await createContainer(ask, spec, options)
      // Before its start: an engine before 25 takes no more than one network with the container. 403: it has joined already.
      for (const name of options.networks.slice(1))
        await ask((docker) => unlessStatus(403, docker.getNetwork(name).connect({ Container: id })))
      // 304: it runs already.
      await ask((docker) => unlessStatus(304, docker.getContainer(id).start()))
      const worker = await inspect(ask, mesh, id)
      if (worker === null) throw new LaunchRefused(`the container ${spec.name} disappeared right after its start`)
      return worker
    },
    async stop(id) {
      if ((await inspect(ask, mesh, id)) === null) return
      await stopContainer(ask, id)
    },
    async list() {
      const filters = JSON.stringify({ label: [`${MESH}=${mesh}`] })
      const found = await ask((docker) => docker.listContainers({ all: true, filters }))
      const workers = await Promise.all(found.map(({ Id }) => inspect(ask, mesh, Id)))
      return workers.filter((worker) => worker !== null).sort((a, b) => a.name.localeCompare(b.name))
    },
    close: async () => {},
  }
}

/** Creates a container, or finds the one of this name where the answer to an earlier start was lost. Answers its id. */
async function createContainer(ask: AskEngine, spec: WorkerSpec, options: DockerSettings): Promise<string> {
  const mounts = await mountsOf(ask, options)
  try {
    return (await ask((docker) => docker.createContainer(containerOf(spec, options, mounts)))).id
  } catch (error) {
    if (statusOf(error) !== 409) throw error
    const there = await ask((docker) => docker.getContainer(spec.name).inspect())
    if (there.Config.Labels[MESH] !== options.mesh)
      throw new LaunchRefused(`the Docker engine already has a container named ${spec.name} that is not of this mesh`)
    return there.Id
  }
}

/** The shared folders that containers get, and the mounts for them. */
async function mountsOf(
  ask: AskEngine,
  { shared = [], volumes, socket, host = hostname() }: DockerSettings,
): Promise<ReturnType<typeof sharedMounts>> {
  if (shared.length === 0) return { seen: [], binds: [] }
  const facts = await ask((docker) => unlessGone(docker.getContainer(host).inspect()))
  // A container may be called like this host.
  const own = facts?.Id.startsWith(host) ? facts.Mounts : null
  return sharedMounts(shared, { volumes, own, isLocal: /^(?:unix:\/)?\//.test(socket) })
}

async function stopContainer(ask: AskEngine, id: string): Promise<void> {
  const seconds = Math.ceil(STOP_GRACE_MS / 1000)
  // 304: it has ended already.
  await ask(
    (docker) => unlessGone(unlessStatus(304, docker.getContainer(id).stop({ t: seconds }))),
    STOP_GRACE_MS + ANSWER_MS,
  )
  // 409: it is being removed already.
  await ask((docker) => unlessStatus(409, unlessGone(docker.getContainer(id).remove({ force: true, v: true }))))
}

/** The worker in this container; null where this mesh has no such container. */
async function inspect(ask: AskEngine, mesh: string, id: string): Promise<LaunchedWorker | null> {
  const facts = await ask((docker) => unlessGone(docker.getContainer(id).inspect()))
  if (facts === null || facts.Config.Labels[MESH] !== mesh) return null
  const hasFailed = !facts.State.Running && facts.State.ExitCode !== 0
  return workerOf(facts, hasFailed ? await lastWords(ask, id) : '')
}

/** The end of the container's stderr; '' where the engine's log driver stores none. */
async function lastWords(ask: AskEngine, id: string): Promise<string> {
  const tail = { stderr: true, stdout: false, follow: false, tail: 1 } as const
  const log = await ask((docker) => docker.getContainer(id).logs(tail)).catch(() => Buffer.alloc(0))
  return log.subarray(LOG_HEADER_BYTES).toString('utf8')
}

const unlessGone = <T>(answer: Promise<T>): Promise<T | null> => unlessStatus(404, answer)

function containerOf(
  spec: WorkerSpec,
  options: DockerSettings,
  { seen, binds }: ReturnType<typeof sharedMounts>,
): Docker.ContainerCreateOptions {
  const { image, command, networks, volumes, mesh } = options
  const sees = seen.map(({ name, path }) => `${name}=${path}`).join(',')
  const environment = { ...spec.environment, ...(sees !== '' && { REELMESH_SHARED: sees }) }
  return {
    name: spec.name,
    Image: image,
    ...(command && { Entrypoint: command.slice(0, 1), Cmd: command.slice(1) }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...options.labels, [MESH]: mesh, [NAME]: spec.name, [RENDITION]: spec.rendition, [REASON]: spec.reason },
    HostConfig: {
      NanoCpus: Math.round(spec.limits.cpus * 1e9),
      Memory: spec.limits.memory_mb * 1024 * 1024,
      // With an init process a SIGTERM ends the container also before the program handles it.
      Init: true,
      Binds: [...volumes, ...binds],
      ...CONFINED,
      RestartPolicy: { Name: 'no' },
      LogConfig: LOGS,
      ...(networks.length > 0 && { NetworkMode: networks[0] }),
    },
  }
}

function workerOf({ Id, Config, State }: Docker.ContainerInspectInfo, lastWords: string): LaunchedWorker {
  const { Labels } = Config
  const [began, ended] = [Date.parse(State.StartedAt), Date.parse(State.FinishedAt)]
  const runs = State.Running || State.Restarting
  const life = began > 0 ? Math.max(0, ended - began) : 0
  return {
    id: Id,
    name: Labels[NAME] ?? '',
    rendition: Labels[RENDITION] ?? '',
    reason: Labels[REASON] ?? '',
    state: runs ? 'running' : 'ended',
    life_ms: runs ? null : life,
    how: runs ? null : howEnded(State, lastWords),
  }
}

function howEnded(state: Docker.ContainerInspectInfo['State'], lastWords: string): string {
  if (state.OOMKilled) return 'it used more memory than its limit (scale_memory_mb)'
  if (state.Status === 'created') return `it never started${state.Error ? `: ${state.Error}` : ''}`
  return state.Error ? `exit code ${state.ExitCode}: ${state.Error}` : exitText(state.ExitCode, lastWords)
}
