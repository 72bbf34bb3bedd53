/**
 * Plays a scenario: starts the peers, has people submit, cancel and retry, and makes the faults happen and end at their
 * times. From `faultsEndMs` on there are no faults, every peer that returns is back, and the mesh must finish.
 */
import { within } from '../../protocol/clock.ts'
import { type VideoId, videoId } from '../../protocol/ids.ts'
import { canonicalRecipe, DEFAULT_RECIPE, type Recipe } from '../../protocol/recipe.ts'
import { storeOf } from '../../testing/simulation/blob-stand-ins.ts'
import { type Film, filmBytes, sha256Of } from '../../testing/simulation/film.ts'
import { LATE_MS } from '../../testing/simulation/ledger-line.ts'
import type { Life } from '../../testing/simulation/life.ts'
import type { SimulatedPeer } from './peer.ts'
import type { FaultPlan, FilmPlan, Scenario } from './scenario.ts'
import { makeSharedFolder, sharedPath } from './shared-mount.ts'
import { letIn } from './strangers.ts'
import type { World } from './world.ts'

export interface PlayedFilm {
  readonly film: Film
  readonly recipe: Recipe
  readonly id: VideoId
  readonly out: string
  readonly path: string
  /** Its source lies in the shared folder, and its files are wanted there. */
  readonly isShared: boolean
  /** A person asked to cancel it. */
  wasCancelled: boolean
  /** Another film lies at its path. */
  wasChanged: boolean
}

export interface Play {
  readonly films: readonly PlayedFilm[]
  /** Whether everything planned has been done, and all who are to be there are. */
  isSettled(): boolean
}

export interface ChaosOptions {
  readonly world: World
  readonly peers: readonly SimulatedPeer[]
  readonly scenario: Scenario
  /** Of the people, who outlive every machine. */
  readonly people: Life
  readonly ledgerLife: Life
}

const RESTART_MS = 2_000
/** From its last verification until a blob has been read. */
const READING_MS = 4_000
const STOP_MS_MAX = 30_000
const ANSWER_MS = 8_000

