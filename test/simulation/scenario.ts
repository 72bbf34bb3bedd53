/**
 * What a seed means: peers, films, and a timetable of faults, as plain data. A correct mesh finishes every film of every scenario, but for
 * those that no ffmpeg can make, and fails these: crashes stay under the number that fails a task, only one build is bad, sources do not become
 * corrupt, and whoever holds one comes back with it.
 */

import { STRIKES_PEER_DIED } from '../../protocol/limits.ts'
import { DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import type { Film } from '../../testing/simulation/film.ts'
import type { Badness } from '../../testing/simulation/media-stand-in.ts'
import { createSeeded, type Seeded } from '../../testing/simulation/seeded.ts'

export interface PeerPlan {
  readonly name: string
  readonly works: boolean
  readonly coordinates: boolean
  readonly slots: number
  readonly slowness: number
  /** The machine that it shares with others; default: one of its own. */
  readonly host?: string
  /** Whether it sees the shared folder. */
  readonly sees?: boolean
  /** What its ffmpeg cannot do, ever. */
  readonly bad: Badness
}

export interface FilmPlan {
  readonly film: Film
  readonly renditions: readonly Rendition[]
  readonly at: number
  /** Index of the peer that submits it, holds its source and wants the files. */
  readonly by: number
  readonly priority: number
  /** Whether its source lies in the shared folder, and the files are wanted there: `by`, which sees it, is then one of several. */
  readonly isShared?: boolean
}

export type FaultPlan =
  | { readonly what: 'crash'; readonly peer: number; readonly isWiped: boolean; readonly backAfterMs: number | null }
  | { readonly what: 'stop'; readonly peer: number; readonly backAfterMs: number }
  | { readonly what: 'freeze'; readonly peer: number; readonly ms: number }
  | { readonly what: 'partition'; readonly apart: readonly number[]; readonly ms: number }
  | { readonly what: 'ledger down'; readonly ms: number }
  | { readonly what: 'line down'; readonly peer: number; readonly ms: number }
  | { readonly what: 'slow'; readonly peer: number; readonly factor: number; readonly ms: number }
  | { readonly what: 'disk full'; readonly peer: number; readonly ms: number }
  /** A blob in its store is no longer what its name says. */
  | { readonly what: 'rot'; readonly peer: number; readonly blobs: number }
  /** Its owner replaces the source, so long after its submit. */
  | { readonly what: 'change source'; readonly film: number; readonly afterMs: number }
  /** The shared folder is not mounted on it. */
  | { readonly what: 'unmount'; readonly peer: number; readonly ms: number }
  /** Other films lie there under the same names, as it sees it. */
  | { readonly what: 'lie'; readonly peer: number; readonly differs: 'bytes' | 'size'; readonly ms: number }
  /** So many that hold the mesh key and are no members. */
  | { readonly what: 'strangers'; readonly count: number; readonly ms: number }
  | { readonly what: 'clock jump'; readonly ms: number }
  | { readonly what: 'pause'; readonly peer: number; readonly ms: number }
  | { readonly what: 'cancel'; readonly film: number; readonly by: number; readonly retryAfterMs: number | null }
  | { readonly what: 'priority'; readonly film: number; readonly by: number; readonly priority: number }
  | { readonly what: 'submit again'; readonly film: number; readonly by: number }

/** All the time until `faultsEndMs`. Shares 0–1. */
export interface Noise {
  readonly gossipLoss: number
  readonly gossipTwice: number
  readonly latencyMs: number
  readonly refused: number
  readonly answerLost: number
  readonly appliedLate: number
  readonly claimsLate: number
  readonly ledgerMs: number
}

export interface Scenario {
  readonly seed: number
  readonly peers: readonly PeerPlan[]
  readonly films: readonly FilmPlan[]
  readonly faults: readonly (FaultPlan & { readonly at: number })[]
  readonly noise: Noise
  readonly faultsEndMs: number
  /** Share of results that leaders audit, 0–1. */
  readonly audit: number
  /** Whether enough audits of every peer have agreed before, so that none is new. */
  readonly areKnown: boolean
}

export function scenarioOf(seed: number, { peersMax }: { peersMax: number }): Scenario {
  const rng = createSeeded(`scenario ${seed}`)
  const peers = makePeers(rng.fork('peers'), rng.whole(2, Math.max(2, peersMax)))
  const films = makeFilms(rng.fork('films'), peers)
  const faultsEndMs = rng.whole(10_000, 40_000)
  const faults = makeFaults({ rng: rng.fork('faults'), peers, films, faultsEndMs })
  const noise = makeNoise(rng.fork('noise'))
  const drawn = { peers, films, faults }
  return {
    seed,
    ...withSharedFolder(drawn, rng.fork('shared'), faultsEndMs),
    noise,
    faultsEndMs,
    audit: seed % 2 === 0 ? 0.3 : 0,
    areKnown: false,
  }
}

function makePeers(rng: Seeded, count: number): PeerPlan[] {
  const bad = rng.chance(0.15) ? rng.whole(1, count - 1) : null
  return Array.from({ length: count }, (_, at) => {
    // The first two do everything, so that there is always another good worker and another coordinator.
    const role = at < 2 ? 'both' : rng.pick(['both', 'both', 'worker', 'coordinator'] as const)
    return {
      name: `p${at}`,
      works: role !== 'coordinator',
      coordinates: role !== 'worker',
      slots: role === 'coordinator' ? 0 : rng.whole(1, 2),
      slowness: rng.chance(0.2) ? rng.between(2, 5) : 1,
      bad: at === bad ? rng.pick(['encodes', '720p', 'audio', 'merges', 'everything'] as const) : 'no',
    }
  })
}

function makeFilms(rng: Seeded, peers: readonly PeerPlan[]): FilmPlan[] {
  return Array.from({ length: rng.whole(1, 3) }, (_, at) => {
    const chunks = rng.whole(1, 5)
    const hasAudio = rng.chance(0.7)
    const renditions = DEFAULT_RECIPE.renditions.filter(() => rng.chance(0.6))
    return {
      film: {
        name: `film-${at}`,
        chunks,
        hasAudio,
        hasSubtitles: rng.chance(0.3),
        poison: rng.chance(0.15) ? rng.pick([rng.whole(0, chunks - 1), 'plan', 'merge', hasAudio ? 'audio' : 0]) : null,
      },
      renditions: renditions.length > 0 ? renditions : ladderOf([480]),
      at: at === 0 ? 500 : rng.whole(500, 12_000),
      by: rng.whole(0, peers.length - 1),
      priority: rng.whole(-1, 1),
    }
  })
}

const NOISES: readonly (keyof Noise)[] = [
  'gossipLoss',
  'gossipTwice',
  'latencyMs',
  'refused',
  'answerLost',
  'appliedLate',
  'claimsLate',
  'ledgerMs',
]

/** A third of the seeds is quiet, so that faults are also met alone. */
function makeNoise(rng: Seeded): Noise {
  const most: Noise = {
    gossipLoss: 0.9,
    gossipTwice: 0.5,
    latencyMs: 1_500,
    refused: 0.05,
    answerLost: 0.05,
    appliedLate: 0.02,
    claimsLate: 0.05,
    ledgerMs: 120,
  }
  const isQuiet = rng.chance(0.33)
  const drawn = NOISES.map((name) => [name, !isQuiet && rng.chance(0.4) ? most[name] * rng.random() : 0])
  return Object.fromEntries(drawn) as unknown as Noise
}

type Drawn = Pick<Scenario, 'peers' | 'films' | 'faults'>

/** In a third of the seeds some peers see a shared folder with some of the films; it lies to some from the beginning, and vanishes and comes back. */
function withSharedFolder({ peers, films, faults }: Drawn, rng: Seeded, endMs: number): Drawn {
  if (!rng.chance(0.33)) return { peers, films, faults }
  const seen = peers.map((peer) => ({ ...peer, sees: rng.chance(0.7) }))
  const held = films.map((film) => ({ ...film, isShared: seen[film.by]?.sees === true && rng.chance(0.7) }))
  const more = seen.flatMap(({ sees }, peer): Timed[] => {
    if (!sees) return []
    const isSubmitter = held.some((film) => film.by === peer)
    const lie = {
      what: 'lie',
      peer,
      differs: rng.pick(['bytes', 'size'] as const),
      ms: rng.whole(5_000, endMs),
      at: 0,
    } as const
    if (!isSubmitter && rng.chance(0.3)) return [lie]
    return rng.chance(0.5) ? [{ what: 'unmount', peer, ms: rng.whole(500, 20_000), at: rng.whole(600, endMs) }] : []
  })
  return { peers: seen, films: held, faults: [...more, ...faults].sort((a, b) => a.at - b.at) }
}

type Timed = Scenario['faults'][number]

interface FaultOptions {
  readonly rng: Seeded
  readonly peers: readonly PeerPlan[]
  readonly films: readonly FilmPlan[]
  readonly faultsEndMs: number
}

function makeFaults({ rng, peers, films, faultsEndMs }: FaultOptions): Scenario['faults'] {
  const count = rng.whole(0, 8)
  const isSource = (peer: number) => films.some((film) => film.by === peer)
  let deaths = 0
  const faults = Array.from({ length: count }, () => {
    const fault = makeFault(rng, { peers, films, isSource })
    const dies = fault.what === 'crash' || fault.what === 'stop' ? peers[fault.peer] : undefined
    if (dies && ++deaths >= STRIKES_PEER_DIED) return { what: 'ledger down', ms: 1_000, at: 1_000 } as const
    return { ...fault, at: rng.whole(600, faultsEndMs) }
  })
  return faults.sort((a, b) => a.at - b.at)
}

function makeFault(
  rng: Seeded,
  {
    peers,
    films,
    isSource,
  }: { peers: readonly PeerPlan[]; films: readonly FilmPlan[]; isSource(peer: number): boolean },
): FaultPlan {
  const peer = rng.whole(0, peers.length - 1)
  const by = rng.whole(0, peers.length - 1)
  const film = rng.whole(0, films.length - 1)
  const ms = rng.whole(200, 20_000)
  const kinds = ['crash', 'crash', 'crash', 'stop', 'freeze', 'freeze', 'partition', 'partition', 'ledger down', 'line down', 'slow',
    'disk full', 'rot', 'rot', 'clock jump', 'pause', 'cancel', 'priority', 'submit again'] as const // biome-ignore format: a list of words
  const what = rng.pick(kinds)
  switch (what) {
    case 'crash': {
      const isLostForGood = peer > 1 && !isSource(peer) && rng.chance(0.3)
      return {
        what,
        peer,
        isWiped: !isSource(peer) && rng.chance(0.5),
        backAfterMs: isLostForGood ? null : rng.whole(50, 15_000),
      }
    }
    case 'stop':
      return { what, peer, backAfterMs: rng.whole(50, 10_000) }
    case 'partition':
      return { what, apart: peers.map((_, at) => at).filter(() => rng.chance(0.4)), ms }
    case 'slow':
      return { what, peer, factor: rng.between(3, 20), ms }
    case 'rot':
      return { what, peer, blobs: rng.whole(1, 4) }
    case 'clock jump':
      return { what, ms: rng.whole(-20_000, 60_000) }
    case 'cancel':
      return { what, film, by, retryAfterMs: rng.chance(0.5) ? rng.whole(0, 8_000) : null }
    case 'priority':
      return { what, film, by, priority: rng.whole(-5, 5) }
    case 'submit again':
      return { what, film, by: films[film]!.by }
    case 'ledger down':
      return { what, ms }
    default:
      return { what, peer, ms }
  }
}
