/**
 * Deliberate faults: each wraps one contract and breaks one promise of it. They show that the simulation finds bugs; none is
 * a flag in the product. Those of the ledger sit below the audit, where a faulty adapter would be.
 */
import type { AttemptEnd, Completion, Steps } from '../../ledger/steps.ts'
import type { BlobStore, FoundBlob } from '../../protocol/blobs.ts'
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import type { Task } from '../../protocol/task.ts'
import {
  aBadMachine,
  backupsInTrouble,
  badFilms,
  cancels,
  changedSources,
  changesOfMind,
  crowdsOfStrangers,
  doublePlanning,
  foldersLie,
  foldersVanish,
  holdersGone,
  lateClaims,
  leadersFreeze,
  lostAnswers,
  lostStores,
  manyPartitions,
  manyStops,
  muchRot,
  reclaimsFreeze,
  refusals,
  submitterGone,
} from './circumstances.ts'
import { strangerIdOf } from './strangers.ts'
import type { Circumstances, Sabotage } from './world.ts'

const ofSteps = (change: (steps: Steps) => Partial<Steps>, circumstances?: Circumstances): Sabotage => ({
  steps: (steps) => ({ ...steps, ...change(steps) }),
  ...(circumstances && { circumstances }),
})

const anyRunning = async (steps: Steps): Promise<Task | undefined> =>
  (await steps.tasks({ status: 'PROCESSING', kinds: ['video'] }))[0]

/** Ends a live claim as its own worker would. */
async function endClaimOf(steps: Steps, task: Task): Promise<void> {
  const claim = task.claims[0]
  if (claim)
    await steps.endAttempt({
      task: task._id,
      attempt: claim.attempt,
      worker: claim.worker_id,
      failure: null,
      strike: null,
      backoff_ms: 0,
    })
}

const claimFaults: Readonly<Record<string, Sabotage>> = {
  'claims never run out': ofSteps(
    (steps) => ({
      claimNext: (ask) => (ask.from === 'expired' ? Promise.resolve(null) : steps.claimNext(ask)),
      claimTask: (ask) => steps.claimTask(ask.from === 'free' ? { ...ask, from: 'pending' } : ask),
    }),
    lateClaims,
  ),
  'a claimed task is handed out again': ofSteps((steps) => ({
    async claimNext(ask) {
      const running = (await steps.claimNext(ask)) ?? (await anyRunning(steps)) ?? null
      return running && ('task' in running ? running : { attempt: running.attempt, task: running })
    },
  })),
  'a live claim is stolen': ofSteps((steps) => ({
    async claimNext(ask) {
      const got = await steps.claimNext(ask)
      const running = got ? undefined : await anyRunning(steps)
      if (!running) return got
      await endClaimOf(steps, running)
      return steps.claimTask({ ...ask, task: running._id, from: 'free' })
    },
  })),
  'a release is forgotten': ofSteps(
    (steps) => ({
      endAttempt: (end) => (end.failure === null ? Promise.resolve(true) : steps.endAttempt(end)),
    }),
    manyStops,
  ),
  'a release counts as a strike': ofSteps(
    (steps) => ({
      endAttempt: (end) => steps.endAttempt(end.failure === null ? asFailure(end) : end),
    }),
    manyStops,
  ),
  'a lost attempt is renewed': ofSteps(
    (steps) => ({
      async renew(worker, attempts) {
        await steps.renew(worker, attempts)
        return []
      },
    }),
    leadersFreeze,
  ),
  'claims do not ask who is present': ofSteps(
    (steps) => ({
      claimNext: ({ present, ...ask }) => steps.claimNext(ask),
      claimTask: ({ present, ...ask }) => steps.claimTask(ask),
    }),
    holdersGone,
  ),
  'a reclaim ends claims that were made since': ofSteps((steps) => {
    const suspects = new Set<PeerId>()
    return {
      async endSeenClaims(claims, options) {
        const now: ObservedClaim[] = []
        for (const worker of suspects) now.push(...(await steps.claimsOf(worker)))
        for (const claim of claims) suspects.add(claim.worker_id)
        return steps.endSeenClaims([...claims, ...now], options)
      },
    }
  }, manyPartitions),
}

const asFailure = (end: AttemptEnd): AttemptEnd => ({
  ...end,
  failure: { attempt: end.attempt, worker_id: end.worker, code: 'encode_failed', message: 'released', log: null },
  strike: 'encode_failed',
})

