/**
 * A whole mesh in one process on a virtual clock: the real nodes, workers, coordinators, heartbeats and SQLite ledger, with
 * stand-ins for ffmpeg, disks and the network. One seed is one run, every time: same peers, same faults, same trace.
 *
 * Checked after every write: `task-rules.ts` and `audit.ts`. Checked at the end: `end-state.ts`, that every film ends at all,
 * and that every node stops and leaves nothing running.
 */
import { createHash } from 'node:crypto'
import { sqliteSteps } from '../../ledger/sqlite/sqlite-ledger.ts'
import { within } from '../../protocol/clock.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { AUDITED_FIRST } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import { createMemoryHub } from '../../testing/memory-mesh/memory-mesh.ts'
import { findAt } from '../../testing/simulation/blob-stand-ins.ts'
import { audioOutBytes, encodedBytes, filmBytes, sha256Of } from '../../testing/simulation/film.ts'
import { fineLine } from '../../testing/simulation/ledger-line.ts'
import { createLife } from '../../testing/simulation/life.ts'
import { createSeeded } from '../../testing/simulation/seeded.ts'
import { mount, VirtualDisk } from '../../testing/simulation/virtual-disk.ts'
import { createScheduler } from '../../testing/simulation/virtual-time.ts'
import { type Audited, createAudit } from './audit.ts'
import { type Play, type PlayedFilm, play } from './chaos.ts'
import { endViolations, isSettled, leftovers } from './end-state.ts'
import { createHookRules } from './hook-rules.ts'
import { createIdleRules } from './idle-rules.ts'
import { peerIdOf, SimulatedPeer } from './peer.ts'
import { type Scenario, scenarioOf } from './scenario.ts'
import { createStillnessRules } from './stillness-rules.ts'
import type { Circumstances, Sabotage, World } from './world.ts'

export interface RunOptions {
  /** Peers at most; the seed says how many. */
  readonly peers?: number
  readonly sabotage?: Sabotage
  /** Changes what the seed means. */
  readonly circumstances?: Circumstances
  /** How long a mesh without faults may take to finish, virtual ms. */
  readonly finishMs?: number
  /** Every line of the trace. */
  readonly trace?: (line: string) => void
}

export interface RunResult {
  readonly ok: boolean
  readonly violations: readonly string[]
  readonly traceHash: string
  readonly stats: Audited['counts'] & {
    readonly virtualMs: number
    readonly realMs: number
    readonly events: number
    readonly peers: number
    /** How often a video that stood still was asked after, and a peer said that it waits for another one. */
    readonly absences: number
  }
}

export const PEERS_MAX = 8
/** A mesh without faults that has not finished after this is stuck: nothing in it waits longer than 15 minutes. */
const FINISH_MS = 20 * 60_000
const LOOK_MS = 250
const STOP_MS = 30_000

export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const started = performance.now()
  const drawn = scenarioOf(seed, { peersMax: options.peers ?? PEERS_MAX })
  const run = createRun(options.circumstances?.(drawn) ?? drawn, options)
  const unmount = mount(run.world.disk)
  const onRejection = (error: unknown) =>
    run.world.report(`nobody caught ${error instanceof Error ? error.stack : String(error)}`)
  process.on('unhandledRejection', onRejection)
  try {
    await run.base.open()
    if (run.scenario.areKnown)
      for (const { id } of run.peers) await run.base.setPeer(id, { audits_agreed: AUDITED_FIRST })
    await through(run)
  } catch (error) {
    run.world.report(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    process.off('unhandledRejection', onRejection)
    unmount()
    await run.base.close()
  }
  const { violations, scheduler, audited, peers, hash } = run
  const realMs = Math.round(performance.now() - started)
  const stats = {
    ...audited.counts,
    virtualMs: scheduler.now(),
    realMs,
    events: scheduler.events(),
    peers: peers.length,
    absences: run.stillness.reasons.get('source_absent') ?? 0,
  }
  return { ok: violations.length === 0, violations, traceHash: hash.digest('hex').slice(0, 16), stats }
}

