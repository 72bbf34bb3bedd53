/** A mesh out of docker-compose.yml, under a project name of its own: brought up, looked at, hurt, and taken down without a trace. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import type { Failure } from '../../protocol/task.ts'
import { checkOutputs } from '../../testing/sources/check.ts'
import { ensureSource, findSource, TOOLS } from '../../testing/sources/make.ts'
import { docker, dockerWith, SOCKET } from './engine.ts'

const FILE = join(import.meta.dirname, '..', '..', 'docker-compose.yml')
export const IMAGE = process.env.REELMESH_TEST_IMAGE ?? 'reelmesh'

/** As the administrator, whose password only the database's containers have. */
const SIGN_IN = `void db.getSiblingDB('admin').auth('admin', require('fs').readFileSync('/mongo-keys/admin', 'utf8'))`

/** Each look starts a command in a container, beside encodes that want all cores. */
const LOOK_MS = 1_000
/** Prints what `reelmesh status --json` asks for. That command loads the whole program, which takes longer than all else of a look. */
const LOOK = `
  const socketPath = process.env.REELMESH_DATA_DIR + '/control.sock'
  require('http').get({ socketPath, path: '/v1/status' }, (answer) => {
    if (answer.statusCode !== 200) process.exit(1)
    answer.pipe(process.stdout)
  })
`

export type FailedAttempt = Failure & { readonly task: string }

export interface ComposeMesh {
  readonly project: string
  up(): Promise<void>
  /** The status as the command says it in the first of these containers that answers. */
  status(): Promise<StatusSnapshot>
  /** Waits until the status fulfils the condition; fails with the last status where it never does. */
  until(what: string, holds: (status: StatusSnapshot) => boolean, seconds: number): Promise<StatusSnapshot>
  /** Puts a source of the test catalogue into the watched folder, as people do: by a copy that takes a moment, then a rename. */
  drop(source: string): Promise<void>
  /** Frames, times, pictures, sound: what is wrong with the three outputs of a dropped source. */
  problems(source: string): Promise<string[]>
  container(service: string): string
  /** Containers that the mesh itself has started, by name. */
  started(): Promise<string[]>
  /** Takes one of those away as if its host had died, with its volume. */
  remove(name: string): Promise<void>
  /** What a member of the database, the first of these that answers, says to this. */
  ask(expression: string, members?: readonly string[]): Promise<string>
  /** Every failed attempt there was, as the ledger recorded it. */
  failures(): Promise<FailedAttempt[]>
  down(): Promise<void>
}

