/**
 * The ledger as plain code over maps: what the adapters are held against in `conformance/ledger.ts`. Written to be
 * obviously right rather than fast, and without a look at how the adapters do it: one call at a time, no statement ever
 * torn, nothing kept on a disk. Tasks are in
 * `tasks.ts`, claims in `claims.ts`, the lease and the sweep in `lease.ts`.
 */

import { createHash } from 'node:crypto'
import { firstKey } from '../../claim-order.ts'
import type { Sha256, VideoId } from '../../ids.ts'
import { taskId } from '../../ids.ts'
import { kindsWhere } from '../../kinds.ts'
import { type Changed, initialPeer, type Ledger, type Submission } from '../../ledger.ts'
import type { EventQuery, LedgerEvent } from '../../ledger-event.ts'
import { ENGINE_PEERS_MAX, FAILURE_MESSAGE_BYTES, HOLDERS_MAX, IDLE_PRIORITY } from '../../limits.ts'
import { planTasks } from '../../plan.ts'
import { requiredTasks } from '../../task.ts'
import { type Delivery, isOpen, isSamePlace, isUndelivered, type Video, type VideoStatus } from '../../video.ts'
import { WEBHOOK_URLS_MAX } from '../../webhook-url.ts'
import { alignTasks, leases } from './lease.ts'
import { modelRequests } from './requests.ts'
import { addHolder, changed, copy, type ModelOptions, type ModelState } from './state.ts'
import { type ModelTasks, modelTasks } from './tasks.ts'
import { modelWebhooks } from './webhooks.ts'

const newestOf = <T>(all: readonly T[], limit: number): T[] => all.slice(Math.max(0, all.length - limit))
const isEnded = (status: VideoStatus): boolean => status === 'FAILED' || status === 'CANCELLED'

const isAskedFor =
  ({ before = Infinity, since = 0, until = Infinity, video, what }: EventQuery) =>
  (event: LedgerEvent): boolean =>
    event.n < before &&
    event.at >= since &&
    event.at < until &&
    (video === undefined || event.video === video) &&
    (what === undefined || what.includes(event.what))

export function createLedgerModel(options: ModelOptions): Ledger {
  const state: ModelState = {
    options,
    videos: new Map(),
    plans: new Map(),
    tasks: new Map(),
    peers: new Map(),
    members: new Map(),
    engines: new Map(),
    events: [],
    leases: new Map(),
    notes: new Map(),
    webhooks: new Map(),
  }
  const tasks = modelTasks(state)
  return {
    open: async () => {},
    close: async () => {},
    description: 'the reference model',
    now: async () => options.now(),
    ...tasks.ledger,
    ...submitting(state, tasks),
    ...videoTable(state, tasks),
    ...deliveries(state),
    ...leases(state, tasks),
    ...peersAndEvents(state),
    ...fleet(state),
    ...modelWebhooks(state),
  }
}

function submitting(state: ModelState, tasks: ModelTasks) {
  const now = state.options.now
  const retry = (id: VideoId): boolean => {
    const video = state.videos.get(id)
    if (!video || !isEnded(video.status)) return false
    tasks.revive(id, ['FAILED', 'CANCELLED'])
    Object.assign(video, { status: video.plan ? 'RUNNING' : 'QUEUED', failure: null, ended_at: null })
    if (!video.plan) tasks.insert(requiredTasks(video))
    return true
  }
  const inOrder = (holds: (video: Video) => boolean): Video[] =>
    [...state.videos.values()].filter(holds).sort((a, b) => a.created_at - b.created_at || (a._id < b._id ? -1 : 1))
  return {
    submit: async (submission) => {
      const there = state.videos.get(submission._id)
      const video = there ?? newVideo(submission, now())
      state.videos.set(video._id, video)
      if (there) join(there, submission)
      const retried = there ? retry(there._id) : false
      tasks.insert(requiredTasks(video))
      return { outcome: !there ? 'created' : retried ? 'retried' : 'joined', video: copy(video) }
    },
    retry: async (id) => changed(retry(id)),
    video: async (id) => copy(state.videos.get(id) ?? null),
    videos: async ({ ids, statuses, before, since = 0, limit } = {}) => {
      const all = inOrder(
        ({ _id, status, created_at }) =>
          (!ids || ids.includes(_id)) &&
          (!statuses || statuses.includes(status)) &&
          created_at >= since &&
          (!before || created_at < before.created_at || (created_at === before.created_at && _id < before._id)),
      )
      return copy(limit === undefined ? all : newestOf(all, limit))
    },
    countVideos: async (statuses) => {
      const found = inOrder(({ status }) => statuses.includes(status))
      return new Map([...Map.groupBy(found, ({ status }) => status)].map(([status, { length }]) => [status, length]))
    },
    undeliveredVideos: async () => copy(inOrder((video) => video.status === 'COMPLETED' && isUndelivered(video))),
  } satisfies Partial<Ledger>
}