function createRun(scenario: Scenario, { sabotage = {}, finishMs = FINISH_MS, trace: write }: RunOptions) {
  const scheduler = createScheduler()
  const rng = createSeeded(`run ${scenario.seed}`)
  const hash = createHash('sha256')
  const violations: string[] = []
  const ledgerLife = createLife(scheduler)
  const people = createLife(scheduler)
  const trace = (line: string) => {
    const timed = `${String(scheduler.now()).padStart(7)} ${line}`
    hash.update(timed)
    write?.(timed)
  }
  const report = (violation: string) => {
    trace(`VIOLATION ${violation}`)
    if (violations.length < 20) violations.push(`${scheduler.now()} ms: ${violation}`)
  }
  const base = sqliteSteps({ path: ':memory:', clock: ledgerLife.clock, rng: rng.fork('ledger'), log: silentLog })
  /** Filled in when the play begins. */
  const films: PlayedFilm[] = []
  const expected = (task: Task) => {
    const film = films.find(({ id }) => id === task.video_id)?.film
    if (!film || kindFacts(task.kind).slots !== 'encode') return null
    return sha256Of(task.kind === 'audio' ? audioOutBytes(film) : encodedBytes(film, task.chunk_id, task.resolution))
  }
  const steps = sabotage.steps?.(base) ?? base
  const times = { now: ledgerLife.clock.now, elapsed: scheduler.now }
  const peers: SimulatedPeer[] = []
  const idle = createIdleRules({
    steps: base,
    ...times,
    statementMs: 2 * (fineLine().latencyMs.most + scenario.noise.ledgerMs),
    peers: () => peers.flatMap((peer) => peer.idle() ?? []),
    report,
  })
  const stillness = createStillnessRules({
    steps: base,
    ...times,
    videos: () => films.map(({ id }) => id),
    peers: () => peers.flatMap((peer) => peer.idle() ?? []),
    report,
    trace,
  })
  const has = (id: PeerId, sha256: Sha256) => {
    const machine = peers.find((peer) => peer.id === id)?.machine
    return machine !== undefined && findAt(world.disk, machine, sha256) !== null
  }
  const audited = createAudit({
    steps,
    ...times,
    idle,
    day: isQuiet(scenario) ? 'quiet' : 'bad',
    report,
    trace,
    expected,
    liars: scenario.peers.flatMap(({ bad }, at) => (bad === 'pictures' ? [peerIdOf(at)] : [])),
    goneMs: (id) => peers.find((peer) => peer.id === id)?.goneMs() ?? Number.POSITIVE_INFINITY,
    lacksMs: (id, sha256) => {
      const mount = peers.find((peer) => peer.id === id)?.mount
      const film = films.find((each) => each.isShared && sha256Of(filmBytes(each.film)) === sha256)
      return mount && film && !has(id, sha256) ? mount.changedMs() : 0
    },
    has,
  })
  const world: World = {
    scheduler,
    rng,
    hub: createMemoryHub({ clock: people.clock, rng: rng.fork('hub') }),
    disk: new VirtualDisk(),
    steps: audited.steps,
    ledgerFaults: fineLine(),
    gossip: { twice: 0 },
    ids: scenario.peers.map((_, at) => peerIdOf(at)),
    sabotage,
    audit: scenario.audit,
    hook: createHookRules(base, report),
    neighbour: (id) => peers.find((peer) => peer.id === id)!,
    trace,
    report,
  }
  peers.push(...scenario.peers.map((plan, at) => new SimulatedPeer(world, plan, at)))
  return {
    scenario,
    scheduler,
    hash,
    violations,
    ledgerLife,
    people,
    base,
    audited,
    idle,
    stillness,
    peers,
    world,
    films,
    finishMs,
  }
}

type Run = ReturnType<typeof createRun>

const isQuiet = ({ faults, noise }: Scenario): boolean =>
  faults.length === 0 && noise.refused + noise.answerLost + noise.appliedLate + noise.claimsLate === 0

/** Faults, recovery, finish, stop, and the last checks. Ends at the first violation. */
async function through(run: Run): Promise<void> {
  const { scenario, scheduler, violations, peers, world, base, films } = run
  const played = play({ ...run, scenario })
  films.push(...played.films)
  let isOver = false
  const running = story(run, played).then(
    () => (isOver = true),
    (error: unknown) => world.report(String(error)),
  )
  const end = await scheduler.run({
    untilMs: scenario.faultsEndMs + run.finishMs,
    isOver: () => isOver || violations.length > 0,
  })
  if (violations.length > 0) return
  if (end !== 'over') return world.report(await whatIsOpen(run))
  await running
  const machines = peers.filter((peer) => !peer.isGone).map((peer) => peer.machine)
  const found = [
    ...(await endViolations(base, world.disk, films)),
    ...(await world.hook.violations()),
    ...leftovers(world.disk, machines, films, await base.videos({})),
  ]
  for (const violation of found) world.report(violation)
}

async function story(run: Run, played: Play): Promise<void> {
  const { people, peers, base, films, world, idle, stillness } = run
  const isFinished = async () => {
    const videos = await Promise.all(films.map(({ id }) => base.video(id)))
    const isDone = played.isSettled() && videos.every(isSettled) && (await base.videosWithOpenTasks()).length === 0
    return isDone && (await world.hook.isQuiet())
  }
  while (!(await isFinished())) {
    await idle.look()
    await stillness.look()
    for (const { machine, running } of peers)
      for (const id of running?.counted() ?? [])
        if (!world.ids.includes(id)) world.report(`${machine} counts ${id}, which is no member`)
    await people.wait(LOOK_MS)
  }
  world.trace('finished')
  await people.wait(1_000)
  const stops = peers.map(async (peer) => {
    if ((await within(people.clock, STOP_MS, peer.stop())) === 'late')
      world.report(`${peer.machine} did not stop in ${STOP_MS} ms`)
  })
  await Promise.all(stops)
}

async function whatIsOpen({ base, films, scheduler }: Run): Promise<string> {
  const states = await Promise.all(
    films.map(async ({ id, film }) => {
      const counts = (await base.progress([id])).get(id) ?? []
      const tasks = counts.map(({ resolution, status, count }) => `${count} ${resolution} ${status}`).join(', ')
      const video = await base.video(id)
      return isSettled(video) && !counts.some(({ status }) => status === 'PENDING' || status === 'PROCESSING')
        ? ''
        : `${film.name} is ${video?.status ?? 'not submitted'} (${tasks})`
    }),
  )
  const waiting = await base.webhooks({ limit: 9, states: ['waiting'] })
  const hooks = waiting.map(
    ({ _id, attempts, next_at }) => `webhook ${_id} waits after ${attempts} attempts, until ${next_at}`,
  )
  return `not finished after ${Math.round(scheduler.now() / 1000)} s: ${[...states, ...hooks].filter(Boolean).join('; ')}`
}
