/**
 * Elements of EBML, the binary form of Matroska and WebM (RFC 8794, RFC 9559), in memory and in a file. Files are hostile and may be cut off:
 * an element that its parent cannot hold ends the list; nothing is thrown.
 */
import type { FileHandle } from 'node:fs/promises'

/** The number (id) of the element that holds all others of a Matroska file. */
export const SEGMENT = 0x18538067

/** Longest head of an element: 4 bytes of id, 8 of length. */
const HEAD_BYTES = 12

/** An element of EBML. */
export interface Element {
  /** The number of its kind, with its length bits, as RFC 8794 writes it (`0x1a45dfa3`). */
  readonly id: number
  readonly body: Buffer
}

/** The head of an element. */
export interface ElementHead {
  /** The number of its kind, as of `Element`. */
  readonly id: number
  /** Where the body begins: a position in bytes. */
  readonly start: number
  /** Bytes of the body; null where it is unknown (live files). */
  readonly length: number | null
}

/** Reads the head of the element at the position `at`, bytes; null where there is none. */
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

/** The bodies of all elements of one id, the number of their kind. */
export const bodiesOf = (body: Buffer, id: number): Buffer[] =>
  [...elementsOf(body)].filter((element) => element.id === id).map((element) => element.body)

/** An unsigned number; `fallback` where the element is missing or too long. */
export function numberOf(body: Buffer, id: number, fallback: number): number {
  const bytes = bodiesOf(body, id)[0]
  return bytes === undefined || bytes.length > 8 ? fallback : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** The text of the element whose kind has this number (`id`); '' where it is missing. */
export const textOf = (body: Buffer, id: number): string =>
  (bodiesOf(body, id)[0]?.toString('utf8') ?? '').replace(/\0.*$/s, '')

/** A number of variable length, such as the track of a block: its value and bytes; null where it is cut off. */
export function readVint(bytes: Buffer): { value: number; bytes: number } | null {
  const length = vintBytes(bytes[0])
  if (length === 0 || length > bytes.length) return null
  const first = bytes[0]! & ((1 << (8 - length)) - 1)
  return { value: bytes.subarray(1, length).reduce((sum, byte) => sum * 256 + byte, first), bytes: length }
}

/**
 * Heads of the elements in `[from, to)` of a file, positions in bytes, in order and with their places in it: up to a number of `max`, to one
 * of unknown length, or to one that is damaged. Rejects with the error of the file system.
 */
export async function* elementsIn(handle: FileHandle, from: number, to: number, max = 64): AsyncGenerator<ElementHead> {
  for (let at = from, count = 0; at < to && count < max; count++) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, at)
    const head = readHead(buffer.subarray(0, bytesRead), 0)
    if (head === null) return
    const element = { ...head, start: at + head.start }
    yield element
    if (element.length === null) return
    at = element.start + element.length
  }
}

/** The body of an element of a file, at most `max` bytes, as far as it is there. Rejects with the error of the file system. */
export async function bodyOf(handle: FileHandle, { start, length }: ElementHead, max: number): Promise<Buffer> {
  const body = Buffer.alloc(Math.min(length ?? max, max))
  const { bytesRead } = await handle.read(body, 0, body.length, start)
  return body.subarray(0, bytesRead)
}