function newVideo({ delivery, webhooks = [], ...asked }: Submission, at: number): Video {
  const { _id, name, recipe, priority, deadline, source } = asked
  return {
    _id,
    name,
    recipe,
    priority,
    deadline,
    created_at: at,
    due: firstKey(at, deadline),
    status: 'QUEUED',
    plan: null,
    outputs: [],
    failure: null,
    source: copy(source),
    deliveries: delivery ? [{ ...delivery, done_at: null }] : [],
    webhooks: [...webhooks],
    ended_at: null,
    coordinator_term: 0,
  }
}

function join(video: Video, { source, delivery, _id, webhooks = [] }: Submission): void {
  video.webhooks = [...new Set([...video.webhooks, ...webhooks])].slice(0, WEBHOOK_URLS_MAX)
  if (source.shared) video.source.shared = copy(source.shared)
  for (const peer of source.holders) {
    video.source.holders = [...video.source.holders.filter((held) => held !== peer), peer].slice(-HOLDERS_MAX)
  }
  if (!delivery) return
  const same = video.deliveries.filter(
    (one) => isSamePlace(one, delivery) && (one.name === delivery.name || one.name === `${delivery.name}-${_id}`),
  )
  const { shared, mode } = delivery
  const again = { done_at: null, ...(shared && { shared: copy(shared) }), ...(mode !== undefined && { mode }) }
  for (const one of same) Object.assign(one, again)
  if (same.length === 0) video.deliveries.push({ ...delivery, done_at: null })
}

/** A delivery as a writer of this term may change it. */
const isNotNewer = (one: Delivery, term: number | undefined): boolean => term === undefined || (one.term ?? 0) <= term

function videoTable(state: ModelState, tasks: ModelTasks) {
  const { videos, plans } = state
  /** The compare of a row of the table, with the term of a coordinator's write. */
  const in_ = (id: VideoId, from: (status: VideoStatus) => boolean, term?: number): Video | null => {
    const video = videos.get(id)
    if (!video || !from(video.status) || (term !== undefined && video.coordinator_term > term)) return null
    if (term !== undefined) video.coordinator_term = term
    return video
  }
  const end = (id: VideoId, video: Video | null, status: 'FAILED' | 'CANCELLED', failure: string | null): Changed => {
    if (video) Object.assign(video, { status, failure, ended_at: state.options.now() })
    // Also when it had ended before: asking again leaves nothing to encode.
    if (isEnded(videos.get(id)?.status ?? 'QUEUED')) tasks.cancel(id)
    return changed(video !== null)
  }
  const is =
    (...statuses: VideoStatus[]) =>
    (status: VideoStatus) =>
      statuses.includes(status)
  return {
    startPlanning: async (id) => {
      const video = in_(id, is('QUEUED'))
      if (video) video.status = 'PLANNING'
      return changed(video !== null)
    },
    commitPlan: async (plan, due) => {
      const sha256 = createHash('sha256').update(JSON.stringify(plan)).digest('hex') as Sha256
      plans.set(`${plan.video_id}/${sha256}`, copy(plan))
      const video = videos.get(plan.video_id)
      if (!video || !isOpen(video.status)) return { outcome: 'closed' }
      if (video.plan) {
        const winner = copy(plans.get(`${plan.video_id}/${video.plan.sha256}`)!)
        return { outcome: video.plan.sha256 === sha256 ? 'committed' : 'lost', plan: winner }
      }
      Object.assign(video, { status: 'RUNNING', plan: { sha256, tasks: planTasks(plan) }, due })
      tasks.insert(requiredTasks(video))
      return { outcome: 'committed', plan: copy(plan) }
    },
    plan: async (id, sha256) => copy(plans.get(`${id}/${sha256}`) ?? null),
    startMerging: async (id, term) => {
      const video = in_(id, is('RUNNING'), term)
      if (video) video.status = 'MERGING'
      if (video) tasks.insert(requiredTasks(video))
      return changed(video !== null)
    },
    completeVideo: async (id, outputs, term) => {
      const video = in_(id, is('MERGING'), term)
      if (video) Object.assign(video, { status: 'COMPLETED', outputs: copy(outputs), ended_at: state.options.now() })
      return changed(video !== null)
    },
    reopenVideo: async (id, term) => {
      const known = videos.get(id)
      if (!known || !isUndelivered(known)) return 'unchanged'
      const video = in_(id, is('COMPLETED'), term)
      if (video) Object.assign(video, { status: 'MERGING', outputs: [], ended_at: null })
      const made = video ? kindsWhere(({ outputs }) => outputs === 'results') : []
      for (const kind of made) tasks.lose(taskId(id, kind), null, term)
      return changed(video !== null)
    },
    failVideo: async (id, failure, term) =>
      end(id, in_(id, isOpen, term), 'FAILED', failure.slice(-FAILURE_MESSAGE_BYTES)),
    cancel: async (id) => end(id, in_(id, isOpen), 'CANCELLED', null),
    setPriority: async (id, priority) => {
      const video = in_(id, isOpen)
      if (video) video.priority = priority
      for (const task of video ? tasks.open(id) : []) if (task.priority !== IDLE_PRIORITY) task.priority = priority
      return changed(video !== null)
    },
    setDeadline: async (id, deadline) => {
      const video = in_(id, isOpen)
      if (video) video.deadline = deadline
      return changed(video !== null)
    },
    setDue: async (id, { due, term }) => {
      const video = in_(id, isOpen, term)
      if (video) video.due = due
      if (video) alignTasks(tasks.open(id), video, { term, options: state.options })
      return changed(video !== null)
    },
  } satisfies Partial<Ledger>
}

