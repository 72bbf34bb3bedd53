/** What the page knows, as signals: what is shown follows from them. The feed sets them; what a person chooses goes back to it. */
import { computed, effect, signal } from '@preact/signals'
import type { PeerStatus, StatusSnapshot, VideoRow } from '../../protocol/status.ts'
import type { Connection, FromFeed, Grid, MeshEvent, ShownTask, ToFeed } from './feed/messages.ts'
import { type Sample, sampleOf } from './samples.ts'

const EVENTS_MAX = 500
const SAMPLES_MAX = 3_600
/** The pause between two samples, s: less than that between two usual rounds of the feed. */
const SAMPLE_S = 0.9
const TOKEN_KEY = 'reelmesh-token'

export const connection = signal<Connection>('connecting')
/** When the node was heard last, ms since 1970. */
export const heardAt = signal(Date.now())
export const status = signal<StatusSnapshot | null>(null)
/** Newest last. */
export const events = signal<readonly MeshEvent[]>([])
/** Newest last. */
export const samples = signal<readonly Sample[]>([])
export const grid = signal<Grid | null>(null)
export const task = signal<ShownTask | null>(null)
export const token = signal<string | null>(sessionStorage.getItem(TOKEN_KEY))
/** Whether something was refused that another token may do. */
export const isOtherTokenWanted = signal(false)

const idInAddress = (): string | null => /^#([0-9a-f]{16})$/.exec(location.hash)?.[1] ?? null
const chosen = signal<string | null>(idInAddress())
/** The task of the shown video whose attempts are shown. */
export const chosenTask = signal<string | null>(null)

/** Newest first. */
/** Number of open videos beyond `videos`. */
export const unlisted = computed(() =>
  status.value ? status.value.unlisted.working + status.value.unlisted.queued : 0,
)
export const videos = computed<readonly VideoRow[]>(() => status.value?.videos.toReversed() ?? [])
export const peers = computed<readonly PeerStatus[]>(() => status.value?.peers ?? [])
/** The chosen video; where none is chosen, the newest. */
export const video = computed<VideoRow | null>(
  () => videos.value.find(({ id }) => id === chosen.value) ?? videos.value[0] ?? null,
)
const videoId = computed(() => video.value?.id ?? null)
/** The grid of that video, once it is known. */
export const videoGrid = computed(() => (grid.value?.video === videoId.value ? grid.value : null))

/** Shows a video. */
export function choose(id: string): void {
  chosen.value = id
  chosenTask.value = null
  history.replaceState(null, '', `#${id}`)
}
addEventListener('hashchange', () => {
  chosen.value = idInAddress()
})

/** The name of a peer; the end of its id where it is not known any more. */
export const peerName = (id: string | null): string =>
  id === null ? '' : peers.value.find(({ peer }) => peer === id)?.name || id.slice(-8)

const reclaims = computed(
  () =>
    new Map(events.value.filter(({ what }) => what === 'reclaimed').map(({ peer, at }) => [peer as string | null, at])),
)
/** How many seconds ago the tasks of a peer were reclaimed last; null where they never were. */
export function lostSecondsAgo(peer: string): number | null {
  const at = reclaims.value.get(peer)
  return at === undefined ? null : ((status.value?.at ?? at) - at) / 1000
}

/** Keeps a token for this tab. */
export function useToken(text: string): void {
  sessionStorage.setItem(TOKEN_KEY, text)
  isOtherTokenWanted.value = false
  token.value = text
}

function take(message: FromFeed): void {
  if (message.kind === 'connection') connection.value = message.connection
  else if (message.kind === 'grid') grid.value = message.grid
  else if (message.kind === 'events') addEvents(message.events)
  else if (message.kind === 'task') task.value = message.task
  else {
    heardAt.value = Date.now()
    status.value = message.status
    addEvents(message.status.events)
    addSample(message.status)
  }
}

/** One a second at most. */
function addSample(status: StatusSnapshot): void {
  const sample = sampleOf(status)
  const last = samples.value.at(-1)
  if (last && sample.at - last.at < SAMPLE_S) return
  samples.value = [...samples.value.slice(1 - SAMPLES_MAX), sample]
}

/** The same event may come with the stream and with a status. */
function addEvents(found: readonly MeshEvent[]): void {
  const known = new Set(events.value.map(({ n }) => n))
  const fresh = found.filter(({ n }) => !known.has(n))
  if (fresh.length > 0) events.value = [...events.value, ...fresh].sort((a, b) => a.n - b.n).slice(-EVENTS_MAX)
}

/** Starts the feed. */
export function startFeed(): void {
  const feed = new Worker(`/page/feed.js${location.search}`, { type: 'module' })
  feed.onmessage = ({ data }: MessageEvent<FromFeed>) => take(data)
  effect(() => {
    const wanted: ToFeed = { token: token.value, video: videoId.value, task: chosenTask.value }
    feed.postMessage(wanted)
  })
}
