/** Bad days that make one kind of trouble common: what a deliberate fault is tried under. A right mesh stands them all. */
import { ladderOf } from '../../protocol/recipe.ts'
import type { FaultPlan, Scenario } from './scenario.ts'
import type { Circumstances } from './world.ts'

const QUIET_MS = 30_000
const BUSY = { chunks: 5, hasAudio: true, hasSubtitles: true, poison: null } as const

type Timed = FaultPlan & { readonly at: number }

/** These faults instead of the drawn ones, on one busy film, with at least three full peers of even speed. */
function busy(drawn: Scenario, faults: readonly Timed[], noise: Partial<Scenario['noise']> = {}): Scenario {
  const peers = drawn.peers.map((peer) => ({ ...peer, bad: 'no' as const, slowness: 1, sees: false }))
  while (peers.length < 3) peers.push({ ...peers[0]!, name: `p${peers.length}` })
  const films = drawn.films.slice(0, 1).map((film) => ({
    ...film,
    film: { ...film.film, ...BUSY },
    renditions: ladderOf([480, 720, 1080]),
    by: 0,
    isShared: false,
  }))
  return {
    ...drawn,
    peers,
    films,
    faults: [...faults].sort((a, b) => a.at - b.at),
    noise: { ...drawn.noise, ...noise },
    faultsEndMs: QUIET_MS,
  }
}

const slow = (day: Scenario): Scenario => ({
  ...day,
  peers: day.peers.slice(0, 3).map((peer) => ({ ...peer, slowness: 20 })),
})

/** Every `stepMs` from `fromMs` on: what `make` says for the n-th time. */
const every = (fromMs: number, stepMs: number, times: number, make: (n: number) => FaultPlan): Timed[] =>
  Array.from({ length: times }, (_, n) => ({ ...make(n), at: fromMs + n * stepMs }))

/** Peers cut off from each other, not from a slow ledger, repeatedly: suspicions of living workers. */
export const manyPartitions: Circumstances = (drawn) =>
  busy(
    drawn,
    every(1_500, 4_500, 6, (n) => ({ what: 'partition', apart: [n % 3], ms: 4_000 })),
    { ledgerMs: 300 },
  )

/** SIGTERM in the middle of encodes. */
export const manyStops: Circumstances = (drawn) =>
  busy(
    drawn,
    every(2_000, 1_300, 5, (n) => ({ what: 'stop', peer: n % 3, backAfterMs: 300 })),
    { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 },
  )

/** Whoever leads is frozen long enough to be deposed, and wakes in the middle of what it was doing. */
export const leadersFreeze: Circumstances = (drawn) =>
  busy(
    drawn,
    every(1_500, 1_700, 14, (n) => ({ what: 'freeze', peer: n % 3, ms: 7_000 })),
    { ledgerMs: 200 },
  )

/**
 * A worker goes silent, and whoever leads is frozen after it read what that worker holds and before it takes that back. The
 * worker is soon heard again and goes on, another leads: only its term distinguishes the old leader's write from a valid one.
 */
export const reclaimsFreeze: Circumstances = (drawn) => {
  const silences = every(8_000, 12_000, 2, () => ({ what: 'freeze', peer: 2, ms: 3_500 }))
  // One of the two leads.
  const freezes = every(10_500, 12_000, 2, (n) => ({ what: 'freeze', peer: n, ms: 7_000 }))
  const noise = { gossipLoss: 0, latencyMs: 0, refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 }
  const day = busy(drawn, [...silences, ...freezes], { ...noise, ledgerMs: 500 })
  const leader = { works: false, coordinates: true, slots: 0 }
  const worker = { works: true, coordinates: false, slots: 2, slowness: 4 }
  return { ...day, peers: day.peers.slice(0, 3).map((peer, at) => ({ ...peer, ...(at < 2 ? leader : worker) })) }
}

/** Claims that arrive long after their worker gave them up: it does not know that it holds them. */
export const lateClaims: Circumstances = (drawn) =>
  busy(drawn, [], { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0.4 })

/** The second of two writes often does not come. */
export const refusals: Circumstances = (drawn) =>
  busy(drawn, [], { refused: 0.15, answerLost: 0, appliedLate: 0, claimsLate: 0 })

/** What was done is asked for again. */
export const lostAnswers: Circumstances = (drawn) =>
  busy(drawn, [], { refused: 0, answerLost: 0.3, appliedLate: 0, claimsLate: 0 })

/**
 * The submitter, who does not lead, plans slowly and is thought gone; the leader plans the same video, and the submitter does
 * not hear of it before it is done.
 */
export const doublePlanning: Circumstances = (drawn) =>
  busy(
    drawn,
    [
      { what: 'stop', peer: 0, backAfterMs: 2_500, at: 450 },
      { what: 'slow', peer: 0, factor: 26, ms: 25_000, at: 500 },
      { what: 'partition', apart: [0], ms: 3_500, at: 5_000 },
      { what: 'line down', peer: 0, ms: 5_000, at: 11_000 },
    ],
    { gossipLoss: 0, latencyMs: 0, refused: 0, answerLost: 0, appliedLate: 0, ledgerMs: 0 },
  )

