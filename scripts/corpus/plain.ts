/**
 * The same rendition by one plain ffmpeg command, as a person would write it: what Reelmesh's result is held against. Every picture
 * at its own time (`-fps_mode passthrough`; constant rates would make up and drop some), all sound, text subtitles, tags, chapters.
 */
import { execa } from 'execa'
import { TOOLS } from '../../testing/sources/make.ts'
import { isText, probe } from '../../testing/sources/measure.ts'
import type { Container, Stream } from '../../testing/sources/probe.ts'

/** Two results of this quality differ by less than what is looked for. */
export const CRF = '6'

export interface Size {
  readonly width: number
  readonly height: number
}

const TIMEOUT_MS = 600_000
/** Ticks per second: exact for all usual rates, and 11 µs for the others. */
const TIMESCALE = 90_000

/** Writes `out`; false where plain ffmpeg makes no film of it. What it cannot take is left out, step by step. */
export async function makePlain(job: { file: string; out: string; size: Size | null }): Promise<boolean> {
  const source = await probe(job.file).catch(() => null)
  const film = source && filmOf(source)
  if (!film) return false
  const subtitles = source.streams.filter(isText).flatMap(({ index }) => ['-map', `0:${index}`])
  const ways = [['-map', '0:a?', ...subtitles], ['-map', '0:a?'], ['-map', '0:a:0?'], []]
  for (const way of ways) if (await encode(job, film, way)) return true
  return false
}

/** The picture track that is flagged as default, else the largest; the first of equals. Null where there is none. */
export function filmOf({ streams }: Container): Stream | null {
  const films = streams.filter(
    ({ type, codec, isCover }) => type === 'video' && codec !== '' && codec !== 'unknown' && !isCover,
  )
  const flagged = films.filter(({ dispositions }) => dispositions.includes('default'))
  const area = ({ width, height }: Stream): number => width * height
  return (flagged.length === 1 ? flagged : films).toSorted((a, b) => area(b) - area(a))[0] ?? null
}

async function encode(
  { file, out, size }: { file: string; out: string; size: Size | null },
  film: Stream,
  maps: readonly string[],
): Promise<boolean> {
  const shape = size ?? { width: '2*trunc(iw/2)', height: '2*trunc(ih/2)' }
  const matrix = isRgb(film) ? ':out_color_matrix=bt709' : ''
  const scale = `scale=${shape.width}:${shape.height}:flags=bicubic:out_range=tv${matrix}`
  const filter = `bwdif=mode=send_frame:deint=interlaced,${scale},format=yuv420p,setsar=1`
  const video = ['-vf', filter, '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', CRF]
  const times = [
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    `1:${TIMESCALE}`,
    '-video_track_timescale',
    `${TIMESCALE}`,
  ]
  const rest = ['-c:a', 'aac', '-c:s', 'mov_text', '-map_metadata', '0', '-map_chapters', '0', '-f', 'mp4', out]
  const args = ['-nostdin', '-v', 'error', '-y', '-i', file, '-map', `0:${film.index}`, ...maps, ...video, ...times]
  const { failed } = await execa(TOOLS.ffmpeg, [...args, ...rest], {
    stdin: 'ignore',
    reject: false,
    timeout: TIMEOUT_MS,
  })
  if (failed) return false
  const made = await probe(out).catch(() => null)
  return made?.streams.some(({ type, duration_s }) => type === 'video' && duration_s > 0) ?? false
}

/** Pixel formats of red, green and blue, which a result tags as BT.709. */
const isRgb = ({ pixelFormat }: Stream): boolean => /rgb|bgr|gbr|^pal8/.test(pixelFormat)
