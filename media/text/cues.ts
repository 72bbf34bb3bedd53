/** Packets of WebVTT, as ffprobe prints them, and the file of cues that ffmpeg decodes. Pure. */

import { cueTime } from './cue-time.ts'

/** One cue: seconds of the source, and its text with WebVTT's own marks. */
export interface Cue {
  readonly start: number
  /** Null where the packet has no length. */
  readonly end: number | null
  readonly text: string
}

/** The lines of the packet that is being read. */
export interface PacketLines {
  lines: string[]
}

/** Bytes of a packet that are read: 16 a line. */
const LINES_MAX = 4_096

/** Takes a line of ffprobe's packets with their bytes; answers the packet with its last line. */
export function takePacketLine(
  packet: PacketLines,
  line: string,
): (Pick<Cue, 'start' | 'end'> & { readonly bytes: Buffer }) | null {
  if (line === '[PACKET]') packet.lines = []
  else if (packet.lines.length < LINES_MAX) packet.lines.push(line)
  if (line !== '[/PACKET]') return null
  const value = (name: string) =>
    Number(packet.lines.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1))
  const hex = packet.lines.flatMap(
    (each) => /^[0-9a-f]{8}: ([0-9a-f ]{1,40})/.exec(each)?.[1]?.replaceAll(' ', '') ?? [],
  )
  const [start, length] = [value('pts_time'), value('duration_time')]
  if (!Number.isFinite(start)) return null
  return { start, end: Number.isFinite(length) ? start + length : null, bytes: Buffer.from(hex.join(''), 'hex') }
}

/** The text of a sample of WebVTT in MP4 (ISO/IEC 14496-30): its `payl` boxes; '' for a pause, null where it is no such sample. */
export function webVttOf(sample: Buffer): string | null {
  const texts: string[] = []
  for (let at = 0; at < sample.length; ) {
    if (at + 8 > sample.length) return null
    const [length, type] = [sample.readUInt32BE(at), sample.toString('latin1', at + 4, at + 8)]
    if (length < 8 || at + length > sample.length || !/^(vttc|vtte|vtta|sttg|iden|ctim|vsid|payl)$/.test(type))
      return null
    const body = sample.subarray(at + 8, at + length)
    const text = type === 'payl' ? body.toString('utf8') : type === 'vttc' ? webVttOf(body) : ''
    if (text === null) return null
    if (text !== '') texts.push(text)
    at += length
  }
  return texts.join('\n')
}

/** Cues as a WebVTT file. Those before the beginning of the clock have no place in one, and empty ones end the ones before them. */
export function cuesFile(cues: readonly Cue[]): string {
  const blocks = cues.flatMap(({ start, end, text }, at) => {
    const until = end ?? cues[at + 1]?.start ?? start
    const lines = text
      .replace(/\r\n?/g, '\n')
      .replace(/\n{2,}/g, '\n')
      .replaceAll('-->', '→')
      .trim()
    return until <= 0 || lines === '' ? [] : [`${timeOf(Math.max(0, start))} --> ${timeOf(until)}\n${lines}\n`]
  })
  return `WEBVTT\n\n${blocks.join('\n')}`
}

const timeOf = (seconds: number): string => cueTime(Math.round(seconds * 1000))
