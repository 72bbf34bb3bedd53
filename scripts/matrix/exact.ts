/**
 * Whether every build makes exact files of the nasty sources, and declines by its own trial runs what it cannot read.
 * The first peer plans each source once; a peer that would not take that plan's tasks is not asked to, and must be one
 * that is known to be unable: declining too much would empty a mesh as surely as failing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codecs, encoderWords } from '../../media/codecs/codecs.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import type { Plan } from '../../protocol/plan.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { checkOutput } from '../../testing/sources/check.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import type { Source } from '../../testing/sources/source.ts'
import { planSource } from './chunks.ts'
import { type Cell, type Peer, takesAll, why } from './peer.ts'

export const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
}
/** The quickest encode in 8 bits of each codec but H.264, which `RECIPE` has. */
export const OTHER_RECIPES: ReadonlyMap<string, Recipe> = new Map(
  codecs()
    .slice(1)
    .map(({ name, trial }) => {
      const encoding = { ...DEFAULT_ENCODING, preset: trial.preset, codec: name }
      return [name, { ...RECIPE, renditions: ladderOf([480], encoding) }]
    }),
)
const SOURCE_MS = 300_000

/** One row: a cell for each peer. `report` is called with each problem. */
export async function exactRow(job: {
  source: Source
  /** `RECIPE` where nothing is said. */
  recipe?: Recipe
  peers: readonly Peer[]
  dir: string
  report: (sentence: string) => void
}): Promise<Cell[]> {
  const { source, recipe = RECIPE, peers, dir, report } = job
  const [planner] = peers
  if (!planner) return []
  const file = await ensureSource(source.name)
  const { plan } = await planSource(planner.media, file, recipe)
  const cells: Cell[] = []
  for (const peer of peers) cells.push(await exactCell({ source, recipe, file, plan, peer, dir, report, planner }))
  return cells
}

interface CellJob {
  readonly source: Source
  readonly recipe: Recipe
  readonly file: string
  readonly plan: Plan
  readonly peer: Peer
  readonly planner: Peer
  readonly dir: string
  readonly report: (sentence: string) => void
}

async function exactCell(job: CellJob): Promise<Cell> {
  const { source, recipe, plan, peer, planner, report } = job
  const { name } = peer.build
  const lacksEncoder = recipe.renditions.some((each) => encoderWords(peer.capability.encoders, each).length === 0)
  const isKnown = lacksEncoder || source.cannotOn.some((prefix) => name.startsWith(prefix))
  if (!takesAll(peer, plan) && !(await takesItsOwn(peer, job))) {
    const classes = plan.renditions.map((rendition) => rendition.class).join(', ')
    if (!isKnown) report(`${source.name} on ${name}: declines what it can do (${classes})`)
    return { text: isKnown ? 'declined' : 'DECLINED', ok: isKnown }
  }
  const first = await attempt(job, peer.media)
  if (first instanceof AttemptFailed && first.code === 'build_cannot' && isKnown) {
    // As in a mesh: who cannot read the source leaves the ingest to another, and encodes what that one cut.
    const second = await attempt(job, withIngestOf(planner.media, peer.media))
    if (second instanceof AttemptFailed && second.code === 'build_cannot') return { text: 'cannot', ok: true }
    return cellOf(second, 'exact (cut)', { source, name, report })
  }
  return cellOf(first, 'exact', { source, name, report })
}

/** A filter of another dialect is another class: such a build leaves others' plans alone and carries out its own. */
async function takesItsOwn(peer: Peer, { file, recipe }: Pick<CellJob, 'file' | 'recipe'>): Promise<boolean> {
  try {
    return takesAll(peer, (await planSource(peer.media, file, recipe)).plan)
  } catch (error) {
    if (error instanceof AttemptFailed) return false
    throw error
  }
}

/** What is wrong with the files, or the error that there are none. */
async function attempt(
  { source, recipe, file, peer, planner, dir }: CellJob,
  media: Media,
): Promise<readonly string[] | Error> {
  const outDir = await mkdtemp(join(dir, `${source.name}-${peer.build.name}-`))
  const { ffmpeg, ffprobe } = planner.build
  try {
    const signal = AbortSignal.timeout(SOURCE_MS)
    const { outputs } = await runPipeline(media, { source: file, recipe, outDir, signal })
    if (outputs.length === 0) return ['no output']
    const checks = outputs.map(({ box, path }) => checkOutput({ source, file, output: path, box, ffmpeg, ffprobe }))
    return (await Promise.all(checks)).flatMap(({ problems }) => problems)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await rm(outDir, { recursive: true, force: true })
  }
}

function cellOf(
  result: readonly string[] | Error,
  right: string,
  { source, name, report }: { source: Source; name: string; report: (sentence: string) => void },
): Cell {
  const problems = result instanceof Error ? [why(result)] : result
  for (const problem of problems) report(`${source.name} on ${name}: ${problem}`)
  if (problems.length === 0) return { text: right, ok: true }
  return { text: result instanceof Error ? 'FAILED' : 'WRONG', ok: false }
}

const withIngestOf = (ingest: Media, own: Media): Media => ({
  ...ingest,
  encode: (work) => own.encode(work),
  audio: (work) => own.audio(work),
  merge: (work) => own.merge(work),
})
