/**
 * Cuts that need no trial: of plain pictures (`plain-picture.ts`), where each chunk is decoded from a refresh on. Every build copies H.264 of MP4 into NUT
 * as it is, and nothing before a refresh is needed to decode what follows. Each cut is still compared with the index packet by packet.
 */
import { pictureStart } from './avc.ts'
import { createCutter, planChunks } from './chunk-plan.ts'
import { PLAIN_HEAD_BYTES } from './plain-picture.ts'
import { everyHead } from './source-file.ts'
import type { Cutting, TrialJob } from './trial-cuts.ts'

/** How a plain film is cut; null where that needs a trial. Rejects with the error of the file system. */
export async function plainCutting({
  source,
  index,
  plan,
  encodeCores,
  oneAtATime,
  breaks,
}: Omit<TrialJob, 'signal'>): Promise<Cutting | null> {
  if (typeof index.plain !== 'string' || breaks.length > 0) return null
  const { time_base } = plan
  const chunks = planChunks({ ...index, time_base, whole: false, encodeCores, oneAtATime })
  const rangeOf = createCutter(index.packets)
  const firsts = chunks.map(({ start_pts, end_pts }) => rangeOf(start_pts, end_pts).first)
  const position = firsts.map((first) => index.packets.position[first] ?? Number.NaN)
  const isRefresh = (head: Buffer) => pictureStart(head)?.isRefresh === true
  return (await everyHead(source, { position, bytes: PLAIN_HEAD_BYTES }, isRefresh))
    ? { cut_format: 'nut', run_in: 0, closed_cuts: true, chunks }
    : null
}
