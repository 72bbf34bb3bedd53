/**
 * Encryption of whole segments as HLS has it (`METHOD=AES-128`): AES-128 in CBC mode with PKCS#7 padding, and the number of the segment, from 0,
 * as the initialisation vector. RFC 8216 §4.3.2.4 and §5.2. It is no DRM: whoever gets the key can read all of it.
 */
import { type Cipheriv, createCipheriv } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Range } from './facts.ts'
import type { Fragment } from './layout.ts'

const BLOCK_BYTES = 16

/** Bytes of a segment of so many bytes once it is encrypted: it is padded to the next whole block. */
export const encryptedBytes = (plain: number): number => plain + BLOCK_BYTES - (plain % BLOCK_BYTES)

/** The segment of this number, from 0, encrypted. `key`: 16 bytes. */
export function encryptSegment(plain: Buffer, { key, segment }: { key: Buffer; segment: number }): Buffer {
  const cipher = cipherOf(key, segment)
  return Buffer.concat([cipher.update(plain), cipher.final()])
}

/** Where segments lie once they are encrypted. */
export function encrypted(plain: readonly Range[]): Range[] {
  let offset = plain[0]?.offset ?? 0
  return plain.map((range) => {
    const bytes = encryptedBytes(range.bytes)
    offset += bytes
    return { ...range, offset: offset - bytes, bytes }
  })
}

/** Takes the bytes of fragments in order. */
export interface Sink {
  write(bytes: Buffer): Promise<unknown>
  /** All of a fragment was written. */
  wrote(fragment: Fragment): Promise<unknown>
}

/** Writes to a file, encrypted where there is a key of 16 bytes. `last`: the last fragment of each segment. */
export function createSink(to: FileHandle, key: Buffer | null, last: ReadonlySet<Fragment>): Sink {
  if (key === null) return { write: (bytes) => to.write(bytes), wrote: async () => {} }
  let segment = 0
  let cipher = cipherOf(key, segment)
  return {
    write: (bytes) => to.write(cipher.update(bytes)),
    async wrote(fragment) {
      if (!last.has(fragment)) return
      await to.write(cipher.final())
      cipher = cipherOf(key, ++segment)
    },
  }
}

function cipherOf(key: Buffer, segment: number): Cipheriv {
  const iv = Buffer.alloc(BLOCK_BYTES)
  iv.writeUInt32BE(segment, BLOCK_BYTES - 4)
  return createCipheriv('aes-128-cbc', key, iv)
}