export function play(options: ChaosOptions): Play {
  const { world, peers, scenario, people, ledgerLife } = options
  const { scheduler } = world
  const films = scenario.films.map((plan) => playedFilm(plan, peers))
  let open = 0
  let isOver = false

  /** Starts a peer, repeatedly where it cannot start, as a service manager does. */
  async function bringUp(peer: SimulatedPeer): Promise<void> {
    while (!peer.running && !peer.isGone) {
      const born = peer.start()
      const { running } = peer
      try {
        await born
      } catch (error) {
        world.trace(`${peer.machine} could not start: ${String(error)}`)
        if (peer.running === running) peer.crash(false)
        await people.wait(RESTART_MS)
      }
    }
  }

  /** A person repeats the request until it succeeds, on another machine where that one does not return. */
  async function insist(
    first: SimulatedPeer,
    what: string,
    act: (peer: NonNullable<SimulatedPeer['running']>) => Promise<unknown>,
  ): Promise<void> {
    open++
    let peer = first
    for (;;) {
      if (peer.isGone) peer = peers.find((each) => each.running) ?? first
      const { running } = peer
      const done =
        running &&
        (await within(people.clock, ANSWER_MS, act(running)).catch((error: unknown) => `${what}: ${String(error)}`))
      if (running && done !== 'late' && typeof done !== 'string') break
      if (typeof done === 'string') world.trace(`${peer.machine} ${done}`)
      await people.wait(500)
    }
    world.trace(`${what} by ${peer.machine}`)
    open--
  }

  const submit = (at: number, peer: SimulatedPeer) =>
    insist(peer, `submit ${films[at]!.id}`, async ({ face, ledger, requests }) => {
      const { path, recipe, out } = films[at]!
      await face.submit({
        path,
        recipe,
        priority: scenario.films[at]!.priority,
        // Of every other film: some hold it, some miss it.
        deadline: at % 2 === 0 ? null : (await ledger.now()) + 20_000,
        out,
        signal: requests.signal,
      })
      return true
    })

  const act = (at: number, by: number, what: 'cancel' | 'retry' | { priority: number }) =>
    insist(peers[by]!, `${JSON.stringify(what)} ${films[at]!.id}`, async ({ face, ledger }) => {
      if ((await ledger.video(films[at]!.id)) !== null) await face.act(what, films[at]!.id)
      return true
    })

  /** Clears the deadline, or sets one some seconds ahead. */
  const changeDeadline = (at: number, by: number, steps: number) =>
    insist(peers[by]!, `deadline of ${films[at]!.id}`, async ({ face, ledger }) => {
      const deadline = steps < 0 ? null : (await ledger.now()) + 5_000 * steps
      if ((await ledger.video(films[at]!.id)) !== null) await face.act({ deadline }, films[at]!.id)
      return true
    })

  async function cancel(film: number, by: number, retryAfterMs: number | null): Promise<void> {
    open++
    await act(film, by, 'cancel')
    if (retryAfterMs !== null) {
      await people.wait(retryAfterMs)
      await act(film, by, 'retry')
    }
    open--
  }

  async function changeSource(played: PlayedFilm, afterMs: number): Promise<void> {
    open++
    while ((await world.steps.video(played.id)) === null) await people.wait(100)
    await people.wait(afterMs)
    world.trace(`another film lies at ${played.path}`)
    world.disk.write(played.path, filmBytes({ ...played.film, name: `another ${played.film.name}` }))
    played.wasChanged = true
    open--
  }

  async function stopAndReturn(peer: SimulatedPeer, backAfterMs: number): Promise<void> {
    if (peer.state !== 'running') return
    const { running } = peer
    const isDone = await within(
      people.clock,
      STOP_MS_MAX,
      peer.stop().then(() => true),
    )
    if (isDone === 'late' && peer.running === running && peer.state === 'running')
      world.report(`${peer.machine} did not stop in ${STOP_MS_MAX} ms`)
    if (isDone === true && isFineLine(scenario) && (await world.steps.claimsOf(peer.id)).length > 0 && !peer.running) {
      world.report(`${peer.machine} stopped and still holds claims`)
    }
    if (!peer.running) await people.wait(backAfterMs)
    await bringUp(peer)
  }

  function strike(fault: FaultPlan): void {
    const peer = 'peer' in fault ? peers[fault.peer]! : null
    const later = (ms: number, undo: () => void) => void people.clock.timer(ms, undo)
    world.trace(`fault ${JSON.stringify(fault)}`)
    switch (fault.what) {
      case 'crash':
        if (fault.backAfterMs === null) peer!.isGone = true
        peer!.crash(fault.isWiped)
        if (fault.backAfterMs !== null) later(fault.backAfterMs, () => void bringUp(peer!))
        break
      case 'stop':
        void stopAndReturn(peer!, fault.backAfterMs)
        break
      case 'freeze':
        peer!.freeze()
        later(fault.ms, () => peer!.thaw())
        break
      case 'partition':
        world.hub.partition(fault.apart.map((at) => peers[at]!.id))
        later(fault.ms, () => world.hub.heal())
        break
      case 'ledger down':
        world.ledgerFaults.isDown = true
        later(fault.ms, () => (world.ledgerFaults.isDown = false))
        break
      case 'line down':
        peer!.line.isDown = true
        later(fault.ms, () => (peer!.line.isDown = false))
        break
      case 'slow':
        peer!.slowness = peer!.plan.slowness * fault.factor
        later(fault.ms, () => (peer!.slowness = peer!.plan.slowness))
        break
      case 'disk full':
        world.disk.setFull(peer!.machine, true)
        later(fault.ms, () => world.disk.setFull(peer!.machine, false))
        break
      case 'rot':
        corruptBlobs(peer!.machine, fault.blobs)
        break
      case 'change source':
        void changeSource(films[fault.film]!, fault.afterMs)
        break
      case 'unmount':
        peer!.mount?.show('nothing')
        later(fault.ms, () => peer!.mount?.show('the folder'))
        break
      case 'lie':
        // The last holder whose file is another one ends the film, and says so.
        if (scheduler.now() > 0) for (const film of films) film.wasChanged ||= film.isShared
        peer!.mount?.show(fault.differs)
        later(fault.ms, () => peer!.mount?.show('the folder'))
        break
      case 'strangers':
        letIn(world, fault)
        break
      case 'clock jump':
        ledgerLife.jump(fault.ms)
        break
      case 'pause':
        void world.steps.setPeer(peer!.id, { paused: true })
        later(fault.ms, () => void world.steps.setPeer(peer!.id, { paused: false }))
        break
      case 'cancel':
        films[fault.film]!.wasCancelled = true
        void cancel(fault.film, fault.by, fault.retryAfterMs)
        break
      case 'priority':
        void act(fault.film, fault.by, { priority: fault.priority })
        void changeDeadline(fault.film, fault.by, fault.priority)
        break
      case 'submit again':
        void submit(fault.film, peers[fault.by]!)
    }
  }

  /** Corrupts blobs that no process reads now: no hash can show a change during a read. */
  function corruptBlobs(machine: string, count: number): void {
    const rng = world.rng.fork(`rot ${machine} ${scheduler.now()}`)
    const idle = world.disk
      .below(storeOf(machine))
      .filter((path) => people.clock.now() - world.disk.touchedAt(path) > READING_MS)
    for (let left = count; left > 0 && idle.length > 0; left--) {
      const [path] = idle.splice(rng.whole(0, idle.length - 1), 1)
      world.trace(`rot ${path}`)
      world.disk.corrupt(path!)
    }
  }

  function makeNoise(isOn: boolean): void {
    const noise = scenario.noise
    const of = (share: number) => (isOn ? share : 0)
    const rng = world.rng.fork('network')
    Object.assign(world.hub.faults, {
      gossipLoss: of(noise.gossipLoss),
      latencyMs: () => 1 + rng.random() ** 3 * of(noise.latencyMs),
    })
    Object.assign(world.ledgerFaults, {
      refused: of(noise.refused),
      answerLost: of(noise.answerLost),
      appliedLate: of(noise.appliedLate),
      claimsLate: of(noise.claimsLate),
    })
    world.ledgerFaults.latencyMs = { least: 0, most: Math.ceil(of(noise.ledgerMs)) }
    Object.assign(world.gossip, { twice: of(noise.gossipTwice) })
  }

  function endFaults(): void {
    world.trace('endFaults')
    makeNoise(false)
    world.hub.heal()
    world.ledgerFaults.isDown = false
    for (const peer of peers) {
      world.disk.setFull(peer.machine, false)
      peer.line.isDown = false
      peer.mount?.show('the folder')
      peer.slowness = peer.plan.slowness
      peer.thaw()
      void bringUp(peer)
    }
    isOver = true
  }

  makeSharedFolder(
    world,
    films.filter(({ isShared }) => isShared).map(({ film }) => film),
  )
  for (const { path, film, isShared } of films) if (!isShared) world.disk.write(path, filmBytes(film))
  for (const peer of peers) scheduler.after(world.rng.whole(0, 400), () => void bringUp(peer))
  makeNoise(true)
  for (const [at, film] of scenario.films.entries()) scheduler.after(film.at, () => void submit(at, peers[film.by]!))
  for (const fault of scenario.faults) scheduler.after(fault.at, () => strike(fault))
  scheduler.after(scenario.faultsEndMs, endFaults)
  // What is still on its way to the ledger may open a video again.
  const quietAtMs = scenario.faultsEndMs + (scenario.noise.appliedLate + scenario.noise.claimsLate > 0 ? LATE_MS : 0)
  const isQuiet = () => isOver && open === 0 && scheduler.now() > quietAtMs
  return { films, isSettled: () => isQuiet() && peers.every((peer) => peer.isGone || peer.isUp) }
}

/** No statement of this scenario ever goes wrong. */
const isFineLine = ({ noise, faults }: Scenario): boolean =>
  noise.refused + noise.answerLost + noise.appliedLate + noise.claimsLate === 0 &&
  !faults.some(({ what }) => what === 'ledger down' || what === 'line down')

function playedFilm({ film, renditions, by, isShared }: FilmPlan, peers: readonly SimulatedPeer[]): PlayedFilm {
  const recipe: Recipe = { ...DEFAULT_RECIPE, renditions }
  const { machine, mount } = peers[by]!
  const shared = isShared ? mount : null
  const id = videoId(sha256Of(filmBytes(film)), canonicalRecipe(recipe))
  return {
    film,
    recipe,
    id,
    out: shared ? `${shared.path}/out` : `/simulated/${machine}/out`,
    path: shared ? `${shared.path}/${sharedPath(film)}` : `/simulated/${machine}/films/${film.name}.mp4`,
    isShared: shared !== null,
    wasCancelled: false,
    wasChanged: false,
  }
}