/** The leader cut the chunks of another peer's film, and comes back with an empty disk; then so does the next one. */
export const lostStores: Circumstances = (drawn) => {
  const day = busy(drawn, [
    { what: 'crash', peer: 1, isWiped: true, backAfterMs: 3_000, at: 14_000 },
    { what: 'crash', peer: 2, isWiped: true, backAfterMs: 3_000, at: 17_000 },
    { what: 'crash', peer: 1, isWiped: true, backAfterMs: 1_000, at: 23_000 },
  ])
  return {
    ...day,
    peers: day.peers
      .slice(0, 3)
      .map((peer, at) => ({ ...peer, works: true, slots: 1, slowness: 3, coordinates: at > 0 })),
  }
}

/** People cancel and change their mind. */
export const changesOfMind: Circumstances = (drawn) =>
  busy(
    drawn,
    every(2_500, 3_000, 3, (n) => ({ what: 'cancel', film: 0, by: n % 3, retryAfterMs: 1_000 })),
    { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 },
  )

/** People cancel, and leave it at that. */
export const cancels: Circumstances = (drawn) =>
  slow(
    busy(drawn, [{ what: 'cancel', film: 0, by: 0, retryAfterMs: null, at: 4_000 }], {
      refused: 0,
      answerLost: 0,
      appliedLate: 0,
      claimsLate: 0,
    }),
  )

/** One machine whose encodes always die, among good ones, and a film long enough to show what becomes of it. */
export const aBadMachine: Circumstances = (drawn) => {
  const day = busy(drawn, [], { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 })
  const [film] = day.films
  return {
    ...day,
    films: [{ ...film!, film: { ...film!.film, chunks: 40 }, renditions: ladderOf([480]) }],
    peers: day.peers.slice(0, 3).map((peer, at) => ({
      ...peer,
      works: true,
      slots: 1,
      slowness: 8,
      bad: at === 2 ? ('encodes' as const) : 'no',
    })),
  }
}

/** One worker never finishes an encode and always says that it soon will; it holds three chunks at a time. */
export const aPeerThatNeverFinishes: Circumstances = (drawn) => {
  return asThird(aBadMachine(drawn), { slots: 3, bad: 'nearly done' })
}

/** One machine is so slow that each of its encodes is overdue, and says so. */
export const aVerySlowMachine: Circumstances = (drawn) => {
  return asThird(aBadMachine(drawn), { slowness: 100, bad: 'no' })
}

/** The third peer only works, and is otherwise so. */
const asThird = (day: Scenario, so: Partial<Scenario['peers'][number]>): Scenario => ({
  ...day,
  peers: day.peers.map((peer, at) => (at === 2 ? { ...peer, works: true, coordinates: false, ...so } : peer)),
})

/** Strangers with the mesh key come in crowds, suspect everybody, and go at once; nothing else goes wrong. */
export const crowdsOfStrangers: Circumstances = (drawn) => {
  const day = busy(
    drawn,
    every(4_000, 9_000, 3, () => ({ what: 'strangers', count: 16, ms: 6_000 })),
    { gossipLoss: 0, refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 },
  )
  return { ...day, peers: day.peers.slice(0, 4).map((peer) => ({ ...peer, slowness: 6 })) }
}

/**
 * One machine whose encodes show other pictures, right in number and time, among good ones that have agreed before, and so has it: only the
 * share of the audits finds it.
 */
export const aLiar: Circumstances = (drawn) => {
  const day = aBadMachine(drawn)
  const [film] = day.films
  return {
    ...day,
    films: [{ ...film!, film: { ...film!.film, chunks: 20 } }],
    peers: day.peers.map((peer, at) => ({ ...peer, slowness: 2, bad: at === 2 ? ('pictures' as const) : 'no' })),
    audit: 0.2,
    areKnown: true,
  }
}

/** The same machine, that nobody knows yet: its first results are all audited. */
export const aNewLiar: Circumstances = (drawn) => ({ ...aLiar(drawn), audit: 0.02, areKnown: false })

/**
 * The one peer that has the source and cut the chunks is gone for long: it shares a machine with the others, so that nobody took a replica. They
 * have encodes left that they cannot have the input of.
 */
export const holdersGone: Circumstances = (drawn) => {
  const day = busy(drawn, [{ what: 'crash', peer: 0, isWiped: false, backAfterMs: 100_000, at: 7_000 }], {
    refused: 0,
    answerLost: 0,
    appliedLate: 0,
    claimsLate: 0,
  })
  const peers = day.peers
    .slice(0, 3)
    .map((peer, at) => ({ ...peer, host: 'one', coordinates: true, works: at > 0, slots: at > 0 ? 1 : 0, slowness: 4 }))
  return { ...day, peers, faultsEndMs: 110_000 }
}

