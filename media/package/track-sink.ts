/** Takes the bytes of a track in order and writes them to a file: as they are, or encrypted by one of the two methods. */
import type { FileHandle } from 'node:fs/promises'
import type { KeyMethod } from '../../protocol/package.ts'
import { createCbcs, trackKey } from './cbcs.ts'
import type { Fragment } from './layout.ts'
import { encryptedBytes, segmentCipher } from './segment-cipher.ts'

/** How a track is encrypted. */
export interface TrackCipher {
  readonly method: KeyMethod
  /** 16 bytes. */
  readonly key: Buffer
}

/** Bytes of a fragment in the file, and of its beginning with the first sample. */
export type Written = Pick<Fragment, 'bytes' | 'keyBytes'>

/** Takes the bytes of fragments in order. */
export interface Sink {
  /** What initialises a decoder of what is written. */
  readonly init: Buffer
  /** The bytes are the caller's again once it has answered. */
  write(bytes: Buffer): Promise<unknown>
  /** All of a fragment was written. Rejects with `AttemptFailed`. */
  wrote(fragment: Fragment): Promise<Written>
}

/** A track to write. */
export interface SinkJob {
  /** Its name in the package. */
  readonly name: string
  readonly init: Buffer
  /** The last fragment of each segment. */
  readonly last: ReadonlySet<Fragment>
  readonly cipher: TrackCipher | null
}

/** Writes to a file. Throws `AttemptFailed('build_cannot')` as `createCbcs`. */
export function createSink(to: FileHandle, { cipher, ...job }: SinkJob): Sink {
  if (cipher === null) return { init: job.init, write: (bytes) => to.write(bytes), wrote: async (fragment) => fragment }
  return cipher.method === 'cbcs' ? sampleSink(to, job, cipher.key) : segmentSink(to, job, cipher.key)
}

type Job = Omit<SinkJob, 'cipher'>

function segmentSink(to: FileHandle, { init, last }: Job, key: Buffer): Sink {
  let [segment, plain] = [0, 0]
  let cipher = segmentCipher(key, segment)
  return {
    init,
    write: (bytes) => to.write(cipher.update(bytes)),
    async wrote(fragment) {
      const { bytes, keyBytes } = fragment
      plain += bytes
      if (!last.has(fragment)) return { bytes, keyBytes }
      await to.write(cipher.final())
      cipher = segmentCipher(key, ++segment)
      const padding = encryptedBytes(plain) - plain
      plain = 0
      return { bytes: bytes + padding, keyBytes }
    },
  }
}

function sampleSink(to: FileHandle, { name, init: plain }: Job, key: Buffer): Sink {
  const { init, fragment } = createCbcs(plain, trackKey(key, name))
  let pieces: Buffer[] = []
  return {
    init,
    write: async (bytes) => pieces.push(Buffer.from(bytes)),
    async wrote() {
      const { bytes, keyBytes } = fragment(Buffer.concat(pieces))
      pieces = []
      await to.write(bytes)
      return { bytes: bytes.length, keyBytes }
    },
  }
}
