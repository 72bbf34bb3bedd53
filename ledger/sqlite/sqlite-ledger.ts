/**
 * The ledger in a SQLite file, for the processes of one machine. It needs nothing but Node. Every transition is one statement in
 * a file of its own; what both adapters share is in the folder above.
 */
import type { Ledger } from '../../protocol/ledger.ts'
import { ledgerFromSteps } from '../ledger-from-steps.ts'
import { bindSteps, type StepFunctions, type Steps } from '../steps.ts'
import { addTaskHolder } from './add-task-holder.ts'
import { addVideoHolder } from './add-video-holder.ts'
import { alignTasks, prioritizeTasks } from './align-tasks.ts'
import { markAudits, urgeIdleTasks } from './audits.ts'
import { cancelTasks } from './cancel-tasks.ts'
import { claimNext } from './claim-next.ts'
import { claimTask } from './claim-task.ts'
import { complete } from './complete.ts'
import { endAttempt } from './end-attempt.ts'
import { endSeenClaims } from './end-seen-claims.ts'
import { addEnginePeer, readEngines, removeEnginePeer, setWanted } from './engines.ts'
import { addEvent, readEvents, readEventsAfter } from './events.ts'
import { failTask } from './fail-task.ts'
import { finishDelivery } from './finish-delivery.ts'
import { insertTasks } from './insert-tasks.ts'
import { insertVideo } from './insert-video.ts'
import { joinVideo } from './join-video.ts'
import { acquireLease, readLease, releaseLease, renewLease } from './lease.ts'
import { listParts } from './list-parts.ts'
import { loseOutput } from './lose-output.ts'
import { addMember, readMembers } from './members.ts'
import { moveVideo } from './move-video.ts'
import { nameDelivery } from './name-delivery.ts'
import { readNotes, setNote } from './notes.ts'
import { quarantine, readPeer, readPeers, setPeer } from './peers.ts'
import { insertPlan, readPlan } from './plans.ts'
import * as tasks from './read-tasks.ts'
import { countVideos, readUndeliveredVideos, readVideo, readVideos } from './read-videos.ts'
import { recut } from './recut.ts'
import { removeInputHolder } from './remove-input-holder.ts'
import { removeSourceHolder } from './remove-source-holder.ts'
import { removeUnfitVideo, removeWork } from './remove-unfit.ts'
import { renew } from './renew.ts'
import { beginRequest, endRequest } from './requests.ts'
import { reviveTasks } from './revive-tasks.ts'
import { stampTerm, videosWithOpenTasks } from './stamp-term.ts'
import { type SqliteOptions, Store } from './store.ts'
import { wantBackup } from './want-backup.ts'
import {
  addWebhooks,
  readDueWebhooks,
  readWebhook,
  readWebhooks,
  removeOldWebhooks,
  resendWebhook,
  settleWebhook,
} from './webhooks.ts'

export type { SqliteOptions }

/** Each step with its function, in a file of its own. */
const STEPS: StepFunctions<Store> = {
  open: (store) => store.open(),
  close: async (store) => store.close(),
  now: async (store) => store.now(),
  takeUnfit: (store) => store.documents.takeUnfit(),
  insertVideo,
  joinVideo,
  video: readVideo,
  videos: readVideos,
  countVideos,
  undeliveredVideos: readUndeliveredVideos,
  moveVideo,
  nameDelivery,
  finishDelivery,
  addVideoHolder,
  removeSourceHolder,
  insertPlan,
  plan: readPlan,
  insertTasks,
  task: tasks.readTask,
  tasks: tasks.readTasks,
  progress: tasks.readProgress,
  completedSince: tasks.readCompletedSince,
  outcomes: tasks.readOutcomes,
  claimableClasses: tasks.claimableClasses,
  claimNext,
  claimTask,
  claimsByToken: tasks.claimsByToken,
  renew,
  complete,
  listParts,
  endAttempt,
  claimsOf: tasks.claimsOf,
  endSeenClaims,
  wantBackup,
  failTask,
  loseOutput,
  markAudits,
  urgeIdleTasks,
  recut,
  addTaskHolder,
  removeInputHolder,
  cancelTasks,
  reviveTasks,
  removeWork,
  removeUnfitVideo,
  prioritizeTasks,
  acquireLease,
  renewLease,
  releaseLease,
  lease: readLease,
  setNote,
  notes: readNotes,
  stampTerm,
  alignTasks,
  videosWithOpenTasks,
  addMember,
  members: readMembers,
  beginRequest,
  endRequest,
  addWebhooks,
  webhook: readWebhook,
  webhooks: readWebhooks,
  dueWebhooks: readDueWebhooks,
  settleWebhook,
  resendWebhook,
  removeOldWebhooks,
  peers: readPeers,
  peer: readPeer,
  setPeer,
  quarantine,
  engines: readEngines,
  addEnginePeer,
  removeEnginePeer,
  setWanted,
  addEvent,
  events: readEvents,
  eventsAfter: readEventsAfter,
}

/** A ledger that is not open yet. `open` rejects with `UsageError` where the file cannot be used. */
export const createSqliteLedger = (options: SqliteOptions): Ledger => ledgerFromSteps(sqliteSteps(options))

/** The single statements: tests wrap them to stop between two of them. */
export function sqliteSteps(options: SqliteOptions): Steps {
  const store = new Store(options)
  return bindSteps(STEPS, store, `SQLite ${store.path}`)
}