export async function composeMesh(
  profile: string,
  options: { watchers: readonly string[]; env?: Record<string, string> },
): Promise<ComposeMesh> {
  const project = `reelmesh-test-${randomUUID().slice(0, 8)}`
  const videos = await mkdtemp(join(tmpdir(), `${project}-`))
  await chmod(videos, 0o777)
  const gid = SOCKET.startsWith('/') ? String((await stat(SOCKET)).gid) : '0'
  const env = {
    COMPOSE_PROJECT_NAME: project,
    REELMESH_IMAGE: IMAGE,
    MONGO_VERSION: '6.0',
    REELMESH_VIDEOS: videos,
    DOCKER_GID: gid,
    ...options.env,
  }
  const compose = (...args: string[]) => dockerWith(env, 'compose', '-f', FILE, '--profile', profile, ...args)
  const container = (service: string) => `${project}-${service}-1`

  /** Runs the command in the first of these services' containers where it succeeds. */
  async function inFirst(services: readonly string[], ...command: string[]): Promise<string> {
    let last: unknown
    for (const service of services) {
      try {
        return await docker('exec', container(service), ...command)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  const statusBy = async (...command: string[]) =>
    JSON.parse(await inFirst(options.watchers, ...command)) as StatusSnapshot
  const ask = (expression: string, members: readonly string[] = ['mongo-1']) =>
    inFirst(members, 'mongosh', '--quiet', 'reelmesh', '--eval', `${SIGN_IN}; ${expression}`)

  return {
    project,
    container,
    status: () => statusBy('reelmesh', 'status', '--json'),
    up: async () => void (await compose('up', '-d')),
    async until(what, holds, seconds) {
      const giveUpAt = performance.now() + seconds * 1000
      for (let seen: StatusSnapshot | null = null; ; await sleep(LOOK_MS)) {
        seen = await statusBy('node', '-e', LOOK).catch(() => seen)
        if (seen && holds(seen)) return seen
        if (performance.now() > giveUpAt)
          assert.fail(`not within ${seconds} s: ${what}; last seen ${JSON.stringify(seen && brief(seen), null, 1)}`)
      }
    },
    async drop(name) {
      const input = join(videos, 'input')
      await mkdir(input, { recursive: true })
      const { file } = findSource(name)
      await copyFile(await ensureSource(name), join(input, `.${file}`))
      await rename(join(input, `.${file}`), join(input, file))
    },
    problems: (name) => problemsOf(name, join(videos, 'outputs')),
    async started() {
      const filters = ['--filter', 'name=^auto-', '--filter', `network=${project}_mesh`]
      return (await docker('ps', ...filters, '--format', '{{.Names}}')).split('\n').filter(Boolean)
    },
    remove: async (name) => void (await docker('rm', '-fv', name)),
    ask,
    async failures() {
      const found = 'db.chunks.find({ "failures.0": { $exists: true } }).toArray()'
      const query = `${found}.flatMap(({ _id, failures }) => failures.map((one) => ({ task: _id, ...one })))`
      return JSON.parse(await ask(`JSON.stringify(${query})`)) as FailedAttempt[]
    },
    async down() {
      // First those that would start another worker for each that goes.
      await compose('stop', '-t', '10')
      const volumes = await volumesOf(project)
      await compose('down', '--remove-orphans', '-v', '-t', '5')
      const left = await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`)
      const there = (await docker('volume', 'ls', '-q')).split('\n')
      await rm(videos, { recursive: true, force: true })
      assert.equal(left, '', 'containers were left behind')
      assert.deepEqual(
        volumes.filter((volume) => there.includes(volume)),
        [],
        'volumes were left behind',
      )
    },
  }
}

/** What is wrong with the outputs of a source, in every rendition of the default ladder. */
export async function problemsOf(name: string, outputs: string): Promise<string[]> {
  const source = findSource(name)
  const file = await ensureSource(name)
  const title = source.file.replace(/\.[^.]+$/, '')
  const made = DEFAULT_RECIPE.renditions.map(({ id, box }) => ({ id, box, output: join(outputs, id, `${title}.mp4`) }))
  const results = await checkOutputs({ source, file, outputs: made, ...TOOLS })
  return results.flatMap(({ problems }, at) => problems.map((problem) => `${made[at]!.id}: ${problem}`))
}

/** The volumes of a project's containers, those without a name too. */
async function volumesOf(project: string): Promise<string[]> {
  const ids = (await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`)).split('\n')
  const mounts = await docker('inspect', '-f', '{{range .Mounts}}{{.Name}} {{end}}', ...ids)
  return [...new Set(mounts.split(/\s+/).filter(Boolean))]
}

/** What a failure needs to show of a status. */
const brief = ({ leader, peers, videos, events }: StatusSnapshot) => ({
  leader: leader?.name,
  peers: peers.map(({ name, state, busy, heard_s }) => `${name} ${state} ${busy} (${heard_s.toFixed(1)} s)`),
  videos: videos.map(({ name, status, done, tasks, failure }) => ({
    name,
    status,
    done,
    failure,
    tasks: tasks.map((each) => Object.values(each).join(' ')),
  })),
  events: events.slice(-12).map(({ what, text }) => `${what}: ${text}`),
})
