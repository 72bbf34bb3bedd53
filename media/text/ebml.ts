/**
 * Elements of EBML, the binary form of Matroska (RFC 8794). Pure. Files are hostile: an element that its parent cannot hold ends the
 * list; nothing is thrown.
 */

/** One element. `id` with its length bits, as the specification writes it (`0x1a45dfa3`). */
export interface Element {
  readonly id: number
  readonly body: Buffer
}

/** The head of an element: its id, where its body begins, and the body's length, bytes; null where the length is unknown (live files). */
export interface ElementHead {
  readonly id: number
  readonly start: number
  readonly length: number | null
}

/** Reads the head of the element at `at`; null where there is none. */
export function readHead(bytes: Buffer, at: number): ElementHead | null {
  const idBytes = vintBytes(bytes[at])
  const sizeBytes = vintBytes(bytes[at + idBytes])
  if (idBytes === 0 || idBytes > 4 || sizeBytes === 0 || at + idBytes + sizeBytes > bytes.length) return null
  const size = bytes.subarray(at + idBytes, at + idBytes + sizeBytes)
  const start = at + idBytes + sizeBytes
  const length = size.reduce(
    (sum, byte, digit) => sum * 256 + (digit === 0 ? byte & ((1 << (8 - sizeBytes)) - 1) : byte),
    0,
  )
  const isUnknown = length === 2 ** (7 * sizeBytes) - 1
  return { id: bytes.readUIntBE(at, idBytes), start, length: isUnknown ? null : length }
}

/** Number of bytes of a variable-length number that begins so; 0 for none. */
const vintBytes = (first: number | undefined): number =>
  first === undefined || first === 0 ? 0 : Math.clz32(first) - 23

/** The elements of a body, in order; one of unknown length goes to the end. */
export function* elementsOf(body: Buffer): Generator<Element> {
  for (let at = 0; at < body.length; ) {
    const head = readHead(body, at)
    if (!head) return
    const end = head.length === null ? body.length : head.start + head.length
    if (end > body.length) return
    yield { id: head.id, body: body.subarray(head.start, end) }
    at = end
  }
}

/** The bodies of all elements of one id. */
export const bodiesOf = (body: Buffer, id: number): Buffer[] =>
  [...elementsOf(body)].filter((element) => element.id === id).map((element) => element.body)

/** An unsigned number; `fallback` where the element is missing or too long. */
export function numberOf(body: Buffer, id: number, fallback: number): number {
  const bytes = bodiesOf(body, id)[0]
  return bytes === undefined || bytes.length > 8 ? fallback : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** A text; '' where the element is missing. */
export const textOf = (body: Buffer, id: number): string =>
  (bodiesOf(body, id)[0]?.toString('utf8') ?? '').replace(/\0.*$/s, '')

/** A number of variable length, such as the track of a block: its value and bytes; null where it is cut off. */
export function readVint(bytes: Buffer): { value: number; bytes: number } | null {
  const length = vintBytes(bytes[0])
  if (length === 0 || length > bytes.length) return null
  const first = bytes[0]! & ((1 << (8 - length)) - 1)
  return { value: bytes.subarray(1, length).reduce((sum, byte) => sum * 256 + byte, first), bytes: length }
}
