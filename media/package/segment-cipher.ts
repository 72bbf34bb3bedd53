/**
 * Encryption of whole segments as HLS has it (`METHOD=AES-128`): AES-128 in CBC mode with PKCS#7 padding, and the number of the segment, from 0,
 * as the initialisation vector. RFC 8216 §4.3.2.4 and §5.2. It is no DRM: whoever gets the key can read all of it.
 */
import { type Cipheriv, createCipheriv } from 'node:crypto'

const BLOCK_BYTES = 16

/** Bytes of a segment of so many bytes once it is encrypted: it is padded to the next whole block. */
export const encryptedBytes = (plain: number): number => plain + BLOCK_BYTES - (plain % BLOCK_BYTES)

/** The segment of this number, from 0, encrypted. `key`: 16 bytes. */
export function encryptSegment(plain: Buffer, { key, segment }: { key: Buffer; segment: number }): Buffer {
  const cipher = segmentCipher(key, segment)
  return Buffer.concat([cipher.update(plain), cipher.final()])
}

/** What encrypts the segment of this number, from 0. `key`: 16 bytes. */
export function segmentCipher(key: Buffer, segment: number): Cipheriv {
  const iv = Buffer.alloc(BLOCK_BYTES)
  iv.writeUInt32BE(segment, BLOCK_BYTES - 4)
  return createCipheriv('aes-128-cbc', key, iv)
}
