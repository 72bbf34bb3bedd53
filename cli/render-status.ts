/** A status snapshot as text, for 80 columns and more (lines are cut below); colours only when wanted. Pure. */

import { styleText } from 'node:util'
import { countedParts } from '../node/status/parts.ts'
import { rowDeadlineText } from '../protocol/deadline-text.ts'
import { eventLevel } from '../protocol/events.ts'
import { encodeText } from '../protocol/settings-text.ts'
import type { EngineStatus, PeerStatus, StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { isAwaitingDelivery, isOpen } from '../protocol/video.ts'
import { fit, widthOf, wrap } from './columns.ts'
import { durationText, printable } from './output.ts'

/** The size of the terminal, in columns and lines, and its style. */
export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
}

/** Longest message that says what to do, lines. */
const LINES_MAX = 3
/** The same of the head: it stands alone there. */
const HEAD_LINES_MAX = 5
/** Number of queued videos that are listed, so that a long queue does not hide running ones. */
const QUEUED_SHOWN = 8

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

/** The text of a snapshot. */
export function renderStatus(snapshot: StatusSnapshot, screen: Screen): string {
  const paint = (style: Style, text: string) =>
    screen.color ? styleText(style, text, { validateStream: false }) : text
  const head = header(snapshot, screen, paint)
  const peers = [paint('bold', 'PEERS'), ...snapshot.peers.flatMap((peer) => peerLines(peer, snapshot, screen, paint))]
  peers.push(...encoderLines(snapshot.peers, screen).map((line) => paint('dim', line)))
  const engines = snapshot.engines.filter((each) => each.wanted > 0 || each.peers.length > 0)
  if (engines.length > 0) peers.push('', paint('bold', 'ENGINES'))
  peers.push(...engines.map((each) => engineLine(each, screen)))
  const problems = (snapshot.problems ?? []).flatMap(({ text }) => alarmLines(text, screen, paint, 2))
  if (problems.length > 0) peers.push('', paint('bold', 'PROBLEMS'), ...problems)
  const open = snapshot.videos.filter((row) => isOpen(row.status))
  const [awaiting, ended] = [snapshot.videos.filter(isAwaitingDelivery), snapshot.videos.filter(isOver).slice(-5)]
  const hidden = new Set(open.filter((row) => row.status === 'QUEUED').slice(QUEUED_SHOWN))
  const shown = [...ended, ...awaiting, ...open.filter((row) => !hidden.has(row))]
  const videos = [
    paint('bold', 'VIDEOS'),
    ...shown.flatMap((row) => videoLines({ row, at: snapshot.at }, screen, paint)),
  ]
  const { working, queued } = snapshot.unlisted ?? { working: 0, queued: 0 }
  if (working > 0) videos.push(paint('dim', `  and ${working} more that are worked on`))
  if (hidden.size + queued > 0) videos.push(paint('dim', `  and ${hidden.size + queued} more queued`))
  if (snapshot.videos.length === 0) videos.push('  none yet')
  const before = [...head, '', ...peers, '', ...videos]
  const room = Number.isFinite(screen.rows) ? Math.max(0, screen.rows - before.length - 2) : 8
  const events = snapshot.events.slice(-room).map((event) => eventLine(event, screen, paint))
  const lines = events.length > 0 && room > 0 ? [...before, '', paint('bold', 'EVENTS'), ...events] : before
  return lines
    .slice(0, screen.rows)
    .map((line) => (widthOf(line) > screen.columns ? fit(line, screen.columns) : line))
    .join('\n')
}

/** Those that await their delivery are listed with the running ones. */
const isOver = (row: VideoRow): boolean => !isOpen(row.status) && !isAwaitingDelivery(row)

type Paint = (style: Style, text: string) => string

function header(snapshot: StatusSnapshot, { columns }: Screen, paint: Paint): string[] {
  const { leader, ledger } = snapshot
  const led = leader
    ? `led by ${printable(leader.name || leader.peer.slice(-8))} (term ${leader.term})`
    : 'no leader now'
  const peers = `${snapshot.peers.length} peer${snapshot.peers.length === 1 ? '' : 's'}`
  const title = fit(` ${snapshot.version}  ${peers}, ${led}`, columns - 'reelmesh'.length).trimEnd()
  const state = ledger.away
    ? wrap(`ledger unavailable: ${printable(ledger.text ?? ledger.away)}`, columns, HEAD_LINES_MAX)
    : [fit(`ledger ${printable(ledger.description)}`, columns).trimEnd()]
  return [`${paint('bold', 'reelmesh')}${title}`, ...state.map((line) => paint(ledger.away ? 'red' : 'dim', line))]
}

