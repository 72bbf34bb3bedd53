/**
 * The output of `run`: a bar for each video on a terminal, plain lines elsewhere, one JSON object per line with `--json`. The JSON events are
 * documented in docs/run-json.md and only gain fields.
 */

import { dirname, isAbsolute, relative } from 'node:path'
import { systemClock as clock } from '../node/host/system-clock.ts'
import type { WorkerEvent } from '../node/local-run/run-mesh.ts'
import { deliveredPath } from '../node/videos/delivery.ts'
import type { SubmitAnswer } from '../protocol/api.ts'
import { rowDeadlineText } from '../protocol/deadline-text.ts'
import { sentence } from '../protocol/errors.ts'
import { isEvent } from '../protocol/events.ts'
import { isOfPackage } from '../protocol/package.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import type { Delivery } from '../protocol/video.ts'
import { activityOf, eta, percent, rate } from './activity.ts'
import { workingFolder } from './arguments.ts'
import type { Face, Voice } from './bar-face.ts'
import { bytesText, durationText, printable, say, sayJson } from './output.ts'

/** The output of a run. */
export interface Reporter {
  /** The start waits for something that takes seconds: `text` says for what. */
  starting(text: string): void
  worker(event: WorkerEvent): void
  submitted(file: string, answer: SubmitAnswer): void
  refused(file: string, error: unknown): void
  progress(rows: readonly VideoRow[], snapshot: StatusSnapshot): void
  /** The film can be played from its beginning, at this address. */
  watchable(row: VideoRow, address: string): void
  /** Equal files are one video, delivered under each of their names. */
  delivered(row: VideoRow, deliveries: readonly Delivery[]): void
  failed(row: VideoRow, why: string): void
  /** All is done, and a player still asks for it. */
  watched(): void
  stopping(): void
  /** Ends the bars. */
  settle(): void
  done(how: 'fine' | 'failed' | 'interrupted'): void
}

/** Interval of plain progress lines. */
const LINE_MS = 5_000
const JSON_MS = 1_000

/** The output for a terminal, for lines, or with `json` for programs. `files`: number of videos. */
export async function createReporter(options: { json: boolean; files: number }): Promise<Reporter> {
  if (options.json) return jsonReporter()
  if (!process.stdout.isTTY) return lineReporter()
  const { barFace } = await import('./bar-face.ts')
  const { voice, face } = barFace(process.stdout)
  return humanReporter(voice, face)
}

/** The path as a person would type it in the current folder. */
function shown(path: string): string {
  const near = relative(workingFolder(), path)
  return printable(near.startsWith('..') || isAbsolute(near) ? path : near)
}

const files = (row: VideoRow, delivery: Delivery) =>
  row.outputs.map((output) => ({ ...output, path: deliveredPath(delivery, output) }))

/** One line for each file; for the package one with all of its files. */
function fileLines(row: VideoRow, delivery: Delivery): string[] {
  const [inPackage, others] = [row.outputs.filter(isOfPackage), row.outputs.filter((each) => !isOfPackage(each))]
  const lines = others.map((output) => `${shown(deliveredPath(delivery, output))}  ${bytesText(output.bytes)}`)
  if (inPackage.length === 0) return lines
  const folder = shown(dirname(deliveredPath(delivery, inPackage[0]!)))
  const bytes = inPackage.reduce((sum, output) => sum + output.bytes, 0)
  const folders = inPackage.filter(({ is_folder }) => is_folder).length
  const segments = folders > 0 ? ` and ${folders} ${folders === 1 ? 'folder' : 'folders'} of segments` : ''
  return [...lines, `${folder}/  ${bytesText(bytes)}  ${inPackage.length - folders} files${segments}`]
}

