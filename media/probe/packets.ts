/** The packets of a stream as ffprobe's JSON has them, of a file that is so small that they are read with its streams. Pure. */
import { type Json, list, number, text } from './json.ts'

/** A packet: its fields by name, as text, and the kinds of its side data. */
export interface PacketRow {
  readonly fields: ReadonlyMap<string, string>
  readonly sideData: readonly string[]
}

/** What the probe has read of an audio track. */
export interface ProbedSound {
  /** ffmpeg's stream index. */
  readonly stream: number
  /** The name of its profile, such as `LC`. */
  readonly profile: string
  /** A fraction as text: `1/48000`. */
  readonly timeBase: string
  readonly packets: readonly PacketRow[]
}

/** The sound of these streams. */
export const probedSounds = (root: Json, streams: readonly Json[]): ProbedSound[] =>
  streams.map((described) => {
    const stream = number(described['index'])
    const [profile, timeBase] = [text(described['profile']), text(described['time_base'])]
    return { stream, profile, timeBase, packets: packetRows(root, stream) }
  })

/** Number of packets that a probe keeps: those of one track of a clip. */
const ROWS_MAX = 2_000

/** The packets of the stream with this number; none where they were not read, or are more than a probe keeps. */
export function packetRows(root: Json, stream: number): PacketRow[] {
  const found = list(root['packets']).filter((packet) => number(packet['stream_index']) === stream)
  return found.length > ROWS_MAX ? [] : found.map(rowOf)
}

function rowOf(packet: Json): PacketRow {
  const fields = Object.entries(packet).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
  )
  return {
    fields: new Map(fields),
    sideData: list(packet['side_data_list']).map((side) => text(side['side_data_type'])),
  }
}