const commitFaults: Readonly<Record<string, Sabotage>> = {
  'the fence is ignored': ofSteps(
    (steps) => ({
      async complete(done) {
        if (await steps.complete(done)) return true
        const live = (await steps.task(done.task))?.claims[0]
        return live ? steps.complete({ ...done, attempt: live.attempt, worker: live.worker_id }) : false
      },
    }),
    leadersFreeze,
  ),
  'a superseded attempt is answered done': ofSteps(
    (steps) => ({
      complete: async (done) => (await steps.complete(done)) || true,
    }),
    leadersFreeze,
  ),
  'a finished task is committed again': ofSteps(
    (steps) => ({
      complete: async (done) => (await steps.complete(done)) || (await commitOver(steps, done)),
    }),
    leadersFreeze,
  ),
  'inserting a task twice starts it again': ofSteps(
    (steps) => ({
      async insertTasks(tasks) {
        for (const { _id } of tasks) await loseAnyway(steps, _id)
        return steps.insertTasks(tasks)
      },
    }),
    lostAnswers,
  ),
  'a lost output is not made again': ofSteps(() => ({ loseOutput: async () => false }), lostStores),
  'a lost input is not replaced': ofSteps(() => ({ recut: async () => true }), lostStores),
}

async function loseAnyway(steps: Steps, id: TaskId): Promise<void> {
  const term = (await steps.task(id))?.coordinator_term ?? 0
  await steps.loseOutput(id, { completed_attempt: null, term })
}

async function commitOver(steps: Steps, done: Completion): Promise<boolean> {
  await loseAnyway(steps, done.task)
  const claimed = await steps.claimTask({
    worker: done.worker,
    token: 'again' as never,
    task: done.task,
    from: 'pending',
  })
  return claimed !== null && steps.complete({ ...done, attempt: claimed.attempt })
}

const leaderFaults: Readonly<Record<string, Sabotage>> = {
  'the term is not checked': ofSteps(
    (steps) => ({
      moveVideo: async (id, move) => {
        const term = (await steps.video(id))?.coordinator_term ?? 0
        return steps.moveVideo(id, move.term === undefined ? move : { ...move, term: Math.max(move.term, term) })
      },
      endSeenClaims: async (claims, options) => {
        const ended: TaskId[] = []
        for (const claim of claims) {
          const term =
            options.term === null ? null : Math.max(options.term, (await steps.task(claim.task))?.coordinator_term ?? 0)
          ended.push(...(await steps.endSeenClaims([claim], { ...options, term })))
        }
        return ended
      },
    }),
    reclaimsFreeze,
  ),
  'the lease is given to a second peer': ofSteps(
    (steps) => ({
      async acquireLease(me, nonce, name) {
        const { holder, term } = await steps.lease(name)
        if (holder) await steps.releaseLease(holder, term, name)
        const got = await steps.acquireLease(me, nonce, name)
        return got
      },
    }),
    leadersFreeze,
  ),
  'the term does not rise': ofSteps(
    (steps) => ({
      acquireLease: async (me, nonce, name) => {
        const lease = await steps.acquireLease(me, nonce, name)
        return lease.term > 1 ? { ...lease, term: lease.term - 1 } : lease
      },
    }),
    leadersFreeze,
  ),
  'plans are not compared': ofSteps(
    (steps) => ({
      moveVideo: (id, { plan, ...move }) =>
        steps.moveVideo(
          id,
          plan === 'absent' && move.to === 'RUNNING'
            ? { ...move, from: [...move.from, 'RUNNING'] }
            : { ...move, ...(plan && { plan }) },
        ),
    }),
    doublePlanning,
  ),
  'the sweep repairs nothing': { ledger: () => ({ sweep: async () => ({ repaired: 0 }) }), circumstances: refusals },
  'a cancelled video keeps its tasks': ofSteps(() => ({ cancelTasks: async () => 0 }), cancels),
  'a retry revives nothing': ofSteps(() => ({ reviveTasks: async () => 0 }), changesOfMind),
}

const byteFaults: Readonly<Record<string, Sabotage>> = {
  'a delivery is recorded before its files are there': ofSteps((steps) => ({
    async moveVideo(id, move) {
      const held = await steps.moveVideo(id, move)
      const deliveries = held && move.to === 'COMPLETED' ? ((await steps.video(id))?.deliveries ?? []) : []
      for (const { peer, dir } of deliveries) await steps.finishDelivery(id, { peer, dir })
      return held
    },
  })),
  'a fetch answers another blob': {
    exchange: (exchange) => {
      let last: string | null = null
      return {
        ...exchange,
        async fetch(want) {
          const [path, other] = [await exchange.fetch(want), last]
          last = path
          return other?.includes(`/${want.video}/`) ? other : path
        },
      }
    },
  },
  'an encoder depends on its machine': {
    media: (media, machine) => ({
      ...media,
      async encode(job) {
        const results = await media.encode(job)
        return results.map((result) => (result.ok && machine !== 'p0' ? { ...result, path: job.input.path } : result))
      },
    }),
  },
}