/** The lines of both outputs for people. */
function humanReporter({ line, problem }: Voice, face: Face): Reporter {
  const startedAt = clock.mono()
  const printed = {
    seconds: 0,
    eventsUntil: Number.POSITIVE_INFINITY,
    waiting: new Map<VideoRow['id'], string>(),
  }
  let awaySince: number | null = null
  /** The outage of a ledger once, and its end. */
  const reportLedger = ({ since, text }: StatusSnapshot['ledger'], at: number) => {
    if (text !== null && awaySince === null) line(printable(text))
    if (text === null && awaySince !== null)
      line(`the ledger answers again after ${durationText((at - awaySince) / 1000)}`)
    awaySince = text === null ? null : (awaySince ?? since)
  }
  /** Each failure, and each reason of a stillness, once: not at each change of the seconds in it. */
  const reportWaiting = ({ id, name, waiting, still }: VideoRow) => {
    const failure = waiting && `${waiting.task} ${waiting.attempts}`
    const stillness = still && still.code !== 'retry' && `${still.code} ${still.peers.join(' ')}`
    const [what, text] = stillness ? [stillness, still.text] : [failure, waiting?.text]
    if (!what || !text || printed.waiting.get(id) === what) return
    printed.waiting.set(id, what)
    line(printable(`${name}: ${text}`))
  }
  const reportDeadline = deadlineLines(line)
  return {
    ...plainLines(line),
    worker: ({ what, name, pid, how }) => {
      if (what === 'ended')
        line(`${name} (process ${pid}) ended: ${how}; its chunks are encoded by the others, and it is restarted`)
    },
    submitted(file, { id, outcome, status }) {
      const again = outcome === 'joined' && status !== 'COMPLETED' ? ' (resumed)' : ''
      line(`${printable(file)}: video ${id}${again}`)
    },
    refused: (_file, error) => problem(`reelmesh: ${printable(sentence(error))}`),
    progress(rows, snapshot) {
      reportLedger(snapshot.ledger, snapshot.at)
      for (const event of snapshot.events) {
        if (!isEvent(event, 'reclaimed') || event.at <= printed.eventsUntil) continue
        line(printable(event.text))
      }
      printed.eventsUntil = Math.max(
        snapshot.events.at(-1)?.at ?? 0,
        printed.eventsUntil === Number.POSITIVE_INFINITY ? 0 : printed.eventsUntil,
      )
      for (const row of rows) {
        reportWaiting(row)
        reportDeadline(row, snapshot.at)
      }
      face.progress(rows, snapshot)
    },
    delivered(row, deliveries) {
      printed.seconds += row.seconds
      for (const text of deliveries.flatMap((delivery) => fileLines(row, delivery))) line(`  ${text}`)
      for (const note of row.notes) line(`  note: ${printable(note)}`)
    },
    failed: (_row, why) => problem(`reelmesh: ${printable(why)}`),
    settle: face.settle,
    done(how) {
      const took = (clock.mono() - startedAt) / 1000
      if (how === 'interrupted') line('stopped; run the same command again to resume')
      else if (printed.seconds > 0)
        line(
          `${durationText(printed.seconds)} of video in ${durationText(took)} (${(printed.seconds / took).toFixed(2)}x real time)`,
        )
    },
  }
}

/** Events of which nothing is remembered. */
const plainLines = (
  line: (text: string) => void,
): Pick<Reporter, 'starting' | 'stopping' | 'watchable' | 'watched'> => ({
  starting: (text) => line(`starting: ${text}`),
  stopping: () => line('stopping: releasing claims (interrupt again to exit at once)'),
  watchable: ({ name }, address) => line(`${printable(name)}: watch it at ${address}`),
  watched: () => line('it is being watched: this goes on until no player has asked for 30 s (interrupt to end it)'),
})

/** Prints what is said of a deadline: first, and each time that it comes into danger or is safe again. */
function deadlineLines(line: (text: string) => void): (row: VideoRow, at: number) => void {
  const said = new Map<VideoRow['id'], boolean>()
  return (row, at) => {
    const text = rowDeadlineText(row, at)
    const spare = row.forecast?.spare_s
    if (text === null || spare == null || said.get(row.id) === spare >= 0) return
    said.set(row.id, spare >= 0)
    line(printable(`${row.name}: ${text}`))
  }
}

function lineReporter(): Reporter {
  let last = Number.NEGATIVE_INFINITY
  const before = new Map<string, string>()
  return humanReporter(
    { line: say, problem: (text) => void process.stderr.write(`${text}\n`) },
    {
      progress(rows, snapshot) {
        const due = clock.mono() - last >= LINE_MS
        for (const row of rows) {
          const activity = activityOf(row, snapshot)
          const changed = before.get(row.id) !== row.status
          if (!changed && !(due && row.status === 'RUNNING')) continue
          before.set(row.id, row.status)
          say([printable(row.name), activity, percent(row), rate(row), eta(row)].filter(Boolean).join('  '))
          last = clock.mono()
        }
      },
      settle: () => {},
    },
  )
}

function jsonReporter(): Reporter {
  let last = Number.NEGATIVE_INFINITY
  const startedAt = clock.mono()
  return {
    starting: (text) => sayJson({ event: 'starting', text }),
    worker: ({ what, ...event }) => sayJson({ event: `worker_${what}`, ...event }),
    submitted: (file, { id, name, outcome }) => sayJson({ event: 'submitted', file, video: id, name, outcome }),
    refused: (file, error) => sayJson({ event: 'refused', file, message: sentence(error) }),
    progress(rows, { peers, events, leader, ledger }) {
      if (clock.mono() - last < JSON_MS) return
      last = clock.mono()
      const workers = peers.map(({ name, peer, state, busy, running }) => ({ name, peer, state, busy, running }))
      sayJson({
        event: 'progress',
        leader,
        ledger,
        workers,
        events,
        videos: rows.map(({ id, status, done, fps, speed, eta_s, deadline, forecast, tasks, waiting, still }) => ({
          video: id,
          status,
          done,
          fps,
          speed,
          eta_s,
          deadline,
          forecast,
          tasks,
          waiting,
          still,
        })),
      })
    },
    watchable: (row, url) => sayJson({ event: 'watchable', video: row.id, name: row.name, url }),
    watched: () => sayJson({ event: 'watched' }),
    delivered(row, deliveries) {
      const { id: video, name, seconds, frames, notes } = row
      const placed = deliveries.flatMap((delivery) => files(row, delivery))
      sayJson({ event: 'delivered', video, name, seconds, frames, files: placed, notes })
    },
    failed: (row, why) => sayJson({ event: 'failed', video: row.id, name: row.name, message: why }),
    stopping: () => sayJson({ event: 'stopping' }),
    settle: () => {},
    done: (how) => sayJson({ event: 'done', how, seconds: (clock.mono() - startedAt) / 1000 }),
  }
}