/** The lines of a peer, with the reason of a pause, drain or quarantine. */
function peerLines(peer: PeerStatus, snapshot: StatusSnapshot, screen: Screen, paint: Paint): string[] {
  const line = peerLine(peer, snapshot, screen, paint)
  if (peer.state !== 'quarantined' || !peer.reason) return [line]
  return [line, paint('red', `    ${fit(printable(peer.reason), screen.columns - 4).trimEnd()}`)]
}

function peerLine(peer: PeerStatus, snapshot: StatusSnapshot, screen: Screen, paint: Paint): string {
  const name = fit(printable(peer.name) || peer.peer.slice(-8), 16)
  const named = ['worker', 'coordinator'].find((each) => peer.roles.includes(each))
  const role =
    snapshot.leader?.peer === peer.peer ? 'leader' : named === 'coordinator' ? 'coord.' : (named ?? 'launch.')
  const state = peer.state_text
  const encodes = peer.renditions === 'all' ? 'all' : peer.renditions.map((id) => id.replace(/p$/, '')).join('/')
  const renditions = peer.slots === 0 ? '-' : encodes
  const speed = peer.speed > 0 ? `${peer.speed.toFixed(2)}x` : ''
  const fixed = `  ${name} ${fit(role, 6)} ${paint(colorOf(state), fit(state, 11))} ${fit(renditions, 13)} ${fit(`${peer.busy}/${peer.slots}`, 5)} ${fit(speed, 6)}`
  const tail = ` ${peer.version} ffmpeg ${printable(peer.ffmpeg)}`
  return `${fixed}${paint('dim', fit(tail, Math.max(0, screen.columns - 66)))}`.trimEnd()
}

/** Most encoders that are listed, those that most peers have. */
const ENCODERS_SHOWN = 8

/** Who of the workers has which encoders: one line where all have the same. */
function encoderLines(peers: readonly PeerStatus[], { columns }: Screen): string[] {
  // A peer of an older version does not say it.
  const workers = peers.filter(({ slots, encoders }) => slots > 0 && encoders?.length > 0)
  const names = new Map<string, string[]>()
  for (const { name, peer, encoders } of workers)
    for (const word of encoders) names.set(word, [...(names.get(word) ?? []), printable(name) || peer.slice(-8)])
  const everyone = [...names].filter(([, who]) => who.length === workers.length).map(([word]) => word)
  const others = [...names].filter(([, who]) => who.length < workers.length).sort(([, a], [, b]) => b.length - a.length)
  const lines = [
    ...(everyone.length > 0 ? [`all encode with ${everyone.sort().join(', ')}`] : []),
    ...others.slice(0, ENCODERS_SHOWN).map(([word, who]) => `${word}: ${who.join(', ')}`),
  ]
  return lines.flatMap((line) => wrap(line, columns - 2, LINES_MAX).map((part) => `  ${part}`))
}

const colorOf = (state: string): Style =>
  state === 'working'
    ? 'green'
    : state === 'idle'
      ? 'cyan'
      : /silent|away|full|self-test|quarantined/.test(state)
        ? 'red'
        : 'yellow'

function engineLine({ engine, text }: EngineStatus, { columns }: Screen): string {
  return fit(`  ${fit(printable(engine), 24).trimEnd()}  ${printable(text)}`, columns).trimEnd()
}

