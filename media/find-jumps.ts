/** Finds the jumps of a source's clock: gaps between its pictures in which no other track goes on. */
import type { SourceIndex } from '../protocol/media.ts'
import { gapsIn, isFilled, jumpFates, mayJump } from './clock-jumps.ts'
import type { PacketIndex } from './packet-index.ts'
import { listPackets } from './packet-list.ts'
import { secondsOf } from './rational.ts'
import type { IndexJob } from './reading.ts'
import type { Programs } from './run-ffmpeg.ts'

/** The index with the jumps of its clock, and what becomes of them. Rejects only with the reason of the signal, or where ffprobe ends badly. */
export async function findJumps(
  programs: Programs,
  job: IndexJob,
  index: PacketIndex & SourceIndex,
): Promise<PacketIndex & SourceIndex> {
  const { probe } = job
  const timeBase = index.packets.timeBase ?? probe.time_base
  const gaps = mayJump(probe.format) ? gapsIn(index.times, index.packets, timeBase) : []
  if (gaps.length === 0) return index
  const sound = await soundTimes(programs, job)
  const jumps = gaps.filter((gap) => !isFilled(gap, sound, timeBase))
  if (jumps.length === 0) return index
  return { ...index, jumps, fates: [...index.fates, ...jumpFates(jumps, index.times[0]!, timeBase)] }
}

/** Seconds of the packets of the first audio track. */
async function soundTimes(programs: Programs, { source, probe, signal }: IndexJob): Promise<number[]> {
  const [track] = probe.audio
  if (!track) return []
  const { packets } = await listPackets(programs, { source, stream: track.stream, genpts: false, signal })
  const { timeBase, pts } = packets
  return timeBase === null ? [] : pts.filter((time) => !Number.isNaN(time)).map((time) => secondsOf(time, timeBase))
}
