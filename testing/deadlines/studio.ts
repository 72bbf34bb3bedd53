/** Days of a studio for `deadline-day.ts`: who submits what and when, and which peers die. Seeded. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Arrival, Day, DayPeer } from './deadline-day.ts'

const DAY_S = 24 * 3600
/** Slots and speeds of five machines that nobody would buy together. */
const PEERS = [
  { name: 'desktop', slots: 4, speed: 1 },
  { name: 'nas', slots: 2, speed: 0.4 },
  { name: 'laptop', slots: 2, speed: 0.8 },
  { name: 'tower', slots: 3, speed: 0.9 },
  { name: 'old', slots: 1, speed: 0.25 },
] as const
/** Submitters, and the share of the videos that each submits. */
const SUBMITTERS = ['camera', 'camera', 'camera', 'editor', 'editor', 'archive'] as const
/** Source seconds of a chunk, and units of work of a source second in all renditions. */
const [CHUNK_S, UNITS] = [30, 2.2]

/** What a day is like. */
export interface DayKind {
  readonly videos: number
  /** Mean length of a source, s. */
  readonly mean_s: number
}

/** The day of the tests and of docs/deadlines: all peers together are busy for three of five hours, and overloaded at noon. */
export const STUDIO: DayKind = { videos: 500, mean_s: 450 }

/** A day with this many videos, most of them between nine and six, three of five with a deadline; peers die a few times. */
export function studioDay({ videos, mean_s }: DayKind, random: () => number): Day {
  const arrivals = Array.from({ length: videos }, (_, n) => arrival(n, mean_s, random)).sort((a, b) => a.at - b.at)
  return { peers: PEERS.map((peer) => ({ ...peer, absent: absences(random) })), arrivals, noise: 0.2, random }
}

const id = (n: number): VideoId => n.toString(16).padStart(16, '0') as VideoId
const pick = <T>(of: readonly T[], random: () => number): T => of[Math.floor(random() * of.length)]!

function arrival(n: number, mean_s: number, random: () => number): Arrival {
  const isBusy = random() < 0.7
  const at = Math.floor(isBusy ? (9 + 9 * random()) * 3600 : random() * DAY_S)
  // Many short ones, a few of an hour.
  const seconds = Math.max(5, Math.round(-mean_s * Math.log(1 - random())))
  const chunks = Math.ceil(seconds / CHUNK_S)
  const units = (seconds / chunks) * UNITS
  return {
    id: id(n),
    at,
    submitter: pick(SUBMITTERS, random),
    deadline: deadlineOf(at, chunks * units, random),
    seconds,
    chunks,
    units,
  }
}

const SPEED = PEERS.reduce((sum, { slots, speed }) => sum + slots * speed, 0)

/** One in twenty is impossible; the others leave 1.5 to 30 times what the video needs alone, and at least two minutes. */
function deadlineOf(at: number, units: number, random: () => number): number | null {
  const kind = random()
  if (kind < 0.4) return null
  const alone_s = units / SPEED
  if (kind < 0.43) return Math.round(at + alone_s * random())
  return Math.round(at + Math.max(120, alone_s) * (1.5 + 28.5 * random() ** 2))
}

function absences(random: () => number): DayPeer['absent'] {
  const times: [number, number][] = []
  let at = 0
  for (;;) {
    at += 3600 * (1 + 8 * random())
    const back = at + 60 + 1_800 * random()
    if (back > DAY_S) return times
    times.push([Math.round(at), Math.round(back)])
    at = back
  }
}
