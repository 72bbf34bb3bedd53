/** The packets of a stream as ffprobe's JSON has them, of a file that is so small that they are read with its streams. Pure. */
import { type Json, list, number, text } from './json.ts'

/** A packet: its fields by name, as text, and the kinds of its side data. */
export interface PacketRow {
  readonly fields: ReadonlyMap<string, string>
  readonly sideData: readonly string[]
}

/** Number of packets that a probe keeps: those of the picture of a clip. */
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
