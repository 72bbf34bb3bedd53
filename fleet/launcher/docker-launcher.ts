/**
 * Workers as containers of one Docker engine, by the Engine API. Labels say the mesh, the rendition and the reason; by the mesh's
 * label any peer that reaches the engine finds them again, so strays of a dead coordinator need no adoption of their own. The
 * engine never restarts them: whoever keeps it decides.
 */
import type Docker from 'dockerode'
import { type Clock, within } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import {
  EngineAway,
  exitText,
  type LaunchedWorker,
  type Launcher,
  LaunchRefused,
  STOP_GRACE_MS,
  type WorkerSpec,
} from '../../protocol/launcher.ts'

export interface DockerLauncherOptions {
  readonly clock: Clock
  /** Names the mesh: containers of another one are never touched. */
  readonly mesh: string
  /** Path of the Docker socket, also as `unix://…`, or `http://host:port` (`tcp://…`) of an engine that listens on TCP. */
  readonly socket: string
  readonly image: string
  /** The command and its arguments where it is not the image's own. */
  readonly command?: readonly string[]
  /** A Docker network, by name; the engine's default where there is none. */
  readonly network: string | null
  /** `volume:/path` or `/host/path:/path`, with `:ro` where nothing is written. */
  readonly volumes: readonly string[]
  /** Beside those of the launcher's own. */
  readonly labels?: Readonly<Record<string, string>>
  readonly answerMs?: number
}

const MESH = 'reelmesh.mesh'
const NAME = 'reelmesh.name'
const RENDITION = 'reelmesh.rendition'
const REASON = 'reelmesh.reason'
/** An engine that pulls nothing and builds nothing answers within this, also on a loaded host. */
const ANSWER_MS = 30_000
/** Before each line of a log: which stream, and how long. */
const LOG_HEADER_BYTES = 8
const LOGS = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } }

export function createDockerLauncher(options: DockerLauncherOptions): Launcher {
  const { clock, mesh } = options
  let connected: Promise<Docker> | null = null

  /** dockerode is loaded when an engine is first asked: a node without one does without it. */
  async function docker(): Promise<Docker> {
    connected ??= import('dockerode').then(({ default: Engine }) => new Engine(address(options.socket)))
    return connected
  }

  /** One question to the engine; whatever is wrong with it is an error of the contract. */
  async function ask<T>(question: (docker: Docker) => Promise<T>, ms = options.answerMs ?? ANSWER_MS): Promise<T> {
    const engine = await docker()
    const answer = await within(clock, ms, question(engine)).catch((error: unknown) => {
      throw told(error, options)
    })
    if (answer === 'late')
      throw new EngineAway(`the Docker engine at ${options.socket} did not answer within ${ms / 1000} s`)
    return answer
  }

  async function inspect(id: string): Promise<LaunchedWorker | null> {
    const facts = await ask((engine) => unlessGone(engine.getContainer(id).inspect()))
    if (facts === null || facts.Config.Labels[MESH] !== mesh) return null
    const hasFailed = !facts.State.Running && facts.State.ExitCode !== 0
    return shown(facts, hasFailed ? await lastWords(id) : '')
  }

  /** Nothing where there is no log to be had: a driver may keep none. */
  async function lastWords(id: string): Promise<string> {
    const tail = { stderr: true, stdout: false, follow: false, tail: 1 } as const
    const log = await ask((engine) => engine.getContainer(id).logs(tail)).catch(() => Buffer.alloc(0))
    return log.subarray(LOG_HEADER_BYTES).toString('utf8')
  }

  async function create(spec: WorkerSpec): Promise<string> {
    try {
      return (await ask((engine) => engine.createContainer(containerOf(spec, options)))).id
    } catch (error) {
      if (statusOf(error) !== 409) throw error
      const there = await ask((engine) => engine.getContainer(spec.name).inspect())
      if (there.Config.Labels[MESH] !== mesh)
        throw new LaunchRefused(`a container called ${spec.name} is there already, and not of this mesh`)
      return there.Id
    }
  }

  return {
    engine: async () => (await ask((engine) => engine.info())).ID as string,
    async start(spec) {
      const id = await create(spec)
      // 304: it runs already.
      await ask((engine) => unless(304, engine.getContainer(id).start()))
      const worker = await inspect(id)
      if (worker === null) throw new LaunchRefused(`the container ${spec.name} was gone as soon as it was started`)
      return worker
    },
    async stop(id) {
      if ((await inspect(id)) === null) return
      const seconds = Math.ceil(STOP_GRACE_MS / 1000)
      await ask(
        (engine) => unlessGone(unless(304, engine.getContainer(id).stop({ t: seconds }))),
        STOP_GRACE_MS + ANSWER_MS,
      )
      await ask((engine) => unless(409, unlessGone(engine.getContainer(id).remove({ force: true, v: true }))))
    },
    async list() {
      const filters = JSON.stringify({ label: [`${MESH}=${mesh}`] })
      const found = await ask((engine) => engine.listContainers({ all: true, filters }))
      const workers = await Promise.all(found.map(({ Id }) => inspect(Id)))
      return workers.filter((worker) => worker !== null).sort((a, b) => a.name.localeCompare(b.name))
    },
    close: async () => {},
  }
}

