/**
 * The story of the demo: from the events of a run and times it makes lines to print, and decides which worker to kill. No I/O; its only state
 * is that of the run so far.
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
  /** How it ended, until it is restarted. */
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
  /** Wall clock of the leader's reclaim, ms; null before its event. */
  reclaimedAt: number | null
  /** The first worker that runs one of its tasks again. */
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
export const renditionOf = ({ task }: Pick<RunningTask, 'task'>): string => task.split('/')[1] ?? ''

/** `chunk 3 (1080p 720p 480p)`. */
export function workText(running: readonly Pick<RunningTask, 'task'>[]): string {
  const [first] = running
  if (!first) return 'nothing'
  const renditions = running.map(renditionOf).sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
  return renditionOf(first) === 'audio' ? 'the sound' : `chunk ${chunkOf(first) + 1} (${renditions.join(' ')})`
}

export const createStory = (startedAt: number): Story => new ToldStory(startedAt)

class ToldStory implements Story {
  readonly #startedAt: number
  readonly #workers = new Map<string, WorkerView>()
  readonly #lines: Line[] = []
  /** Reclaims, and tasks encoded again, that a line was said about. */
  readonly #shown = new Set<string>()
  #video: VideoProgress | null = null
  #kill: Kill | null = null

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  get workers(): ReadonlyMap<string, WorkerView> {
    return this.#workers
  }
  get lines(): readonly Line[] {
    return this.#lines
  }
  get video(): VideoProgress | null {
    return this.#video
  }
  get kill(): Kill | null {
    return this.#kill
  }

  say(text: string, now: number, tone: Tone = 'plain'): void {
    this.#lines.push({ at: (now - this.#startedAt) / 1000, tone, text })
  }

  hear(event: RunEvent, now: number): void {
    if (event.event === 'worker_started') this.#started(event.name, event.pid, now)
    else if (event.event === 'worker_ended') this.#ended(event.name, event.how, now)
    else if (event.event === 'progress') this.#progress(event, now)
    // The last heartbeats may still list tasks that are done.
    else if (event.event === 'delivered')
      for (const worker of this.#workers.values()) Object.assign(worker, { state: 'idle', running: [] })
  }

  victim(): Victim | null {
    return this.#kill ? null : victimAmong([...this.#workers.values()], this.#video)
  }

  killed(who: Victim, now: number): void {
    this.#kill = { ...who, at: now, reclaimedAt: null, again: null }
    const share = Math.round((who.tasks[0]?.done ?? 0) * 100)
    this.say(`kill -9 ${who.pid}: ${who.name} dies ${share} % into ${workText(who.tasks)}`, now, 'bad')
    this.#ended(who.name, 'killed', now)
  }

  #started(name: string, pid: number, now: number): void {
    const before = this.#workers.get(name)
    this.#workers.set(name, { name, pid, peer: before?.peer ?? null, ended: null, state: 'starting', running: [] })
    if (before) this.say(`${name} is started again (process ${pid})`, now, 'good')
  }

  #ended(name: string, how: string, now: number): void {
    const worker = this.#workers.get(name)
    if (!worker) return
    Object.assign(worker, { ended: how, running: [], state: 'gone' })
    if (name !== this.#kill?.name) this.say(`${name} ${how}`, now, 'bad')
  }

  #progress({ workers: rows, videos, events }: Progress, now: number): void {
    this.#video = videos[0] ?? this.#video
    for (const row of rows) {
      const worker = this.#workers.get(row.name)
      if (!worker || worker.ended !== null) continue
      const running = isOfKilledProcess(row, this.#kill) ? [] : row.running
      Object.assign(worker, { peer: row.peer, state: row.state, running })
    }
    for (const event of events) this.#sayReclaim(event)
    if (this.#kill) this.#sayEncodedAgain(this.#kill, now)
  }

  #sayReclaim({ what, peer, at, text }: MeshEvent): void {
    const key = `${at} ${text}`
    if (what !== 'reclaimed' || this.#shown.has(key)) return
    this.#shown.add(key)
    const kill = this.#kill
    if (kill && peer === kill.peer && at >= kill.at && kill.reclaimedAt === null) {
      kill.reclaimedAt = at
      this.say(`the mesh noticed after ${secondsText((at - kill.at) / 1000)}: ${text}`, at, 'good')
    } else this.say(text, at, 'bad')
  }

  #sayEncodedAgain(kill: Kill, now: number): void {
    for (const { name, running } of this.#workers.values()) {
      const again = encodedAgain(running, kill)
      const key = again.map(({ task }) => task).join()
      if (again.length === 0 || this.#shown.has(key)) continue
      this.#shown.add(key)
      kill.again ??= name
      this.say(`${workText(again)} is encoded again by ${name}`, now, 'good')
    }
  }
}

/** The last worker in the midst of an encode, unless the video is about to end. */
function victimAmong(workers: readonly WorkerView[], video: VideoProgress | null): Victim | null {
  if (video?.status !== 'RUNNING' || video.done > MIDST.videoTo) return null
  for (const { name, pid, peer, running } of [...workers].reverse()) {
    const tasks = running.filter(isEncode)
    const [first] = tasks
    if (peer && first && first.done >= MIDST.from && first.done <= MIDST.to) return { name, pid, peer, tasks }
  }
  return null
}

/** Whether the newest heartbeat of a worker is still one of the process that was killed. */
function isOfKilledProcess({ name, running }: Pick<WorkerView, 'name' | 'running'>, kill: Kill | null): boolean {
  if (name !== kill?.name) return false
  return running.some(({ task, attempt }) => kill.tasks.some((lost) => lost.task === task && lost.attempt === attempt))
}

/** The attempts that follow on those of the kill. */
const encodedAgain = (running: readonly RunningTask[], kill: Kill): RunningTask[] =>
  running.filter(({ task, attempt }) => kill.tasks.some((lost) => lost.task === task && lost.attempt < attempt))

export const secondsText = (seconds: number): string => `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`
