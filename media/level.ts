/** Writes the level of a codec without parameter sets into an encoded chunk: ffmpeg guesses it from the rate of the chunk. */
import { open } from 'node:fs/promises'
import type { Plan, RenditionPlan } from '../protocol/plan.ts'
import { VISUAL_ENTRY_BYTES } from './boxes.ts'
import type { Codec } from './codecs/codec.ts'
import { need, readMoov } from './mp4.ts'

/** Bytes of `stsd` before its first entry, and of that entry's own header. */
const ENTRY_AT = 16

/** Changes the file, which must hold one picture track and no other, in place. Rejects with `Mp4Broken`. */
export async function writeLevel(
  path: string,
  { setLevel, configuration }: Codec,
  picture: Pick<RenditionPlan, 'width' | 'height'> & Pick<Plan, 'fps'>,
): Promise<void> {
  if (setLevel === null) return
  const handle = await open(path, 'r+')
  try {
    const { body: moov, start } = await readMoov(handle)
    const stsd = need(moov, 'trak/mdia/minf/stbl/stsd')
    const record = need(stsd.subarray(ENTRY_AT + VISUAL_ENTRY_BYTES), configuration)
    setLevel(record, picture)
    await handle.write(record, 0, record.length, start + record.byteOffset - moov.byteOffset)
  } finally {
    await handle.close()
  }
}
