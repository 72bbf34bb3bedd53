/**
 * The ledger in a SQLite file, for the processes of one host. Needs nothing but Node. Every transition is one statement in a
 * file of its own; what both adapters share is one folder up.
 */
import type { Ledger } from '../../protocol/ledger.ts'
import { ledgerFromSteps } from '../ledger-from-steps.ts'
import type { Steps } from '../steps.ts'
import { addTaskHolder } from './add-task-holder.ts'
import { addVideoHolder } from './add-video-holder.ts'
import { alignTasks, prioritizeTasks } from './align-tasks.ts'
import { cancelTasks } from './cancel-tasks.ts'
import { claimNext } from './claim-next.ts'
import { claimTask } from './claim-task.ts'
import { complete } from './complete.ts'
import { endAttempt } from './end-attempt.ts'
import { endSeenClaims } from './end-seen-claims.ts'
import { addEnginePeer, readEngines, removeEnginePeer, setWanted } from './engines.ts'
import { addEvent, readEvents } from './events.ts'
import { failTask } from './fail-task.ts'
import { finishDelivery } from './finish-delivery.ts'
import { insertTasks } from './insert-tasks.ts'
import { insertVideo } from './insert-video.ts'
import { joinVideo } from './join-video.ts'
import { acquireLease, readLease, releaseLease, renewLease } from './lease.ts'
import { loseOutput } from './lose-output.ts'
import { moveVideo } from './move-video.ts'
import { nameDelivery } from './name-delivery.ts'
import { quarantine, readPeer, readPeers, setPeer } from './peers.ts'
import { insertPlan, readPlan } from './plans.ts'
import * as tasks from './read-tasks.ts'
import { readUndeliveredVideos, readVideo, readVideos } from './read-videos.ts'
import { recut } from './recut.ts'
import { renew } from './renew.ts'
import { reviveTasks } from './revive-tasks.ts'
import { stampTerm, videosWithOpenTasks } from './stamp-term.ts'
import { type SqliteOptions, Store } from './store.ts'
import { wantBackup } from './want-backup.ts'

export type { SqliteOptions }

export const createSqliteLedger = (options: SqliteOptions): Ledger => ledgerFromSteps(sqliteSteps(options))

/** The single statements by themselves: what tests wrap to die between two of them. */
export function sqliteSteps(options: SqliteOptions): Steps {
  const store = new Store(options)
  return { ...lifeAndVideos(store), ...taskSteps(store), ...coordination(store) }
}

function lifeAndVideos(store: Store) {
  return {
    open: () => store.open(),
    close: async () => store.close(),
    description: `SQLite ${store.path}`,
    now: async () => store.now(),
    insertVideo: (video) => insertVideo(store, video),
    joinVideo: (id, join) => joinVideo(store, id, join),
    video: (id) => readVideo(store, id),
    videos: (query) => readVideos(store, query),
    undeliveredVideos: () => readUndeliveredVideos(store),
    moveVideo: (id, move) => moveVideo(store, id, move),
    nameDelivery: (id, delivery, name) => nameDelivery(store, id, delivery, name),
    finishDelivery: (id, delivery) => finishDelivery(store, id, delivery),
    addVideoHolder: (id, sha256, peer) => addVideoHolder(store, id, sha256, peer),
    insertPlan: (id, sha256, plan) => insertPlan(store, id, sha256, plan),
    plan: (id, sha256) => readPlan(store, id, sha256),
  } satisfies Partial<Steps>
}

function taskSteps(store: Store) {
  return {
    insertTasks: (batch) => insertTasks(store, batch),
    task: (id) => tasks.readTask(store, id),
    tasks: (query) => tasks.readTasks(store, query),
    progress: (videos) => tasks.readProgress(store, videos),
    outcomes: (limit) => tasks.readOutcomes(store, limit),
    claimableClasses: () => tasks.claimableClasses(store),
    claimNext: (ask) => claimNext(store, ask),
    claimTask: (ask) => claimTask(store, ask),
    claimsByToken: (token) => tasks.claimsByToken(store, token),
    renew: (worker, attempts) => renew(store, worker, attempts),
    complete: (done) => complete(store, done),
    endAttempt: (end) => endAttempt(store, end),
    claimsOf: (worker) => tasks.claimsOf(store, worker),
    endSeenClaims: (claims, options) => endSeenClaims(store, claims, options),
    wantBackup: (id, options) => wantBackup(store, id, options),
    failTask: (id, options) => failTask(store, id, options),
    loseOutput: (id, options) => loseOutput(store, id, options),
    recut: (id, lost, input) => recut(store, id, lost, input),
    addTaskHolder: (id, sha256, peer) => addTaskHolder(store, id, sha256, peer),
    cancelTasks: (video) => cancelTasks(store, video),
    reviveTasks: (video, from) => reviveTasks(store, video, from),
    prioritizeTasks: (video, priority) => prioritizeTasks(store, video, priority),
  } satisfies Partial<Steps>
}

function coordination(store: Store) {
  return {
    acquireLease: (me, nonce) => acquireLease(store, me, nonce),
    renewLease: (me, term) => renewLease(store, me, term),
    releaseLease: (me, term) => releaseLease(store, me, term),
    lease: () => readLease(store),
    stampTerm: (term) => stampTerm(store, term),
    alignTasks: (align, term) => alignTasks(store, align, term),
    videosWithOpenTasks: () => videosWithOpenTasks(store),
    peers: () => readPeers(store),
    peer: (id) => readPeer(store, id),
    setPeer: (id, change) => setPeer(store, id, change),
    quarantine: (id, period) => quarantine(store, id, period),
    engines: () => readEngines(store),
    addEnginePeer: (engine, peer) => addEnginePeer(store, engine, peer),
    removeEnginePeer: (engine, peer) => removeEnginePeer(store, engine, peer),
    setWanted: (engine, change) => setWanted(store, engine, change),
    addEvent: (event) => addEvent(store, event),
    events: (limit) => readEvents(store, limit),
  } satisfies Partial<Steps>
}
