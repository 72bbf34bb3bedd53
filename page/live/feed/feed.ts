/**
 * The worker that asks the node: its events as they happen, the status all the time, and the tasks of the video that is shown. It says what it got,
 * and whether the node answers.
 */
import { readEvents } from '../../../client/read-events.ts'
import type { AttemptPage } from '../../../protocol/api-attempts.ts'
import type { StatusSnapshot, TaskRow } from '../../../protocol/status.ts'
import { isOpen } from '../../../protocol/video-status.ts'
import { ask } from './ask.ts'
import { gridOf } from './grid.ts'
import type { Connection, FromFeed, Grid, ToFeed } from './messages.ts'

/** The pause between two rounds, ms; `?round=50` makes it shorter. After an event the next round begins at once, but for `SOON_MS` after the last. */
const ROUND_MS = Number(new URLSearchParams(self.location.search).get('round') ?? 1_000)
const SOON_MS = Math.min(ROUND_MS, 300)
/** The node spends no more than this share of its time on the tasks of one page. */
const TASKS_SHARE = 0.2
/** How often a video that is not open is looked at, ms. */
const ENDED_MS = 10_000

let wanted: ToFeed = { token: null, video: null, task: null }
let connection: Connection = 'connecting'
let grid: Grid | null = null
let tasks: readonly TaskRow[] = []
/** When the tasks may be asked for again. */
let tasksAt = 0
let wake = () => {}

const say = (message: FromFeed): void => self.postMessage(message)

function become(next: Connection): void {
  if (next !== connection) say({ kind: 'connection', connection: next })
  connection = next
}

async function get<T>(path: string): Promise<T | null> {
  const answer = await ask(path, wanted.token)
  if (answer.status === 401) become('token')
  return answer.ok ? ((await answer.json()) as T) : null
}

async function round(): Promise<void> {
  try {
    const status = await get<StatusSnapshot>('/v1/status')
    if (status === null) return
    become('connected')
    say({ kind: 'status', status })
    await lookAtTasks(status)
    await lookAtTask()
  } catch {
    become('lost')
  }
}

async function lookAtTasks({ videos }: StatusSnapshot): Promise<void> {
  const { video } = wanted
  if (video === null || (grid?.video === video && performance.now() < tasksAt)) return
  const began = performance.now()
  tasks = (await get<TaskRow[]>(`/v1/videos/${video}/tasks`)) ?? []
  const row = videos.find(({ id }) => id === video)
  const took = performance.now() - began
  tasksAt = performance.now() + (row && isOpen(row.status) ? took / TASKS_SHARE - took : ENDED_MS)
  grid = gridOf(video, tasks, row?.renditions.map(({ id }) => id as string) ?? [], grid)
  say({ kind: 'grid', grid })
}

async function lookAtTask(): Promise<void> {
  const row = tasks.find(({ id }) => id === wanted.task)
  const path = `/v1/videos/${wanted.video}/attempts?limit=500&task=${encodeURIComponent(wanted.task ?? '')}`
  const attempts = row ? ((await get<AttemptPage>(path))?.attempts ?? []) : []
  say({ kind: 'task', task: row ? { row, attempts } : null })
}

self.onmessage = ({ data }: MessageEvent<ToFeed>) => {
  if (data.video !== wanted.video) {
    tasks = []
    grid = null
  }
  wanted = data
  wake()
}

async function feed(): Promise<never> {
  for (;;) {
    await round()
    const began = performance.now()
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ROUND_MS)
      wake = () => {
        clearTimeout(timer)
        setTimeout(resolve, SOON_MS - (performance.now() - began))
      }
    })
  }
}

/** Where the node has no events for this page, such as without a token, the status has the newest. */
async function follow(): Promise<void> {
  const node = {
    nodes: 1,
    next: () => {},
    open: async (asked: { headers: Readonly<Record<string, string>>; signal: AbortSignal }) => {
      const answer = await ask('/v1/events/stream', wanted.token, asked)
      return answer.ok ? answer : Promise.reject(new Error(answer.statusText))
    },
  }
  for await (const event of readEvents(node, { onGap: () => {} })) {
    say({ kind: 'events', events: [event] })
    wake()
  }
}

void feed()
void follow()