function videoLines({ row, at }: { row: VideoRow; at: number }, screen: Screen, paint: Paint): string[] {
  const status = paint(
    row.status === 'FAILED' ? 'red' : row.status === 'COMPLETED' ? 'green' : 'cyan',
    row.status.padEnd(9),
  )
  const facts = [
    `${Math.floor(row.done * 100)}%`.padStart(4),
    row.fps === null ? '' : `${row.fps.toFixed(0)} fps`,
    row.speed === null ? '' : `${row.speed.toFixed(2)}x`,
    row.eta_s === null ? '' : `ETA ${durationText(row.eta_s)}`,
  ]
    .filter(Boolean)
    .join('  ')
  // The name gets the columns that id and status (32) and the facts leave; the last facts are dropped for a name of 8.
  const room = screen.columns - 32
  const name = fit(printable(row.name), Math.max(8, Math.min(30, room - facts.length)))
  const lines = [`  ${paint('dim', row.id)}  ${name}  ${status} ${fit(facts, room - widthOf(name))}`.trimEnd()]
  const alarm = (text: string) => lines.push(...alarmLines(text, screen, paint, 4))
  const deadline = rowDeadlineText(row, at)
  if (deadline !== null && (row.forecast?.spare_s ?? 0) < 0) alarm(deadline)
  else if (deadline !== null) lines.push(paint('dim', `    ${fit(printable(deadline), screen.columns - 4).trimEnd()}`))
  if (row.failure) alarm(row.failure)
  if (row.still) alarm(row.still.text)
  else if (row.waiting) alarm(row.waiting.text)
  if (row.status === 'RUNNING') lines.push(...renditionBars(row, screen, paint))
  const audits = auditsText(row.audits)
  const notes = row.notes.filter((note) => note !== row.problem)
  for (const note of [
    ...(audits ? [audits] : []),
    ...(row.held.text ? [row.held.text] : []),
    ...(isOver(row) && row.status === 'COMPLETED' ? [] : notes),
  ])
    lines.push(paint('dim', `    ${fit(printable(note), screen.columns - 4).trimEnd()}`))
  if (isAwaitingDelivery(row))
    for (const problem of [...row.deliveries.map(({ text }) => text), row.problem]) if (problem) alarm(problem)
  return lines
}

/** A sentence that asks for something to be done, indented. */
const alarmLines = (text: string, { columns }: Screen, paint: Paint, indent: number): string[] =>
  wrap(printable(text), columns - indent, LINES_MAX).map((line) => `${' '.repeat(indent)}${paint('red', line)}`)

/** How far the audits are and what they found; null without any. */
function auditsText({ open, done, differed, unsettled, skipped }: VideoRow['audits']): string | null {
  const found = Object.entries({ differed, unsettled, skipped }).filter(([, count]) => count > 0)
  if (open + done + found.length === 0) return null
  return [`audits: ${done} of ${open + done} done`, ...found.map(([what, count]) => `${count} ${what}`)].join(', ')
}

/** Columns of the counts of most videos, so that what follows them stands in one column. */
const COUNTS_COLUMNS = 22

/** One bar for each rendition: done, running, waiting; and how it is encoded. */
function renditionBars(row: VideoRow, screen: Screen, paint: Paint): string[] {
  const parts = countedParts(row.tasks)
  const label = Math.min(16, Math.max(5, ...parts.map((part) => part.length)))
  // A node of an older version does not say them.
  const settings = new Map((row.renditions ?? []).map((each) => [each.id as string, encodeText(each)]))
  const tail = Math.max(0, ...[...settings.values()].map((text) => text.length + 2))
  const width = Math.max(10, Math.min(40, screen.columns - 35 - label - tail))
  return parts.flatMap((of) => {
    const count = (status: string) =>
      row.tasks
        .filter((each) => each.resolution === of && each.status === status)
        .reduce((sum, each) => sum + each.count, 0)
    const [done, running, waiting, failed] = [
      count('COMPLETED'),
      count('PROCESSING'),
      count('PENDING'),
      count('FAILED'),
    ]
    const all = done + running + waiting + failed
    if (all === 0) return []
    const full = Math.round((done / all) * width)
    const part = Math.min(width - full, Math.round((running / all) * width))
    const bar = `${paint('green', '█'.repeat(full))}${paint('yellow', '▒'.repeat(part))}${'░'.repeat(width - full - part)}`
    const counts = `${done}/${all} chunks${running > 0 ? `, ${running} running` : ''}${failed > 0 ? `, ${failed} failed` : ''}`
    const said = settings.has(of) ? `${counts.padEnd(COUNTS_COLUMNS)}  ${settings.get(of)}` : counts
    return [`    ${fit(of, label)} ${bar} ${fit(said, screen.columns - width - label - 6).trimEnd()}`]
  })
}

function eventLine(event: StatusSnapshot['events'][number], screen: Screen, paint: Paint): string {
  const time = new Date(event.at).toTimeString().slice(0, 8)
  const style: Style = eventLevel(event) === 'info' ? 'dim' : 'yellow'
  return `  ${paint('dim', time)} ${paint(style, fit(printable(`${event.what}: ${event.text}`), screen.columns - 11).trimEnd())}`
}
