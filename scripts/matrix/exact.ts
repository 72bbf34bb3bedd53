/**
 * Whether every build makes exact files of the nasty sources in every codec, and declines by its own trial runs what it cannot.
 * Each build plans, cuts, encodes and joins by itself; where it cannot read a source the first one plans and cuts for it, as another peer of
 * a mesh would. A build that declines must be one that is known to be unable: declining too much would empty a mesh as surely as failing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codecOf, codecs, encoderWords } from '../../media/codecs/codecs.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { boxOfHeight, type Rendition } from '../../protocol/rendition.ts'
import { checkOutputs } from '../../testing/sources/check.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import type { Source } from '../../testing/sources/source.ts'
import { type Cell, type Peer, takesAll, why } from './peer.ts'

export const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
}
/** The quickest encode of each codec at each bit depth, H.264 first. */
export const RENDITIONS: readonly Rendition[] = codecs().flatMap(({ name, bitDepths, trial: { preset } }) =>
  bitDepths.map((bit_depth) => ({
    ...{ ...RECIPE.renditions[0]!, id: bit_depth === 8 ? name : `${name}-${bit_depth}`, codec: name },
    ...{ preset, bit_depth },
  })),
)
/** Each of them but H.264, which `RECIPE` has, by itself. */
export const OTHER_RECIPES: ReadonlyMap<string, Recipe> = new Map(
  RENDITIONS.slice(1).map((rendition) => [rendition.id, { ...RECIPE, renditions: [rendition] }]),
)
/** Of all codecs but H.264: their encoders are slow. */
const SMALL = { width: 160, height: 90 }
/** The renditions for which these builds have no encoder. */
const LACKS: Readonly<Record<string, readonly string[]>> = { '8.1': ['hevc-10', 'vp9-10'] }
const SOURCE_MS = 300_000

interface Job {
  readonly source: Source
  readonly peers: readonly Peer[]
  readonly dir: string
  readonly report: (sentence: string) => void
}

/** A row for each of `RENDITIONS` that takes pictures so small, a cell for each peer. `report` is called with each problem. */
export async function exactRows({ source, peers, dir, report }: Job): Promise<ReadonlyMap<string, readonly Cell[]>> {
  const file = await ensureSource(source.name)
  const all = sized(source)
  const rows = new Map(all.map(({ id }) => [id, [] as Cell[]]))
  for (const peer of peers) {
    // HDR in 8 bits needs a filter that 10 bits do without.
    for (const bitDepth of [8, 10]) {
      const asked = all.filter(({ bit_depth }) => bit_depth === bitDepth)
      const able = asked.filter((each) => encoderWords(peer.capability.encoders, each).length > 0)
      const cells = await exactCells({ source, file, peer, planner: peers[0]!, renditions: able, dir, report })
      for (const { id } of asked) rows.get(id)!.push(cells.get(id) ?? lacking(peer, id))
    }
  }
  return rows
}

/** With boxes such that all are made. */
function sized({ expect: { display } }: Source): Rendition[] {
  const least = Math.min(display.width, display.height)
  return RENDITIONS.filter(({ codec }) => codecOf(codec).leastSide <= least).map((each, at) => ({
    ...each,
    box: at === 0 || least <= SMALL.height ? boxOfHeight(480) : SMALL,
  }))
}

const lacking = ({ build, without }: Peer, id: string): Cell =>
  without !== undefined || LACKS[build.name]?.includes(id)
    ? { text: 'declined', ok: true }
    : { text: 'DECLINED', ok: false }

interface CellJob extends Omit<Job, 'peers'> {
  readonly file: string
  readonly peer: Peer
  readonly planner: Peer
  readonly renditions: readonly Rendition[]
}

async function exactCells(job: CellJob): Promise<Map<string, Cell>> {
  const { source, renditions, peer, planner, report } = job
  const { name } = peer.build
  const isKnown = source.cannotOn.some((prefix) => name.startsWith(prefix))
  let right = 'exact'
  let result = await attempt(job, peer.media)
  if (isKnown && isCannot(result)) {
    // As in a mesh: who cannot read the source leaves the ingest to another, and encodes what that one cut.
    result = await attempt(job, withIngestOf(planner.media, peer.media))
    if (isCannot(result)) return new Map(renditions.map(({ id }) => [id, { text: 'declined', ok: true }]))
    right = 'exact (cut)'
  }
  return new Map(
    renditions.map(({ id }): [string, Cell] => {
      const problems = result instanceof Error ? [why(result)] : (result.get(id) ?? ['no output'])
      for (const problem of problems) report(`${source.name}, ${id} on ${name}: ${problem}`)
      if (problems.length === 0) return [id, { text: right, ok: true }]
      return [id, { text: isCannot(result) ? 'DECLINED' : result instanceof Error ? 'FAILED' : 'WRONG', ok: false }]
    }),
  )
}

const isCannot = (result: unknown): boolean => result instanceof AttemptFailed && result.code === 'build_cannot'

/** What is wrong with each file, or the error that there are none. */
async function attempt(
  { source, renditions, file, peer, planner, dir }: CellJob,
  media: Media,
): Promise<ReadonlyMap<string, readonly string[]> | Error> {
  if (renditions.length === 0) return new Map()
  const outDir = await mkdtemp(join(dir, `${source.name}-${peer.build.name}-`))
  const { ffmpeg, ffprobe } = planner.build
  try {
    const recipe = { ...RECIPE, renditions }
    const signal = AbortSignal.timeout(SOURCE_MS)
    const { outputs } = await runPipeline(takenBy(peer, media), { source: file, recipe, outDir, signal })
    const files = outputs.map(({ box, path }) => ({ box, output: path, bitDepth: renditions[0]!.bit_depth }))
    const results = await checkOutputs({ source, file, outputs: files, ffmpeg, ffprobe })
    return new Map(outputs.map(({ rendition }, at) => [rendition, results[at]!.problems]))
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await rm(outDir, { recursive: true, force: true })
  }
}

/** With plans only whose tasks this peer would claim. */
const takenBy = (peer: Peer, media: Media): Media => ({
  ...media,
  plan: async (work) => {
    const plan = await media.plan(work)
    if (takesAll(peer, plan)) return plan
    const classes = plan.renditions.map((rendition) => rendition.class).join(', ')
    throw new AttemptFailed('build_cannot', `${peer.build.name} takes no ${classes}`)
  },
})

const withIngestOf = (ingest: Media, own: Media): Media => ({
  ...ingest,
  encode: (work) => own.encode(work),
  audio: (work) => own.audio(work),
  merge: (work) => own.merge(work),
})
