/** Changes the keyframes and the decoder configuration of an encode, where an encoder has no option for what they must say (`Encoder.amend`). */
import { readFile, writeFile } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import type { Plan, RenditionPlan } from '../protocol/plan.ts'
import { VISUAL_ENTRY_BYTES } from './boxes.ts'
import { changedBox, whole } from './change-box.ts'
import { codecOf, encoderOf } from './codecs/codecs.ts'
import { keptHdr } from './filter-graph.ts'
import { children, Mp4Broken, tryFind } from './mp4.ts'
import { box, u32 } from './package/box.ts'
import { pictureOf } from './verify.ts'

type Amended = Pick<RenditionPlan, 'codec' | 'class' | 'width' | 'height' | 'bit_depth'>

const TABLES = ['trak', 'mdia', 'minf', 'stbl']
/** Bytes of `stsd` before its entries, and of the header of `mdat`. */
const [STSD_BYTES, HEADER_BYTES] = [8, 8]

/**
 * Changes the file in place, which must hold one picture track and end with its index, as encodes do. Rejects with `AttemptFailed('verify_failed')`
 * where it is another.
 */
export async function amend(
  path: string,
  rendition: Amended,
  { video, fps }: Pick<Plan, 'video' | 'fps'>,
): Promise<void> {
  const { amend: amendment } = encoderOf(rendition)
  if (!amendment) return
  const change = amendment({ ...rendition, fps, hdr: keptHdr(video, rendition.bit_depth) })
  const { configuration } = codecOf(rendition.codec)
  const track = await pictureOf(path)
  try {
    await writeFile(path, amended(await readFile(path), track, { ...change, configuration }))
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof Mp4Broken)) throw error
    throw new AttemptFailed('verify_failed', `the encode cannot be amended: ${error.message}`, { cause: error })
  }
}

type Track = Awaited<ReturnType<typeof pictureOf>>
type Change = ReturnType<NonNullable<ReturnType<typeof encoderOf>['amend']>> & { readonly configuration: string }

function amended(file: Buffer, { offsets, sizes, keyframes }: Track, change: Change): Buffer {
  const keys = keyframes && new Set(keyframes)
  const samples = Array.from(sizes, (size, at) => {
    const sample = file.subarray(offsets[at]!, offsets[at]! + size)
    return keys === null || keys.has(at) ? change.keyframe(sample) : sample
  })
  const start = offsets[0] ?? 0
  const moved = new Map<number, number>()
  let [old, now] = [start, start]
  for (const [at, sample] of samples.entries()) {
    if (offsets[at] !== old) throw new Mp4Broken('its samples do not follow one another')
    moved.set(old, now)
    old += sizes[at]!
    now += sample.length
  }
  const index = children(file.subarray(old))
  if (index[0]?.type !== 'moov' || tryFind(index[0].body, [...TABLES, 'stco'].join('/')) === undefined)
    throw new Mp4Broken('its index is not behind its samples')
  const tables: Readonly<Record<string, (body: Buffer) => Buffer>> = {
    stsz: () => Buffer.concat([u32(0), u32(0), u32(samples.length), ...samples.map(({ length }) => u32(length))]),
    stco: (body) => movedChunks(body, moved),
    stsd: (body) => withRecord(body, change),
  }
  const moov = Object.entries(tables).reduce(
    (body, [type, of]) => changedBox(body, [...TABLES, type], of),
    index[0].body,
  )
  const head = Buffer.from(file.subarray(0, start))
  head.writeUInt32BE(HEADER_BYTES + now - start, start - HEADER_BYTES)
  return Buffer.concat([head, ...samples, box('moov', moov)])
}

function movedChunks(stco: Buffer, moved: ReadonlyMap<number, number>): Buffer {
  const made = Buffer.from(stco)
  for (let at = 8; at < made.length; at += 4) made.writeUInt32BE(moved.get(made.readUInt32BE(at)) ?? 0, at)
  return made
}

function withRecord(stsd: Buffer, { record, configuration }: Change): Buffer {
  const entries = children(stsd.subarray(STSD_BYTES)).map(({ type, body }) => {
    const parts = children(body.subarray(VISUAL_ENTRY_BYTES)).map((each) =>
      each.type === configuration ? box(configuration, record(each.body)) : whole(each),
    )
    return box(type, body.subarray(0, VISUAL_ENTRY_BYTES), ...parts)
  })
  return Buffer.concat([stsd.subarray(0, STSD_BYTES), ...entries])
}
