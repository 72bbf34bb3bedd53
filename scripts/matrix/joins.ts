/**
 * Whether chunks of different builds join: those with equal parameter sets into an exact file, whoever joins them, and
 * those with unequal ones not at all: neither as a worker's result nor, slipped in, at the merge. A join of unequal
 * parameter sets says nothing and plays wrong.
 */
import { join } from 'node:path'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { BOXES, checkOutput } from '../../test/sources/check.ts'
import { findSource } from '../../test/sources/make.ts'
import { type CutSource, encodeChunk } from './chunks.ts'
import { type Cell, type Peer, takesAll, why } from './peer.ts'

interface JoinJob {
  readonly cut: CutSource
  readonly peers: readonly Peer[]
  readonly dir: string
  readonly tell: (sentence: string) => void
}

const JOIN_MS = 300_000

/** Chunk after chunk by the next peer that takes the plan; joined once by each of them. */
export async function mixedJoins({ cut, peers, dir, tell }: JoinJob): Promise<Cell[]> {
  const able = peers.filter((peer) => takesAll(peer, cut.plan))
  const chunks: string[] = []
  for (const { chunk_id } of cut.plan.chunks) {
    const peer = able[chunk_id % able.length]
    if (!peer) throw new Error(`no build takes ${cut.name}`)
    const result = await encodeChunk(peer.media, { cut, chunk_id, outDir: join(dir, `mixed-${cut.name}-${chunk_id}`) })
    if (!result.ok) throw result.failure
    chunks.push(result.path)
  }
  if (chunks.length < 2 || able.length < 2)
    throw new Error(`${cut.name}: ${chunks.length} chunks of ${able.length} builds mix nothing`)
  const cells: Cell[] = []
  for (const peer of peers)
    cells.push(
      able.includes(peer) ? await joinCell({ cut, peer, chunks, dir, tell, checker: peers[0] ?? peer }) : DECLINED,
    )
  return cells
}

const DECLINED: Cell = { text: 'declined', ok: true }

async function joinCell(job: {
  cut: CutSource
  peer: Peer
  chunks: readonly string[]
  dir: string
  tell: (sentence: string) => void
  checker: Peer
}): Promise<Cell> {
  const { cut, peer, chunks, dir, tell } = job
  const out = join(dir, `joined-${cut.name}-${peer.build.name}.mp4`)
  try {
    const resolution = await merge(peer.media, { cut, chunks, out })
    const { ffmpeg, ffprobe } = job.checker.build
    const source = findSource(cut.name)
    const { problems } = await checkOutput({
      source,
      file: cut.file,
      output: out,
      box: BOXES[resolution],
      ffmpeg,
      ffprobe,
    })
    for (const problem of problems) tell(`${cut.name} joined by ${peer.build.name}: ${problem}`)
    return problems.length === 0 ? { text: 'exact', ok: true } : { text: 'WRONG', ok: false }
  } catch (error) {
    tell(`${cut.name} joined by ${peer.build.name}: ${why(error)}`)
    return { text: 'FAILED', ok: false }
  }
}

/** Chunk 1 from `stranger`, whose parameter sets are others: refused by its own verify, and by every peer's merge. */
export async function refusals({
  cut,
  peers,
  dir,
  tell,
  stranger,
}: JoinJob & { stranger: { media: Media; cut: CutSource; name: string } }): Promise<Cell[]> {
  const able = peers.filter((peer) => takesAll(peer, cut.plan))
  const [own] = able
  if (!own) throw new Error(`no build takes ${cut.name}`)
  const strange = join(dir, `strange-${stranger.name}`)
  // With its own plan it is content; with the mesh's plan it must not be.
  const slipped = await encodeChunk(stranger.media, { cut: stranger.cut, chunk_id: 1, outDir: strange })
  if (!slipped.ok) throw slipped.failure
  const chunks: string[] = []
  for (const { chunk_id } of cut.plan.chunks) {
    const outDir = join(dir, `own-${stranger.name}-${chunk_id}`)
    const result = await encodeChunk(own.media, { cut, chunk_id, outDir })
    if (!result.ok) throw result.failure
    chunks.push(result.path)
  }
  chunks[1] = slipped.path
  const cells: Cell[] = []
  for (const peer of peers) {
    const out = join(dir, `refused-${stranger.name}-${peer.build.name}.mp4`)
    cells.push(
      await refusedCell(merge(peer.media, { cut, chunks, out }), `${stranger.name} joined by ${peer.build.name}`, tell),
    )
  }
  return cells
}

async function refusedCell(act: Promise<unknown>, what: string, tell: (sentence: string) => void): Promise<Cell> {
  try {
    await act
    tell(`${what}: unequal parameter sets were joined`)
    return { text: 'JOINED', ok: false }
  } catch (error) {
    if (error instanceof AttemptFailed && error.code === 'verify_failed') return { text: 'refused', ok: true }
    tell(`${what}: ${why(error)}`)
    return { text: 'FAILED', ok: false }
  }
}

async function merge(media: Media, job: { cut: CutSource; chunks: readonly string[]; out: string }) {
  const { cut, chunks, out } = job
  const [rendition] = cut.plan.renditions
  if (!rendition) throw new Error(`${cut.name} has no rendition`)
  const plan = { ...cut.plan, audio: [], subtitles: [], chapters: 0 }
  await media.merge({
    plan,
    resolution: rendition.resolution,
    chunks,
    audio: null,
    extra: null,
    out,
    signal: AbortSignal.timeout(JOIN_MS),
  })
  return rendition.resolution
}
