/**
 * Requests to one Docker engine over the Engine API, and its failures as errors of the launcher's contract: `EngineUnavailable` where it does not
 * answer in time or its socket cannot be opened, `LaunchRefused` where it answers with an error. Each message says what to do.
 */
import type Docker from 'dockerode'
import { type Clock, within } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import { EngineUnavailable, LaunchRefused } from '../../protocol/launcher.ts'

/** The engine, and the image that messages about failures name. */
export interface DockerEngineOptions {
  readonly clock: Clock
  /** Path of the Docker socket, also as `unix://…`, or `http://host:port` (`tcp://…`) of an engine that listens on TCP. */
  readonly socket: string
  /** Named in messages only. */
  readonly image: string
  readonly networks: readonly string[]
}

/** Sends one request and answers its result. Rejects with `EngineUnavailable` or `LaunchRefused`. `ms`: how long to wait for the answer. */
export type AskEngine = <T>(request: (docker: Docker) => Promise<T>, ms?: number) => Promise<T>

/** Deadline of requests that pull and build nothing: a loaded machine answers within it. */
export const ANSWER_MS = 30_000

/** Makes the function; it connects, and loads dockerode, with the first request. */
export function createAskEngine(options: DockerEngineOptions): AskEngine {
  let connected: Promise<Docker> | null = null
  return async (request, ms = ANSWER_MS) => {
    connected ??= import('dockerode').then(({ default: Engine }) => new Engine(addressOf(options.socket)))
    const docker = await connected
    const answer = await within(options.clock, ms, request(docker)).catch((error: unknown) => {
      throw launcherError(error, options)
    })
    if (answer === 'late')
      throw new EngineUnavailable(`the Docker engine at ${options.socket} did not answer within ${ms / 1000} s`)
    return answer
  }
}

/** The answer, or null where the engine answers with this HTTP status, such as 304 (done already) or 404. Rejects with other failures. */
export async function unlessStatus<T>(status: number, answer: Promise<T>): Promise<T | null> {
  return answer.catch((error: unknown) => {
    if (statusOf(error) === status) return null
    throw error
  })
}

/** The HTTP status with which the engine refused a request; undefined for other errors. */
export function statusOf(error: unknown): number | undefined {
  const own = (error as { statusCode?: unknown } | null)?.statusCode
  if (typeof own === 'number') return own
  return error instanceof Error && error.cause !== undefined ? statusOf(error.cause) : undefined
}

function addressOf(socket: string): Docker.DockerOptions {
  const path = socket.replace(/^unix:\/\//, '')
  if (path.startsWith('/')) return { socketPath: path }
  const { protocol, hostname } = new URL(socket.replace(/^tcp:/, 'http:'))
  // `URL` has no port where it is the default of the scheme, so read it from the text.
  const port = Number(/:(\d+)(?:\/|$)/.exec(socket)?.[1] ?? 2375)
  return { protocol: protocol === 'https:' ? 'https' : 'http', host: hostname, port }
}

function launcherError(
  error: unknown,
  { socket, image, networks }: DockerEngineOptions,
): EngineUnavailable | LaunchRefused {
  const status = statusOf(error)
  const { code, json } = error as { code?: string; json?: { message?: string } }
  const words = json?.message ?? sentence(error)
  if (status === 404 && /image/i.test(words))
    return new LaunchRefused(`the Docker engine has no image ${image}: build or pull it there`, error)
  if (status === 404 && /network/i.test(words))
    return new LaunchRefused(`the Docker engine has no network ${networks.join(' or ')}`, error)
  if (status !== undefined) return new LaunchRefused(`the Docker engine refused: ${words}`, error)
  if (code === 'EACCES')
    return new EngineUnavailable(
      `this user may not open the Docker socket ${socket}: add its group to the groups of the node (DOCKER_GID in compose)`,
      error,
    )
  if (code === 'ENOENT') return new EngineUnavailable(`there is no Docker socket at ${socket}`, error)
  return new EngineUnavailable(`the Docker engine at ${socket} does not answer: ${words}`, error)
}