/** Blobs become corrupt everywhere, all the time. */
export const muchRot: Circumstances = (drawn) =>
  busy(
    drawn,
    every(2_500, 700, 36, (n) => ({ what: 'rot', peer: n % 3, blobs: 2 })),
    { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 },
  )

/** The source of the film is replaced at some moment of its ingest, on a day with partitions and a dying leader. */
export const changedSources: Circumstances = (drawn) =>
  busy(
    drawn,
    [
      { what: 'change source', film: 0, afterMs: (drawn.seed * 137) % 1_900, at: 0 },
      { what: 'partition', apart: [2], ms: 4_000, at: 2_500 },
      { what: 'crash', peer: 1, isWiped: false, backAfterMs: 1_000, at: 3_500 },
    ],
    { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 },
  )

/** One machine becomes slow, others take backups, and then those die, are frozen, or the slow one wakes up again. */
export const backupsInTrouble: Circumstances = (drawn) => {
  const day = busy(
    drawn,
    [
      { what: 'slow', peer: 2, factor: 100, ms: 25_000, at: 3_500 },
      { what: 'freeze', peer: 1, ms: 4_000, at: 15_000 },
      { what: 'crash', peer: 0, isWiped: false, backAfterMs: 1_000, at: 17_000 },
      { what: 'freeze', peer: 2, ms: 3_000, at: 22_000 },
      { what: 'crash', peer: 1, isWiped: true, backAfterMs: 2_000, at: 24_000 },
    ],
    { gossipLoss: 0, latencyMs: 0, ledgerMs: 0 },
  )
  return { ...day, peers: day.peers.slice(0, 3).map((peer) => ({ ...peer, works: true, slots: 1 })) }
}

/** Films that no ffmpeg can make, each failing in another step, in front of a good one; two workers. */
export const badFilms: Circumstances = (drawn) => {
  const day = busy(drawn, [], { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 })
  const [good] = day.films
  const poisons = ['audio', 2, 'plan', 'merge', 'audio', 0] as const
  const renditions = ladderOf([480])
  const bad = poisons.map((poison, at) => {
    const film = { ...good!.film, name: `bad-${at}`, chunks: 3, poison }
    return { ...good!, at: 500 + at, film, renditions }
  })
  const last = { ...good!, at: 600, film: { ...good!.film, chunks: 12 }, renditions }
  const peers = day.peers.slice(0, 2).map((peer) => ({ ...peer, works: true, slots: 1 }))
  return { ...day, films: [...bad, last], peers }
}

const QUIET = { refused: 0, answerLost: 0, appliedLate: 0, claimsLate: 0 }

/** One film in a shared folder that the first three peers see; the first submits it, all coordinate, and the second and third encode. */
function sharing(drawn: Scenario, faults: readonly Timed[]): Scenario {
  const day = busy(drawn, faults, QUIET)
  const peers = day.peers
    .slice(0, 3)
    .map((peer, at) => ({ ...peer, sees: true, coordinates: true, works: at > 0, slots: at > 0 ? 1 : 0, slowness: 2 }))
  return { ...day, peers, films: day.films.map((film) => ({ ...film, isShared: true })) }
}

/** The peer that took the film in is gone for good: at the latest when the chunks are cut, of which it alone has them. */
export const submitterGone: Circumstances = (drawn) =>
  sharing(drawn, [
    { what: 'crash', peer: 0, isWiped: true, backAfterMs: null, at: 1_500 + ((drawn.seed * 371) % 9_000) },
  ])

/** The folder is gone from all for long, from some moment of the ingest on, and comes back. */
export const foldersVanish: Circumstances = (drawn) => {
  const at = 700 + ((drawn.seed * 137) % 1_900)
  const day = sharing(
    drawn,
    [0, 1, 2].map((peer) => ({ what: 'unmount', peer, ms: 70_000, at: at + peer * 100 })),
  )
  // Of one machine, so that nobody took a copy.
  return { ...day, peers: day.peers.map((peer) => ({ ...peer, host: 'one' })), faultsEndMs: 80_000 }
}

/**
 * One peer sees other films under the same names, from the beginning or from some moment of the ingest on, and the one that submitted
 * the film loses the right one for long.
 */
export const foldersLie: Circumstances = (drawn) => {
  const differs = drawn.seed % 3 === 0 ? 'size' : 'bytes'
  const at = drawn.seed % 2 === 0 ? 0 : 700 + ((drawn.seed * 137) % 1_900)
  const day = sharing(drawn, [
    { what: 'lie', peer: 1, differs, ms: 78_000, at },
    { what: 'unmount', peer: 0, ms: 70_000, at: 2_000 },
  ])
  const peers = day.peers.map((peer, nth) => ({ ...peer, host: 'one', sees: nth < 2, coordinates: nth !== 2 }))
  return { ...day, peers, faultsEndMs: 80_000 }
}
