/**
 * Reads the streams of a source. A file that is no video is refused, in one sentence that names it; of a small one the packets are read with the
 * streams.
 */
import { identityAt } from '../files/file-hashes.ts'
import { SourceRefused } from '../protocol/errors.ts'
import { PROBE_TIMEOUT_MS } from '../protocol/limits.ts'
import type { SourceProbe } from '../protocol/media.ts'
import { boxesOf } from './boxes.ts'
import { probeArgs } from './commands/read.ts'
import { editListFates } from './edit-list.ts'
import { whyEncrypted } from './encryption.ts'
import { type Packets, packetsOf } from './packet-index.ts'
import type { ProbedSound } from './probe/packets.ts'
import { parseProbe, type Rates } from './probe/probe.ts'
import type { Promised } from './promises.ts'
import type { Programs } from './run-ffmpeg.ts'
import { checkSource, PICTURE, quoted, sniff } from './source-file.ts'
import { cutOff } from './truncation.ts'

/** The result of `probe`: that of the contract, and what the index is made with beside it. */
export interface RatedProbe extends SourceProbe {
  /** The container's guesses at the frame rate. */
  readonly rates: Rates
  /** What the file promised where it was cut off, else null. */
  readonly cutOff: Promised | null
  /** The packets of the picture, of a small file. */
  readonly packets: Packets | null
  readonly sounds: readonly ProbedSound[]
  /** Of the file before it was read, as of `fileIdentity`. */
  readonly identity: string | null
}

/** Whether the side data of its packets says something: transport streams have some in every packet. */
export const saysSideData = ({ format }: Pick<SourceProbe, 'format'>): boolean => format !== 'mpegts'

/** Size of files whose packets are read with their streams: their list takes a few MB. */
const READ_WHOLE_BYTES = 32 * 1024 * 1024

/** Reads the streams of a source. Rejects with `SourceRefused`, or with `AttemptFailed` where this build cannot. */
export async function probeSource(programs: Programs, source: string, signal: AbortSignal): Promise<RatedProbe> {
  const bytes = await checkSource(source)
  const { refused, isMp4, isPicture } = await sniff(source)
  if (refused !== null) throw new SourceRefused(`${quoted(source)} ${refused}.`)
  const identity = await identityAt(source)
  const boxes = boxesOf(source)
  const encrypted = await whyEncrypted(source, boxes)
  if (encrypted !== null) throw new SourceRefused(`${quoted(source)} ${encrypted}.`)
  let read = await readStreams(programs, { source, packets: bytes <= READ_WHOLE_BYTES, signal })
  // A packet that cannot be read hides the streams.
  if (read.exitCode !== 0 && bytes <= READ_WHOLE_BYTES)
    read = await readStreams(programs, { source, packets: false, signal })
  const { exitCode, log, json } = read
  if (exitCode !== 0) throw new SourceRefused(`${quoted(source)} ${isPicture ? PICTURE : whyUnreadable(log, isMp4)}.`)
  const outcome = parseProbe(json)
  if (!outcome.ok) throw new SourceRefused(`${quoted(source)} ${outcome.why}.`)
  const { probe, rates, packets: rows, sounds } = outcome
  const fates = [...probe.fates, ...(await editListFates(boxes, probe.format))]
  const { time_base: timeBase, video } = probe
  const described = { timeBase, pixelFormat: video.pixel_format, sideData: saysSideData(probe) }
  const packets = rows.length > 0 ? packetsOf(rows, described) : null
  return { ...probe, fates, rates, cutOff: await cutOff(source, probe, boxes), packets, sounds, identity }
}

async function readStreams(
  { run, ffprobe }: Programs,
  { source, packets, signal }: { readonly source: string; readonly packets: boolean; readonly signal: AbortSignal },
) {
  const lines: string[] = []
  const onLine = (line: string) => lines.push(line)
  const args = probeArgs(source, { packets })
  const { exitCode, log } = await run({ program: ffprobe, args, signal, stallMs: PROBE_TIMEOUT_MS, onLine })
  return { exitCode, log, json: lines.join('\n') }
}

/** ffprobe's reasons, as the end of a sentence. */
export function whyUnreadable(log: string, isMp4 = false): string {
  if (isMp4 && /moov atom not found/.test(log))
    return 'has no index (moov): it was cut off while it was recorded or copied'
  if (/not on whitelist|moov atom not found|Invalid data found|could not find codec|End of file/i.test(log)) {
    return 'is not a video file, or is too damaged to be recognised as one'
  }
  return `cannot be read by ffmpeg (${(log.trim().split('\n').at(-1) ?? '').replace(/^.*: /, '').slice(0, 200)})`
}