function deliveries({ videos, options }: ModelState) {
  return {
    nameDelivery: async (id, { peer, dir, name, term }, to) => {
      const found = videos
        .get(id)
        ?.deliveries.filter((one) => one.peer === peer && one.dir === dir && one.name === name && one.done_at === null)
        .filter((one) => isNotNewer(one, term))
      for (const one of found ?? []) Object.assign(one, { name: to }, term !== undefined && { term })
      return changed((found?.length ?? 0) > 0)
    },
    finishDelivery: async (id, { peer, dir, name, term }) => {
      const found = videos
        .get(id)
        ?.deliveries.filter(
          (one) =>
            one.peer === peer && one.dir === dir && (name === undefined || one.name === name) && one.done_at === null,
        )
        .filter((one) => isNotNewer(one, term))
      for (const one of found ?? []) Object.assign(one, { done_at: options.now() }, term !== undefined && { term })
      return changed((found?.length ?? 0) > 0)
    },
    addVideoHolder: async (id, sha256, peer) => {
      const video = videos.get(id)
      const added = video ? [video.source, ...video.outputs].map((blob) => addHolder(blob, sha256, peer)) : []
      return changed(added.includes(true))
    },
    removeSourceHolder: async (id, sha256, peer) => {
      const source = videos.get(id)?.source
      if (source?.sha256 !== sha256 || !source.holders.includes(peer)) return 'unchanged'
      source.holders = source.holders.filter((held) => held !== peer)
      return 'changed'
    },
  } satisfies Partial<Ledger>
}

function peersAndEvents({ peers, members, events, options }: ModelState) {
  return {
    ...modelRequests(() => options.now()),
    addMember: async (id, ms) => void members.set(id, options.now() + ms),
    members: async () => [...members].filter(([, until]) => until > options.now()).map(([id]) => id),
    peers: async () => copy([...peers.values()].sort((a, b) => (a._id < b._id ? -1 : 1))),
    peer: async (id) => copy(peers.get(id) ?? initialPeer(id)),
    setPeer: async (id, change) => void peers.set(id, { ...(peers.get(id) ?? initialPeer(id)), ...change }),
    quarantine: async (id, { ms, quarantines, reason, seen }) => {
      const record = peers.get(id) ?? initialPeer(id)
      peers.set(id, record)
      if (record.quarantined_until !== seen) return 'unchanged'
      peers.set(id, { ...record, quarantined_until: options.now() + ms, quarantines, reason })
      return 'changed'
    },
    addEvent: async (event) => void events.push({ ...event, n: events.length + 1, at: options.now() }),
    events: async (limit, query = {}) => copy(newestOf(events.filter(isAskedFor(query)), limit)),
    eventsAfter: async (n, limit) => copy(events.slice(n, n + limit)),
  } satisfies Partial<Ledger>
}

function fleet({ engines }: ModelState) {
  return {
    engines: async () => copy([...engines.values()].sort((a, b) => (a._id < b._id ? -1 : 1))),
    addEnginePeer: async (engine, peer) => {
      const record = engines.get(engine) ?? { _id: engine, wanted: 0, reason: null, peers: [], coordinator_term: 0 }
      engines.set(engine, record)
      if (record.peers.includes(peer)) return 'unchanged'
      record.peers = [...record.peers, peer].slice(-ENGINE_PEERS_MAX)
      return 'changed'
    },
    removeEnginePeer: async (engine, peer) => {
      const record = engines.get(engine)
      if (!record?.peers.includes(peer)) return 'unchanged'
      record.peers = record.peers.filter((one) => one !== peer)
      return 'changed'
    },
    setWanted: async (engine, { wanted, reason, term }) => {
      const record = engines.get(engine)
      if (!record || record.coordinator_term > term) return 'unchanged'
      Object.assign(record, { wanted, reason, coordinator_term: term })
      return 'changed'
    },
  } satisfies Partial<Ledger>
}
