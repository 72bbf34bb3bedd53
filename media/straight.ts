/**
 * Films that need no cut: one chunk of a container that every build reads alike, in a file that is hardly larger than its picture. Picture
 * and sound are read from the source itself, and no copy is made or compared. Whoever encodes the film fetches the whole file.
 */
import { stat } from 'node:fs/promises'
import type { SourceIndex } from '../protocol/media.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { Rational } from '../protocol/plan.ts'
import { planChunks } from './chunk-plan.ts'
import type { PacketIndex } from './packet-index.ts'

/** Containers (ffmpeg's names) whose demuxers give the same packets and times in every build: others differ in computed times. */
const ALIKE: ReadonlySet<string> = new Set(['mov', 'matroska'])

/** The largest file: so many times the packets of the picture, and so many bytes more. */
const FILE_SHARE_MAX = 2
const FILE_BYTES_MORE = 32 * 1024 * 1024

/** A source, and what is known of it. */
export interface StraightSource {
  readonly source: string
  /** ffmpeg's names of the container, separated by commas. */
  readonly format: string
  readonly index: PacketIndex & SourceIndex
  readonly time_base: Rational
  /** As in `ChunkSource`. */
  readonly encodeCores: number
  readonly oneAtATime: boolean
  /** Times at which a chunk must begin. */
  readonly breaks: readonly number[]
}

/** Whether a source that could be cut is read straight instead. Rejects with the error of the file system. */
export async function isReadStraight({ source, format, index, ...of }: StraightSource): Promise<boolean> {
  const { packets, genpts } = index
  const isAlike = format.split(',').some((name) => ALIKE.has(name))
  // Filters see the pictures before an edit list's start in a copy alone, and its end differs between builds.
  if (!isAlike || genpts || packets.discarded.includes(true)) return false
  if (planChunks({ ...index, ...of, whole: false }).length > 1) return false
  const picture = packets.size.reduce((sum, bytes) => sum + (Number.isNaN(bytes) ? 0 : bytes), 0)
  return (await stat(fsPath(source))).size <= FILE_SHARE_MAX * picture + FILE_BYTES_MORE
}