function address(socket: string): Docker.DockerOptions {
  const path = socket.replace(/^unix:\/\//, '')
  if (path.startsWith('/')) return { socketPath: path }
  const { protocol, hostname } = new URL(socket.replace(/^tcp:/, 'http:'))
  // An URL does not tell its scheme's own port from none.
  const port = Number(/:(\d+)(?:\/|$)/.exec(socket)?.[1] ?? 2375)
  return { protocol: protocol === 'https:' ? 'https' : 'http', host: hostname, port }
}

function containerOf(spec: WorkerSpec, options: DockerLauncherOptions): Docker.ContainerCreateOptions {
  const { image, command, network, volumes, mesh } = options
  return {
    name: spec.name,
    Image: image,
    ...(command && { Entrypoint: command.slice(0, 1), Cmd: command.slice(1) }),
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: { ...options.labels, [MESH]: mesh, [NAME]: spec.name, [RENDITION]: spec.rendition, [REASON]: spec.reason },
    HostConfig: {
      NanoCpus: Math.round(spec.limits.cpus * 1e9),
      Memory: spec.limits.memory_mb * 1024 * 1024,
      // A signal that comes before the program listens for it ends it all the same.
      Init: true,
      Binds: [...volumes],
      RestartPolicy: { Name: 'no' },
      LogConfig: LOGS,
      ...(network !== null && { NetworkMode: network }),
    },
  }
}

function shown({ Id, Config, State }: Docker.ContainerInspectInfo, said: string): LaunchedWorker {
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
    how: runs ? null : howEnded(State, said),
  }
}

function howEnded(state: Docker.ContainerInspectInfo['State'], said: string): string {
  if (state.OOMKilled) return 'it used more memory than its limit (scale_memory_mb)'
  if (state.Status === 'created') return `it never started${state.Error ? `: ${state.Error}` : ''}`
  return state.Error ? `exit code ${state.ExitCode}: ${state.Error}` : exitText(state.ExitCode, said)
}

const statusOf = (error: unknown): number | undefined => {
  const own = (error as { statusCode?: unknown } | null)?.statusCode
  if (typeof own === 'number') return own
  return error instanceof Error && error.cause !== undefined ? statusOf(error.cause) : undefined
}

/** What the engine answers with this status is as good as done. */
async function unless<T>(status: number, answer: Promise<T>): Promise<T | null> {
  return answer.catch((error: unknown) => {
    if (statusOf(error) === status) return null
    throw error
  })
}
const unlessGone = <T>(answer: Promise<T>): Promise<T | null> => unless(404, answer)

function told(error: unknown, { socket, image, network }: DockerLauncherOptions): EngineAway | LaunchRefused {
  const status = statusOf(error)
  const { code, json } = error as { code?: string; json?: { message?: string } }
  const words = json?.message ?? sentence(error)
  if (status === 404 && /image/i.test(words))
    return new LaunchRefused(`the Docker engine has no image ${image}: build or pull it there`, error)
  if (status === 404 && /network/i.test(words))
    return new LaunchRefused(`the Docker engine has no network ${network}`, error)
  if (status !== undefined) return new LaunchRefused(`the Docker engine refused: ${words}`, error)
  if (code === 'EACCES')
    return new EngineAway(
      `the Docker socket ${socket} may not be opened by this user: its group must be one of the node's (DOCKER_GID in compose)`,
      error,
    )
  if (code === 'ENOENT') return new EngineAway(`there is no Docker socket at ${socket}`, error)
  return new EngineAway(`the Docker engine at ${socket} does not answer: ${words}`, error)
}
