/**
 * Small jobs and starts: what Reelmesh costs beside plain ffmpeg where jobs are so small that what is fixed weighs most. In turn, A B A B, so that
 * whatever else the machine does falls on both; read the ratios, and on a busy machine those of the CPU.
 */
import { mean, type Row, row } from '../table.ts'
import { type BusyShare, watchBusyShare } from './busy-share.ts'
import { Contest, type Side, type Work } from './contest.ts'

export interface SmallOptions {
  readonly quick: boolean
  readonly media: readonly string[]
  readonly sources: boolean
}

const HD = { width: 1920, height: 1080 }
const PHONE = { width: 1280, height: 720 }
const TINY = { width: 320, height: 180 }
const TWO = { heights: [480, 720], preset: 'veryfast' }
/** Files whose pictures are counted, and clips whose processes are. */
const COMPARED = 20
const COUNTED = 5

type Pair = readonly [plain: Side, ours: Side]

/** One 5 s clip, from the second start on. */
export const benchClip = (options: SmallOptions): Promise<Row[]> =>
  contest(options, async (contest) => {
    const work = await contest.work({ count: 1, seconds: 5, size: HD }, TWO)
    const pairs = await inTurn(contest, work, { times: rounds(options, 5), ours: () => contest.run(work) })
    return [...rowsOf('one clip of 5 s, 1080p', pairs), await processRow(contest, work)]
  })

/** 30 clips of 2 s by one `run`. */
export const benchRun30 = (options: SmallOptions): Promise<Row[]> =>
  contest(options, async (contest) => {
    const work = await contest.work({ count: options.quick ? 2 : 30, seconds: 2, size: PHONE }, TWO)
    const pairs = await inTurn(contest, work, { times: rounds(options, 2), ours: () => contest.run(work) })
    return [...rowsOf(`${work.clips.length} clips of 2 s, 720p, by one run`, pairs), await processRow(contest, work)]
  })

/** 30 clips of 2 s through a node that is there. */
export const benchNode30 = (options: SmallOptions): Promise<Row[]> =>
  manyThroughNode(options, { count: 30, seconds: 2, size: PHONE }, TWO, 2)

/** 300 clips of 2 s through a node that is there: a quarter of an hour. */
export const benchNode300 = (options: SmallOptions): Promise<Row[]> =>
  manyThroughNode(options, { count: 300, seconds: 2, size: PHONE }, TWO, 1)

/** 300 clips of one second, small and at ultrafast, through a node that is there. */
export const benchOnes300 = (options: SmallOptions): Promise<Row[]> =>
  manyThroughNode(options, { count: 300, seconds: 1, size: TINY }, { heights: [180], preset: 'ultrafast' }, 1)

/** A minute of 1080p. */
export const benchLong = (options: SmallOptions): Promise<Row[]> =>
  contest(options, async (contest) => {
    const work = await contest.work(
      { count: 1, seconds: options.quick ? 8 : 60, size: HD },
      { ...TWO, preset: 'medium' },
    )
    const pairs = await inTurn(contest, work, { times: rounds(options, 2), ours: () => contest.run(work) })
    const memory = (side: Side) => side.peakBytes && side.peakBytes / 1e6
    return [
      ...rowsOf(`${options.quick ? 8 : 60} s of 1080p at medium`, pairs),
      ...pairRows('peak memory (PSS)', 'MB', pairs, memory),
    ]
  })

/** Lengths of films, s, for each preset. */
type Films = Readonly<Record<string, readonly number[]>>
/** All in ten minutes, with more rounds of the short ones, which differ more. */
const FILMS: Films = { veryfast: [8, 15, 30], medium: [8, 15], slow: [8] }
const WORKERS_FILMS: Films = { veryfast: [15, 30], medium: [15] }

/** Films of 8 to 30 s: wall, and how busy the cores are between the first and the last picture. */
export const benchFilms = (options: SmallOptions): Promise<Row[]> => filmsBench(options, FILMS, [undefined])

/** Such films by two and by four worker processes, which share the cores. */
export const benchWorkers = (options: SmallOptions): Promise<Row[]> => filmsBench(options, WORKERS_FILMS, [2, 4])

const filmsBench = (options: SmallOptions, films: Films, each: readonly FilmRun['workers'][]): Promise<Row[]> =>
  contest(options, async (contest) => {
    const rows: Row[] = []
    for (const [preset, lengths] of Object.entries(options.quick ? { ultrafast: [8] } : films))
      for (const seconds of lengths)
        for (const workers of each) rows.push(...(await filmRows(contest, { seconds, preset, workers }, options)))
    return rows
  })

interface FilmRun {
  readonly seconds: number
  readonly preset: string
  /** Number of worker processes; undefined: `run` encodes itself. */
  readonly workers: number | undefined
}

async function filmRows(
  contest: Contest,
  { seconds, preset, workers }: FilmRun,
  options: SmallOptions,
): Promise<Row[]> {
  const work = await contest.work({ count: 1, seconds, size: HD }, { ...TWO, preset })
  const more = workers === undefined ? [] : ['--workers', String(workers)]
  const shares = { plain: [] as number[], mesh: [] as number[] }
  // Both sides are looked at as often.
  const watched = async (by: keyof typeof shares, measured: (watch: BusyShare) => Promise<Side>): Promise<Side> => {
    const watch = watchBusyShare()
    const side = await measured(watch)
    const share = watch.share()
    if (share !== null) shares[by].push(share)
    return side
  }
  const pairs = await inTurn(contest, work, {
    times: rounds(options, seconds < 10 ? 4 : 2),
    more,
    ours: () => watched('mesh', (watch) => contest.run(work, { watch, more })),
    plain: () => watched('plain', (watch) => contest.plain(work, watch)),
  })
  const busy = 'cores busy between first and last picture'
  return [
    ...rowsOf(`film of ${seconds} s, 1080p, ${preset}${workers === undefined ? '' : `, ${workers} workers`}`, pairs),
    row(`plain ffmpeg, ${busy}`, 100 * mean(shares.plain), '%'),
    row(`mesh, ${busy}`, 100 * mean(shares.mesh), '%'),
  ]
}