const REST_MS = 12_000

/** Once found, always found: whatever has become of the file. */
const blindStore: Sabotage = {
  store: (store) => {
    const seen = new Map<Sha256, FoundBlob>()
    const lookUp: BlobStore['lookUp'] = async (sha256, video) => {
      const found = await store.lookUp(sha256, video)
      if (found !== null && found.identity !== null) seen.set(sha256, found)
      return found ?? seen.get(sha256) ?? null
    }
    const find: BlobStore['find'] = async (sha256, video) => (await lookUp(sha256, video))?.path ?? null
    return { ...store, lookUp, find, listed: async () => ({ ...(await store.listed()), find }) }
  },
}

const healingFaults: Readonly<Record<string, Sabotage>> = {
  'a video stands still without a reason': {
    face: ({ snapshot }) => ({
      async snapshot() {
        const now = await snapshot()
        return { ...now, videos: now.videos.map((row) => ({ ...row, still: null })) }
      },
    }),
    circumstances: holdersGone,
  },
  'a video stands still and nobody knows why': {
    face: ({ snapshot }) => ({
      async snapshot() {
        const now = await snapshot()
        const still = { code: 'unknown', peers: [], since: 0, text: 'nothing is known' } as const
        return { ...now, videos: now.videos.map((row) => ({ ...row, still: row.still && still })) }
      },
    }),
    circumstances: holdersGone,
  },
  'a quarantined peer goes on': {
    ledger: (ledger) => ({ peer: async (id) => ({ ...(await ledger.peer(id)), quarantined_until: null }) }),
    circumstances: aBadMachine,
  },
  'nobody is quarantined': { ledger: () => ({ quarantine: async () => 'unchanged' }), circumstances: aBadMachine },
  'a worker rests after a failure, whatever else waits': {
    ledger: (ledger) => {
      let restsUntil = 0
      const rests = async () => (await ledger.now()) < restsUntil
      return {
        async fail(failed) {
          restsUntil = (await ledger.now()) + REST_MS
          return ledger.fail(failed)
        },
        claimNext: async (ask) => ((await rests()) ? { outcome: 'none' } : ledger.claimNext(ask)),
        claimTask: async (ask) => ((await rests()) ? { outcome: 'none' } : ledger.claimTask(ask)),
      }
    },
    circumstances: badFilms,
  },
  'a backup is handed out that nobody wanted': ofSteps(
    (steps) => ({
      async claimTask(ask) {
        const task = ask.from === 'backup' ? await steps.task(ask.task) : null
        if (task) await steps.wantBackup(task._id, { attempt: task.attempt, term: task.coordinator_term })
        return steps.claimTask(ask)
      },
    }),
    backupsInTrouble,
  ),
  'a source counts as the same whatever lies at its path': { ...blindStore, circumstances: changedSources },
  'whoever holds the mesh key counts as a member': {
    ledger: (ledger) => ({
      members: async () => [...(await ledger.members()), ...Array.from({ length: 16 }, (_, at) => strangerIdOf(at))],
    }),
    circumstances: crowdsOfStrangers,
  },
  'corrupt blobs are not noticed': {
    store: (store) => ({ ...store, verify: async () => true }),
    circumstances: muchRot,
  },
}

const sharedFaults: Readonly<Record<string, Sabotage>> = {
  'nobody looks for sources in a shared folder': {
    ledger: (ledger) => ({
      videos: async (query) =>
        (await ledger.videos(query)).map(({ source: { shared, ...source }, ...video }) => ({ ...video, source })),
    }),
    circumstances: submitterGone,
  },
  'a peer whose source is gone stays its holder': ofSteps(
    () => ({ removeSourceHolder: async () => true }),
    foldersVanish,
  ),
  'a source in a shared folder counts as the same whatever lies there': { ...blindStore, circumstances: foldersLie },
}

/** By the promise that is broken. */
export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  ...claimFaults,
  ...commitFaults,
  ...leaderFaults,
  ...byteFaults,
  ...healingFaults,
  ...sharedFaults,
}
