/**
 * What has happened so far, from the events of a run, and what the demo says about it. Pure but for its own memory: it is
 * given events and times, and answers lines to tell. Whom to kill is decided here and done elsewhere.
 */
import type { MeshEvent, Progress, RunEvent, RunningTask, VideoProgress } from './events.ts'

export type Tone = 'plain' | 'bad' | 'good'
export interface Line {
  /** Seconds since the start. */
  readonly at: number
  readonly tone: Tone
  readonly text: string
}

export interface WorkerView {
  readonly name: string
  pid: number
  peer: string | null
  /** How it ended, while it is not there. */
  ended: string | null
  state: string
  /** Tasks it encodes: renditions of one chunk share one ffmpeg. */
  running: readonly RunningTask[]
}

export interface Victim {
  readonly name: string
  readonly pid: number
  readonly peer: string
  readonly tasks: readonly RunningTask[]
}

export interface Kill extends Victim {
  /** Wall clock, ms. */
  readonly at: number
  /** Wall clock of the leader's reclaim; null until it is told. */
  reclaimedAt: number | null
  /** Who was first seen with one of its tasks again. */
  again: string | null
}

export interface Story {
  readonly workers: ReadonlyMap<string, WorkerView>
  readonly video: VideoProgress | null
  readonly lines: readonly Line[]
  readonly kill: Kill | null
  /** Takes an event in; `now` is the wall clock, ms. */
  hear(event: RunEvent, now: number): void
  /** A worker in the midst of an encode, while nobody was killed yet. */
  victim(): Victim | null
  killed(victim: Victim, now: number): void
  say(text: string, now: number, tone?: Tone): void
}

/** Killing shows most when the lost work is seen to be done again: in the midst of a chunk, and not at the very end. */
const MIDST = { from: 0.2, to: 0.75, videoTo: 0.7 } as const

export const isEncode = ({ task }: RunningTask): boolean => !/\/(?:ingest|merge|audio)\//.test(task)
export const chunkOf = ({ task }: Pick<RunningTask, 'task'>): number => Number(task.split('/')[2])
export const rungOf = ({ task }: Pick<RunningTask, 'task'>): string => task.split('/')[1] ?? ''

/** `chunk 3 (1080p 720p 480p)`. */
export function workText(running: readonly Pick<RunningTask, 'task'>[]): string {
  const [first] = running
  if (!first) return 'nothing'
  const rungs = running.map(rungOf).sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
  return rungOf(first) === 'audio' ? 'the sound' : `chunk ${chunkOf(first) + 1} (${rungs.join(' ')})`
}

export function createStory(startedAt: number): Story {
  const workers = new Map<string, WorkerView>()
  const lines: Line[] = []
  const told = new Set<string>()
  let video: VideoProgress | null = null
  let kill: Kill | null = null

  const say = (text: string, now: number, tone: Tone = 'plain'): void =>
    void lines.push({ at: (now - startedAt) / 1000, tone, text })

  function started(name: string, pid: number, now: number): void {
    const again = workers.has(name)
    workers.set(name, { name, pid, peer: workers.get(name)?.peer ?? null, ended: null, state: 'starting', running: [] })
    if (again) say(`${name} is started again (process ${pid})`, now, 'good')
  }

  function ended(name: string, how: string, now: number): void {
    const worker = workers.get(name)
    if (!worker) return
    Object.assign(worker, { ended: how, running: [], state: 'gone' })
    if (name !== kill?.name) say(`${name} ${how}`, now, 'bad')
  }

  function progress({ workers: rows, videos, events }: Progress, now: number): void {
    video = videos[0] ?? video
    for (const row of rows) {
      const worker = workers.get(row.name)
      if (!worker || worker.ended !== null) continue
      worker.peer = row.peer
      // A heartbeat of the life that was killed may still be the newest there is.
      const stale = kill !== null && worker.name === kill.name && row.running.some(isOfTheDead)
      Object.assign(worker, { state: row.state, running: stale ? [] : row.running })
    }
    for (const event of events) tellReclaim(event)
    if (kill) heal(kill, now)
  }

  function tellReclaim({ what, peer, at, text }: MeshEvent): void {
    const key = `${at} ${text}`
    if (what !== 'reclaimed' || told.has(key)) return
    told.add(key)
    if (kill && peer === kill.peer && at >= kill.at && kill.reclaimedAt === null) {
      kill.reclaimedAt = at
      say(`the mesh noticed after ${secondsText((at - kill.at) / 1000)}: ${text}`, at, 'good')
    } else say(text, at, 'bad')
  }

  const isOfTheDead = ({ task, attempt }: RunningTask): boolean =>
    kill?.tasks.some((lost) => lost.task === task && lost.attempt === attempt) ?? false

  function heal(lost: Kill, now: number): void {
    for (const worker of workers.values()) {
      const mine = worker.running.filter((run) =>
        lost.tasks.some((was) => was.task === run.task && was.attempt < run.attempt),
      )
      const key = mine.map(({ task }) => task).join()
      if (mine.length === 0 || told.has(key)) continue
      told.add(key)
      lost.again ??= worker.name
      say(`${workText(mine)} is encoded again by ${worker.name}`, now, 'good')
    }
  }

  function victim(): Victim | null {
    if (kill || !video || video.status !== 'RUNNING' || video.done > MIDST.videoTo) return null
    for (const { name, pid, peer, running } of [...workers.values()].reverse()) {
      const tasks = running.filter(isEncode)
      const [first] = tasks
      if (peer && first && first.done >= MIDST.from && first.done <= MIDST.to) return { name, pid, peer, tasks }
    }
    return null
  }

  return {
    workers,
    lines,
    say,
    victim,
    get video() {
      return video
    },
    get kill() {
      return kill
    },
    killed(who, now) {
      kill = { ...who, at: now, reclaimedAt: null, again: null }
      const share = Math.round((who.tasks[0]?.done ?? 0) * 100)
      say(`kill -9 ${who.pid}: ${who.name} dies ${share} % into ${workText(who.tasks)}`, now, 'bad')
      ended(who.name, 'killed', now)
    },
    hear(event, now) {
      if (event.event === 'worker_started') started(event.name, event.pid, now)
      else if (event.event === 'worker_ended') ended(event.name, event.how, now)
      else if (event.event === 'progress') progress(event, now)
      // The last heartbeats may still tell of work that is done.
      else if (event.event === 'delivered')
        for (const worker of workers.values()) Object.assign(worker, { state: 'idle', running: [] })
    },
  }
}

export const secondsText = (seconds: number): string => `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`
