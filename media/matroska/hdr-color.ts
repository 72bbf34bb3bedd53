/** The colour of an HDR picture as Matroska has it, from the boxes of a chunk's sample entry. Pure. RFC 9559, 5.1.4.1.28.16. */
import { VISUAL_ENTRY_BYTES } from '../boxes.ts'
import { type Box, children } from '../mp4.ts'
import { element, float, ID, uint } from './elements.ts'

/** Transfer functions of HDR, by the numbers of ISO/IEC 23091-2: PQ and HLG. */
const HDR_TRANSFERS = [16, 18]
/** `nclx`, then primaries, transfer and matrix of two bytes each. */
const COLR_BYTES = 10
const LIMITED = 1
/** Numbers of `mdcv` in 1 and in 1 cd/m². */
const [CHROMA_PARTS, LUMINANCE_PARTS] = [50_000, 10_000]

/** The element `Colour` of a picture with this body (`description`) of its sample entry; none where it is not HDR, as its stream says all then. */
export function hdrColor(description: Buffer): Buffer[] {
  const boxes = children(description.subarray(VISUAL_ENTRY_BYTES))
  const colr = bodyOf(boxes, 'colr')
  if (!colr || colr.length < COLR_BYTES || !HDR_TRANSFERS.includes(colr.readUInt16BE(6))) return []
  const [mdcv, clli] = [bodyOf(boxes, 'mdcv'), bodyOf(boxes, 'clli')]
  return [
    element(
      ID.color,
      uint(ID.matrix, colr.readUInt16BE(8)), uint(ID.range, LIMITED), uint(ID.transfer, colr.readUInt16BE(6)), uint(ID.primaries, colr.readUInt16BE(4)),
      ...(clli ? [uint(ID.maxCll, clli.readUInt16BE(0)), uint(ID.maxFall, clli.readUInt16BE(2))] : []),
      ...(mdcv ? [mastering(mdcv)] : []),
    ),
  ] // biome-ignore format: groups
}

const bodyOf = (boxes: readonly Box[], name: string): Buffer | undefined =>
  boxes.find(({ type }) => type === name)?.body

/** In the order of `mdcv`. */
const POINTS = [
  ID.greenX, ID.greenY, ID.blueX, ID.blueY, ID.redX, ID.redY, ID.whiteX, ID.whiteY,
] // biome-ignore format: pairs

function mastering(mdcv: Buffer): Buffer {
  const luminance = [ID.luminanceMax, ID.luminanceMin]
  return element(
    ID.mastering,
    ...POINTS.map((id, at) => float(id, mdcv.readUInt16BE(2 * at) / CHROMA_PARTS)),
    ...luminance.map((id, at) => float(id, mdcv.readUInt32BE(2 * POINTS.length + 4 * at) / LUMINANCE_PARTS)),
  )
}
