/** The list of a rendition's encoded chunks that ffmpeg's concat demuxer reads. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Plan, sinceStart } from '../protocol/plan.ts'
import { concatList } from './commands/merge.ts'
import { secondsOf } from './rational.ts'

/** Writes the list into a new folder, with links of plain names beside it, so that the concat demuxer needs no quoted path; answers its path. */
export async function writeChunkList(dir: string, chunks: readonly string[], plan: Plan): Promise<string> {
  const entries = plan.chunks.map((chunk, at) => ({
    name: `${String(at).padStart(5, '0')}.mp4`,
    start: secondsOf(sinceStart(plan, chunk.start_pts), plan.time_base),
  }))
  await mkdir(dir)
  for (const [at, { name }] of entries.entries()) await symlink(chunks[at]!, join(dir, name))
  const list = join(dir, 'list.ffconcat')
  await writeFile(list, concatList(entries))
  return list
}
