/**
 * The elements of a Matroska or WebM file, as far as they are there: cut-off and damaged files answer what can be read of them. RFC 8794
 * (EBML), RFC 9559 (Matroska).
 */
import type { FileHandle } from 'node:fs/promises'

/** One element: where its body begins in the file, and how long it says that is; null where it does not (live recordings). */
export interface Element {
  readonly id: number
  readonly start: number
  readonly length: number | null
}

/** The id of the element that holds all others of a Matroska file. */
export const SEGMENT = 0x18538067

/** Longest header of an element: 4 bytes of id, 8 of length. */
const HEADER_BYTES = 12

/** Elements inside `[from, to)`, in order, up to one of unknown length, one that is damaged, or the end of the file. */
export async function elementsIn(handle: FileHandle, from: number, to: number, max = 64): Promise<Element[]> {
  const elements: Element[] = []
  for (let at = from; at < to && elements.length < max; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at)
    const element = elementAt(buffer.subarray(0, bytesRead), at)
    if (element === null) break
    elements.push(element)
    if (element.length === null) break
    at = element.start + element.length
  }
  return elements
}

/** The first element inside a body that is in memory, with this id; undefined where there is none. */
export function findIn(body: Buffer, id: number): Buffer | undefined {
  return eachIn(body).find((each) => each.id === id)?.body
}

/** The elements inside a body that is in memory. */
export function eachIn(body: Buffer): { id: number; body: Buffer }[] {
  const found: { id: number; body: Buffer }[] = []
  for (let at = 0; at < body.length; ) {
    const element = elementAt(body.subarray(at, at + HEADER_BYTES), at)
    if (element?.length == null) break
    found.push({ id: element.id, body: body.subarray(element.start, element.start + element.length) })
    at = element.start + element.length
  }
  return found
}

/** The body of an element, at most `max` bytes, as far as it is there. */
export async function bodyOf(handle: FileHandle, { start, length }: Element, max: number): Promise<Buffer> {
  const body = Buffer.alloc(Math.min(length ?? max, max))
  const { bytesRead } = await handle.read(body, 0, body.length, start)
  return body.subarray(0, bytesRead)
}

function elementAt(head: Buffer, at: number): Element | null {
  const idBytes = widthOf(head[0], 4)
  const lengthBytes = idBytes === null ? null : widthOf(head[idBytes], 8)
  if (idBytes === null || lengthBytes === null || head.length < idBytes + lengthBytes) return null
  const start = at + idBytes + lengthBytes
  let length = head[idBytes]! & (0xff >> lengthBytes)
  let isUnknown = length === 0xff >> lengthBytes
  for (const byte of head.subarray(idBytes + 1, idBytes + lengthBytes)) {
    length = length * 256 + byte
    isUnknown &&= byte === 0xff
  }
  return { id: head.readUIntBE(0, idBytes), start, length: isUnknown ? null : length }
}

/** How many bytes a number has, by the zeros before the first bit that is set. */
function widthOf(first: number | undefined, max: number): number | null {
  if (first === undefined || first === 0) return null
  const width = Math.clz32(first) - 23
  return width <= max ? width : null
}

/** An unsigned integer of up to 6 bytes. */
export const numberOf = (body: Buffer): number =>
  body.length > 0 && body.length <= 6 ? body.readUIntBE(0, body.length) : 0

/** A float of 4 or 8 bytes; 0 for anything else. */
export const floatOf = (body: Buffer): number =>
  body.length === 8 ? body.readDoubleBE(0) : body.length === 4 ? body.readFloatBE(0) : 0
