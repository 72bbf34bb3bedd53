/**
 * The worker: as many encode loops as it has slots, and a loop for each seat of the desk where it was given the runners of
 * the light kinds (ingest, merge).
 *
 *   idle ── claim ──► claiming ── claimed ──► working (fetch, encode, publish) ── settled ──► idle
 *    ▲  └─ nothing: wait for a hint or the poll interval ─┘            │
 *    └───────────── lost, released or failed: its own ledger write ────┘
 *
 * Promises: a claim it holds is renewed, and settled by complete, fail or release; a claim whose reply was lost is found again
 * by its token; nothing is claimed while `mayClaim` gives a reason not to; `stop` leaves nothing running.
 */
import { createBell } from '../../protocol/bell.ts'
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { LedgerAway, sentence } from '../../protocol/errors.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import type { Hints } from '../../protocol/hints.ts'
import { type PeerId, RESOLUTIONS, type Resolution, type TaskKind, type Token, taskId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HINT_JITTER_MS, IDLE_POLL_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { withPatience } from '../../protocol/patience.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'
import type { HeldTask, Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import { createAbsence } from './absence.ts'
import { type Assigned, type AttemptsOptions, createAttempts, heldBy } from './attempts.ts'
import { createDesk, DESK_SEATS } from './desk.ts'
import { siblingsToTake } from './fuse.ts'
import { createLookAhead, type LookAhead } from './look-ahead.ts'
import { createProbation, type Lane, type ProbationOptions } from './probation.ts'

export interface WorkerOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: AttemptsOptions['emit']
  readonly capability: Capability
  /** Encodes at once, at least 0 (a peer that only coordinates). */
  readonly slots: number
  readonly table: PeerTable
  readonly runners: Readonly<Partial<Record<TaskKind, Runner>>>
  /** Why nothing may be claimed now (paused, disk full …), or null. Asked before every claim: an encode, or desk work. */
  mayClaim(lane: 'slot' | 'desk'): Promise<string | null>
  readonly trial: ProbationOptions['trial']
  /** Told when this machine's ffmpeg fails its trial run, and with null when it works again. */
  unproved: ProbationOptions['told']
  /** Slots of the mesh, beside the asking one, that are idle or soon will be. */
  otherSlots(): number
  /** Whether this peer should take this ingest or merge task now (ledger time); expired claims are its own to judge. */
  mayTakeDesk(task: Task, now: number): Promise<boolean>
  /**
   * `tasks`, `video` and `peers` make an idle worker look for work; `video` and `decided` make it check what runs against the
   * ledger. Each of its own writes that others may react to is published.
   */
  readonly hints: Hints
  keepLog: AttemptsOptions['keepLog']
}

type Source = 'pending' | 'expired' | 'backup'

export interface Worker {
  start(): void
  /** Stops and releases what runs, and goes on: a pause. */
  giveBack(): void
  /** Attempts running now, oldest first. */
  running(): readonly RunningAttempt[]
  busySlots(): number
  /** A trial run failed after a failure: nothing is claimed until one works. */
  isUnproved(): boolean
  /** Stops claiming; waits `drainMs` for what runs, then releases the rest. Idempotent. */
  stop(drainMs: number): Promise<void>
}

export function createWorker(options: WorkerOptions): Worker {
  const { self, ledger, clock, rng, log, hints } = options
  const stopping = new AbortController()
  const bell = createBell(clock)
  const attempts = createAttempts(options)
  const loops: Promise<void>[] = []
  const { bring } = options.runners.video ?? {}
  const ahead: LookAhead | null = bring
    ? createLookAhead({
        ...options,
        bring,
        canDo: (task) => canDo(options.capability, task.class),
        mayClaim: () => options.mayClaim('slot'),
      })
    : null
  const probation = createProbation({ clock, rng, trial: options.trial, told: options.unproved })
  let cancelLook: (() => void) | null = null
  /** Ingests that left their seats and run on. */
  const waiting = new Set<Task>()
  const absence = createAbsence(clock)
  const desk = createDesk({ ...options, absence, waiting, claimSurely })
  let classes: { at: number; known: readonly string[] } = { at: Number.NEGATIVE_INFINITY, known: [] }

  /** A claim that survives lost replies: any error leaves "unknown", which the token answers. */
  async function claimSurely(token: Token, ask: () => Promise<Assigned | null>): Promise<Assigned | null> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof LedgerAway)) throw error
      const signal = stopping.signal
      const mine = await withPatience(() => ledger.claimsByToken(token), { clock, rng, signal })
      absence.noticed()
      const held = mine.map((task) => ({ task, attempt: task.claims.find((claim) => claim.token === token)!.attempt }))
      return held.length > 0 ? (held as Assigned) : null
    }
  }

  async function ableClasses(): Promise<readonly string[]> {
    if (clock.mono() - classes.at > IDLE_POLL_MS || classes.known.length === 0) {
      const pending = await ledger.pendingClasses()
      classes = { at: clock.mono(), known: pending.filter((each) => canDo(options.capability, each)) }
    }
    return classes.known
  }

  /** Every class that this worker could name: only needed for tasks that are not PENDING. */
  const seenClasses = new Set<string>()

  async function claimWork(): Promise<Assigned | null> {
    const token = rng.token() as Token
    return claimSurely(token, async () => {
      const able = await absence.watch(ableClasses)
      for (const each of able) seenClasses.add(each)
      const guess = able.length > 0 ? await ahead?.take() : null
      if (guess) {
        const got = await ledger.claimTask({ worker: self, token, task: guess, from: 'pending' })
        if (got.outcome === 'claimed') return withSiblings(got, token, 'pending')
      }
      for (const source of ['pending', 'expired', 'backup'] as const) {
        const asked = source === 'pending' ? able : [...seenClasses]
        if (asked.length === 0 || (source === 'expired' && !absence.isOver())) continue
        const ask = { worker: self, token, classes: asked, from: source }
        const anchor = await absence.watch(() => ledger.claimNext(ask))
        if (anchor.outcome === 'claimed') return withSiblings(anchor, token, source)
      }
      classes = { at: Number.NEGATIVE_INFINITY, known: [] }
      return null
    })
  }

  async function withSiblings({ task, attempt }: HeldTask, token: Token, source: Source): Promise<Assigned> {
    return [{ task, attempt }, ...(await claimSiblings(task, token, source))]
  }

  async function claimSiblings(anchor: Task, token: Token, source: Source): Promise<HeldTask[]> {
    if (anchor.kind !== 'video') return []
    const able = RESOLUTIONS.filter(
      (rung) => rung !== anchor.resolution && canDo(options.capability, anchor.class.replace(/[^/]+$/, rung)),
    )
    // A backup takes over a whole slot: what is wanted of it, the ledger knows.
    const backup = source === 'backup'
    const asked = (backup ? able : await pendingSiblings(anchor, able)).map((rung) =>
      ledger.claimTask({
        worker: self,
        token,
        task: taskId(anchor.video_id, rung, anchor.chunk_id),
        from: backup ? 'backup' : 'pending',
      }),
    )
    return (await Promise.all(asked)).flatMap(heldBy)
  }

  async function pendingSiblings(anchor: Task, able: readonly Resolution[]): Promise<Resolution[]> {
    const progress = (await ledger.progress([anchor.video_id])).get(anchor.video_id) ?? []
    const pending: Partial<Record<Resolution, number>> = {}
    // While the ingest goes on cutting, more work is about to come than the ledger shows.
    const isGrowing = progress.some(({ resolution, status }) => resolution === 'ingest' && status !== 'COMPLETED')
    for (const { resolution, status, count } of progress) {
      if (status === 'PENDING') pending[resolution as Resolution] = count
    }
    return siblingsToTake({
      anchor: anchor.resolution as Resolution,
      able: able.filter((rung) => pending[rung] !== undefined),
      pending: Object.fromEntries(RESOLUTIONS.flatMap((rung) => (pending[rung] ? [[rung, pending[rung]]] : []))),
      slots: isGrowing ? 1 : 1 + options.otherSlots(),
    })
  }

  interface Loop {
    readonly name: string
    readonly kind: 'slot' | 'desk'
    readonly lane: Lane
    claim(): Promise<Assigned | null>
  }

  async function loop({ name, kind, lane, claim }: Loop): Promise<void> {
    const { signal } = stopping
    for (let idleMs = 0; !signal.aborted; ) {
      try {
        if (idleMs > 0) await bell.wait(idleMs, signal)
        const pollMs = IDLE_POLL_MS * (0.5 + rng.random())
        idleMs = pollMs
        const refusal = await absence.watch(() => options.mayClaim(kind))
        if (refusal === 'ledger_away') absence.noticed()
        if (refusal !== null) continue
        const waitMs = await lane.waitMs(signal)
        // Not longer than a poll: a pause or a drain is heard of meanwhile.
        if (waitMs > 0) idleMs = Math.min(pollMs, waitMs)
        const assigned = waitMs > 0 ? null : await claim()
        if (!assigned) continue
        idleMs = 0
        if (assigned[0].task.kind === 'video') ahead?.look(assigned[0].task)
        // A pause that came while the claim was on its way gave back what ran then.
        const isUnwanted = (await options.mayClaim(kind).catch(() => null)) === 'paused'
        await sitThrough(assigned, { kind, lane, isUnwanted })
      } catch (error) {
        if (signal.aborted) return
        idleMs = IDLE_POLL_MS
        if (error instanceof LedgerAway) absence.noticed()
        else log.error('a worker loop failed and goes on', { loop: name, error: sentence(error) })
      }
    }
  }

  /** Until its run has ended or left the seat. */
  async function sitThrough(
    assigned: Assigned,
    { kind, lane, isUnwanted }: Pick<Loop, 'kind' | 'lane'> & { isUnwanted: boolean },
  ): Promise<void> {
    const [{ task }] = assigned
    const left = Promise.withResolvers<void>()
    const leaveSeat = () => {
      waiting.add(task)
      left.resolve()
    }
    const ended = attempts.run(assigned, { counted: kind === 'slot', isUnwanted, leaveSeat }).then((end) => {
      waiting.delete(task)
      if (end === 'failed') lane.failed()
      else if (end === 'fine') lane.succeeded()
      else if (end === 'hindered' && kind === 'slot') lane.hindered()
    })
    await Promise.race([ended, left.promise])
  }

  /** Something may be claimable: look, within the jitter, so that not all workers ask at once. */
  function lookSoon(): void {
    if (stopping.signal.aborted) return
    cancelLook ??= clock.timer(Math.floor(rng.random() * HINT_JITTER_MS), () => {
      cancelLook = null
      desk.forget()
      classes = { at: Number.NEGATIVE_INFINITY, known: [] }
      bell.ring()
    })
  }

  const subscribe = (): (() => void)[] => [
    hints.on(['video'], ({ video }) => video !== null && attempts.recheck(video)),
    hints.on(['decided'], ({ task }) => task && attempts.recheck(task)),
    hints.on(['tasks', 'video', 'peers'], lookSoon),
  ]
  let subscriptions: (() => void)[] = []

  return {
    start() {
      if (subscriptions.length > 0) return
      subscriptions = subscribe()
      const encodes = options.runners.video !== undefined || options.runners.audio !== undefined
      const [slots, desks] = [probation.lane(), probation.lane()]
      for (let slot = 0; encodes && slot < options.slots; slot++)
        loops.push(loop({ name: `slot ${slot}`, kind: 'slot', lane: slots, claim: claimWork }))
      for (const [seat, takes] of DESK_SEATS.entries()) {
        const kinds = takes.filter((kind) => options.runners[kind])
        const claim = () => desk.claim(kinds)
        if (kinds.length > 0) loops.push(loop({ name: `desk ${seat}`, kind: 'desk', lane: desks, claim }))
      }
    },
    giveBack: attempts.giveBack,
    running: attempts.running,
    busySlots: attempts.busy,
    isUnproved: probation.isUnproved,
    async stop(drainMs) {
      stopping.abort(new DOMException('the worker stops', 'AbortError'))
      cancelLook?.()
      await Promise.all([attempts.stop(drainMs), ahead?.stop()])
      await Promise.all(loops)
      for (const unsubscribe of subscriptions) unsubscribe()
    },
  }
}
