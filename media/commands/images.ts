/** The images of a package: a poster, and small pictures of the whole film on sheets. */
import { EXACT } from '../filter-graph.ts'
import { integer, seconds } from './argument.ts'
import { fileUrl, QUIET, SAFE, SAFE_LIST } from './safe.ts'

/** A size, pixels. */
interface Size {
  readonly width: number
  readonly height: number
}

/** The images to make. Paths are absolute. */
export interface ImageArgs {
  /** A chunk that holds the picture of the poster, seconds from its beginning, and the poster's size. */
  readonly poster: Size & { readonly chunk: string; readonly at: number; readonly out: string }
  /** A list of all chunks of one rendition, and the sheets; `out` has a `%05d`. */
  readonly thumbnails: Size & {
    readonly list: string
    readonly columns: number
    readonly rows: number
    /** Seconds for which each stands. */
    readonly interval: number
    readonly out: string
  }
}

/** JPEG with whole steps of brightness, as decoders expect it, and of good quality. One thread: the bytes do not depend on the machine. */
const JPEG = [
  '-c:v', 'mjpeg', '-q:v', '3', '-threads', '1', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact',
] as const // biome-ignore format: groups

/**
 * The arguments of the ffmpeg that makes all of them. All are keyframes, the last one at or before their time: behind the last picture of a chunk, which
 * may be shown for long, an exact seek finds none.
 */
export function imageArgs({ poster, thumbnails }: ImageArgs): string[] {
  const { columns, rows, interval } = thumbnails
  const scale = ({ width, height }: Size) =>
    `scale=${integer(width)}:${integer(height)}:out_range=pc:${EXACT},format=yuvj420p`
  const sheets = `fps=1/${integer(interval)}:start_time=0:round=up,${scale(thumbnails)},tile=${integer(columns)}x${integer(rows)}`
  return [
    ...QUIET, '-filter_complex_threads', '1',
    '-threads', '1', '-noaccurate_seek', '-ss', seconds(poster.at), ...SAFE, '-i', fileUrl(poster.chunk),
    '-threads', '1', '-skip_frame', 'nokey', ...SAFE_LIST, '-f', 'concat', '-safe', '1', '-i', fileUrl(thumbnails.list),
    '-filter_complex', `[0:v:0]${scale(poster)}[poster];[1:v:0]${sheets}[sheets]`,
    '-map', '[poster]', '-frames:v', '1', ...JPEG, '-f', 'image2', '-update', '1', fileUrl(poster.out),
    '-map', '[sheets]', '-fps_mode', 'passthrough', ...JPEG, '-f', 'image2', fileUrl(thumbnails.out),
  ] // biome-ignore format: groups
}