/** `--help`, `status`, and a run with empty caches. */
export const benchStarts = (options: SmallOptions): Promise<Row[]> =>
  contest(options, async (contest) => {
    const work = await contest.work({ count: 1, seconds: 5, size: HD }, TWO)
    // The first of each fills the cache of compiled code.
    const many = 1 + rounds(options, 5)
    const cold: { encodeS: number; side: Side }[] = []
    for (let at = 0; at < rounds(options, 3); at++) {
      const watch = watchBusyShare(20)
      const { XDG_CACHE_HOME, HOME } = contest.environment('', `cold-${at}`)
      const side = await contest.run(work, { env: { XDG_CACHE_HOME, HOME }, watch })
      cold.push({ side, encodeS: watch.firstEncodeS() ?? Number.NaN })
    }
    await contest.warm(work)
    const help = await times(many, () => contest.cpuOf('starts', '--help'))
    const status = await contest.withNode('starts', () => times(many, () => contest.cpuOf('starts', 'status')))
    return [
      row('--help, CPU', mean(help.slice(1)), 's'),
      row('status of a node that is there, CPU', mean(status.slice(1)), 's'),
      row('run with empty caches, until the first encode starts', mean(cold.map(({ encodeS }) => encodeS)), 's'),
      row('run with empty caches, wall', mean(cold.map(({ side }) => side.wallS)), 's'),
      row('run with empty caches, CPU', mean(cold.map(({ side }) => side.cpuS)), 's'),
    ]
  })

function manyThroughNode(
  options: SmallOptions,
  { count, seconds, size }: { count: number; seconds: number; size: { width: number; height: number } },
  recipe: { heights: number[]; preset: string },
  fully: number,
): Promise<Row[]> {
  return contest(options, async (contest) => {
    const work = await contest.work({ count: options.quick ? 3 : count, seconds, size }, recipe)
    const submits: number[] = []
    const ours = () => {
      const startedAt = performance.now()
      let submittedS = 0
      const onText = (text: string) => {
        if (text.includes('{"event":"submitted"')) submittedS = (performance.now() - startedAt) / 1000
      }
      // Less the start of the node, which is no part of it.
      let upAt = startedAt
      return contest
        .throughNode(work, { onText, onUp: () => (upAt = performance.now()) })
        .finally(() => submits.push(submittedS - (upAt - startedAt) / 1000))
    }
    const pairs = await inTurn(contest, work, { times: rounds(options, fully), ours })
    const what = `${work.clips.length} clips of ${seconds} s, ${size.height}p, ${recipe.preset}, through a node`
    return [...rowsOf(what, pairs), row('mesh, until the last is submitted', mean(submits), 's')]
  })
}

const rounds = ({ quick }: SmallOptions, fully: number): number => (quick ? 1 : fully)

async function contest(options: SmallOptions, measured: (contest: Contest) => Promise<Row[]>): Promise<Row[]> {
  const contest = await Contest.open(options)
  try {
    return await measured(contest)
  } finally {
    await contest.close()
  }
}

interface Rounds {
  readonly times: number
  /** What plain ffmpeg is, where it is more than measured. */
  plain?(): Promise<Side>
  ours(): Promise<Side>
  /** Flags of the run that fills the caches. */
  readonly more?: readonly string[]
}

/** Both sides in turn, after a run that fills the caches; compared each time. */
async function inTurn(contest: Contest, work: Work, { times, plain, ours, more }: Rounds): Promise<Pair[]> {
  await contest.warm(work, more)
  const pairs: Pair[] = []
  for (let at = 0; at < times; at++) {
    const pair: Pair = [await (plain?.() ?? contest.plain(work)), await ours()]
    await contest.compare(...pair, COMPARED)
    pairs.push(pair)
  }
  return pairs
}

async function times<T>(count: number, each: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let at = 0; at < count; at++) all.push(await each())
  return all
}

function rowsOf(what: string, pairs: readonly Pair[]): Row[] {
  return [
    row(`${what}: rounds`, pairs.length, ''),
    ...pairRows('wall', 's', pairs, ({ wallS }) => wallS),
    ...pairRows('CPU', 's', pairs, ({ cpuS }) => cpuS),
  ]
}

function pairRows(what: string, unit: string, pairs: readonly Pair[], pick: (side: Side) => number | null): Row[] {
  const [plain, ours] = [0, 1].map((at) => mean(pairs.map((pair) => pick(pair[at]!) ?? Number.NaN)))
  const each = pairs.map((pair) => ((pick(pair[1]) ?? 0) / (pick(pair[0]) ?? 1)).toFixed(2)).join(', ')
  return [
    row(`plain ffmpeg, ${what}`, plain!, unit),
    row(`mesh, ${what}`, ours!, unit, ours! / plain!, `plain (each round: ${each})`),
  ]
}

async function processRow(contest: Contest, work: Work): Promise<Row> {
  const clips = Math.min(work.clips.length, COUNTED)
  const { ffmpeg, ffprobe } = await contest.processes({ ...work, clips: work.clips.slice(0, clips) })
  return row(
    `processes started for each clip (${ffmpeg} ffmpeg, ${ffprobe} ffprobe in all)`,
    (ffmpeg + ffprobe) / clips,
    '',
  )
}
