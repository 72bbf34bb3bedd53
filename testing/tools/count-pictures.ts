/** How many pictures a file has, by its packets: nothing is decoded. */
import { execa } from 'execa'
import type { Ffmpeg } from './ffmpeg.ts'

const WHAT = ['-select_streams', 'v:0', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0']

/** Of the first track of pictures. `options`: those of ffprobe for reading it. */
export async function countPictures(
  path: string,
  { ffprobe }: Pick<Ffmpeg, 'ffprobe'>,
  options: readonly string[] = [],
): Promise<number> {
  const { stdout } = await execa(ffprobe, ['-v', 'error', ...options, ...WHAT, path], { stdin: 'ignore' })
  return Number.parseInt(stdout, 10)
}
