/** Every packet of one stream of a file, by ffprobe, within the bounds that an index has. */
import { SourceRefused } from '../protocol/errors.ts'
import { packetArgs } from './commands/read.ts'
import { noPackets, PACKETS_MAX, type Packets, takePacket } from './packet-index.ts'
import type { Programs, RunEnd } from './run-ffmpeg.ts'
import { quoted } from './source-file.ts'

/**
 * The packets, and how ffprobe ended: a damaged end makes it exit non-zero after it has printed every packet before it. Rejects with
 * `SourceRefused` where there are more than an index holds, and as `run` does.
 */
export async function listPackets(
  { run, ffprobe }: Programs,
  job: Parameters<typeof packetArgs>[0] & { signal: AbortSignal },
): Promise<RunEnd & { packets: Packets }> {
  const packets = noPackets()
  const onLine = (line: string): void => {
    takePacket(packets, line)
    if (packets.pts.length > PACKETS_MAX)
      throw new SourceRefused(`${quoted(job.source)} has more than ${PACKETS_MAX} frames.`)
  }
  return { packets, ...(await run({ program: ffprobe, args: packetArgs(job), signal: job.signal, onLine })) }
}
