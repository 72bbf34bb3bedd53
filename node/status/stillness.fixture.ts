/** Films, peers and tasks for the tests of why a video makes no progress. */
import { ANN, BOB, CAT, input, sha } from '../../protocol/conformance/ledger/world.ts'
import { type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { initialTask, type NewTask, type Task, wholeVideoTask } from '../../protocol/task.ts'
import type { Delivery, Video, VideoStatus } from '../../protocol/video.ts'
import type { PeerFacts, StillFacts } from './still-words.ts'
import { stillnessOf } from './stillness.ts'

export const FILM = '0123456789abcdef' as VideoId
export const NOW = 1_000_000
export const CLASS = 'h264>x264/720p'

export const peer = (id: PeerId, name: string, change: Partial<PeerFacts> = {}): PeerFacts => ({
  peer: id,
  name,
  host: name,
  state: 'idle',
  roles: ['worker', 'coordinator'],
  slots: 1,
  busy: 0,
  decoders: ['h264'],
  encoders: ['x264'],
  filters: [],
  renditions: 'all',
  kinds: ['audio'],
  shared: [],
  running: [],
  isPresent: true,
  heard_s: 0,
  ...change,
})
export const gone = { isPresent: false, heard_s: 40 } as const
export const [nas, box, mini] = [peer(ANN, 'nas'), peer(BOB, 'box'), peer(CAT, 'mini')]

export const whole = (kind: string, change: Partial<Task> = {}): Task => ({
  ...initialTask(wholeVideoTask({ _id: FILM, priority: 0, due: 0, created_at: 0 }, kind), 0, 1),
  ...change,
})
export const chunk = (change: Partial<Task> = {}): Task => {
  const task: NewTask = {
    ...whole('video'),
    _id: taskId(FILM, '720p', 3),
    resolution: '720p',
    class: CLASS,
    chunk_id: 3,
  }
  return { ...initialTask({ ...task, input: input('cut') }, 0, 1), ...change }
}
export const claimed = (worker_id: PeerId): Partial<Task> => ({
  status: 'PROCESSING',
  attempt: 1,
  claimable_at: NOW + 20_000,
  claims: [{ attempt: 1, worker_id, token: 't' as never, speculative: false, expires_at: NOW + 20_000 }],
})
export const failed = (not_before: number): Partial<Task> => ({
  not_before,
  failures: [{ attempt: 1, worker_id: BOB, code: 'encode_failed', message: 'ffmpeg said no', log: null, at: NOW }],
})

/** The source and the delivery of the video, where they are others than those of nas. */
interface Given {
  holders?: PeerId[]
  shared?: NonNullable<Video['source']['shared']>
  delivery?: Delivery
  outputs?: Video['outputs']
}

/** The reason for a video in this status, with the peers that are given; those that are present are reachable. */
export function why(status: VideoStatus, change: Partial<Omit<StillFacts, 'video'>> & Given = {}) {
  const { holders = [ANN], peers = [nas, box], shared, delivery, outputs = [], ...facts } = change
  const source = { sha256: sha('source'), bytes: 1, holders, ...(shared && { shared }) }
  const deliveries = [delivery ?? { peer: ANN, dir: '/out', name: 'film', done_at: null }]
  const {
    code,
    peers: missing,
    text,
  } = stillnessOf({
    video: { _id: FILM, name: 'film', status, source, deliveries, outputs },
    now: NOW,
    stillMs: 10_000,
    freeMs: Number.POSITIVE_INFINITY,
    leader: BOB,
    peers,
    reachable: peers.filter(({ isPresent }) => isPresent).map(({ peer }) => peer),
    open: [],
    withoutOutput: [],
    unaudited: [],
    waiting: new Set(),
    ahead: 0,
    looksMs: 30_000,
    problem: undefined,
    sharedProblems: [],
    ...facts,
  })
  return [code, text, missing]
}
export const away = { peers: [{ ...nas, ...gone }, box] }
