/** The commands that read the text of a source: subtitle tracks decoded to ASS, and the packets of a track without decoder. */
import { integer, seconds } from './argument.ts'
import { fileUrl, PROGRESS, QUIET, SAFE } from './safe.ts'

/** Seconds added to all times of decoded tracks: Matroska has no negative ones, and those before a wrap of the clock are. */
export const TEXT_SHIFT_S = 1_000_000

/** What is decoded: a source, a file of WebVTT cues that was made of a source, or a file of subtitles. */
export type TextInput = { readonly source: string } | { readonly cues: string } | { readonly subtitles: string }

/** The formats that a file of subtitles may have. */
const TEXT_FILES = ['-format_whitelist', 'srt,webvtt,ass']

/** One track to decode, and the file to write. */
export interface TextTrackJob {
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly codec: string
  readonly out: string
}

/**
 * Arguments to decode tracks to ASS, each into a Matroska file of its own. Bytes that are no UTF-8 pass unchanged, as ffmpeg would drop
 * the events that hold them. Teletext is pictures where nothing else is said.
 */
export function decodeTextArgs(input: TextInput, tracks: readonly TextTrackJob[]): string[] {
  const guard =
    'source' in input ? SAFE : ['-protocol_whitelist', 'file', ...('cues' in input ? ['-f', 'webvtt'] : TEXT_FILES)]
  const [path = ''] = Object.values(input) as string[]
  const teletext = tracks.filter(({ codec }) => codec === 'dvb_teletext')
  return [
    ...QUIET, ...PROGRESS, ...guard, '-copyts', '-itsoffset', seconds(TEXT_SHIFT_S), '-sub_charenc_mode', 'ignore',
    ...teletext.flatMap(({ stream }) => [`-txt_format:${integer(stream)}`, 'text']),
    '-i', fileUrl(path),
    ...tracks.flatMap(({ stream, out }) => [
      '-map', `0:${integer(stream)}`, '-c:s', 'ass', '-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact',
      '-avoid_negative_ts', 'disabled', '-f', 'matroska', fileUrl(out),
    ]),
  ] // biome-ignore format: groups
}

/** Arguments of ffprobe to print the packets of one stream with their bytes, in hexadecimal. */
export function packetBytesArgs(source: string, stream: number): string[] {
  return [
    '-hide_banner', '-v', 'warning', ...SAFE, '-select_streams', integer(stream),
    '-show_entries', 'packet=pts_time,duration_time,data', '-show_data', '-of', 'default', '-i', fileUrl(source),
  ] // biome-ignore format: groups
}
