/**
 * Chooses the adapter of an address. A file of its own, so that a command that only reads a destination loads neither a database driver nor
 * libp2p (0.03 s instead of 0.6 s).
 */
import { isAbsolute } from 'node:path'
import { createFileDestination } from '../files/file-destination.ts'
import { createFileSource } from '../files/file-source.ts'
import type { Destination } from '../protocol/destination.ts'
import { UsageError } from '../protocol/errors.ts'
import type { Source } from '../protocol/source.ts'

/** Where a video comes from: an absolute path is a file of this machine. `UsageError` for any other address. */
export function openSource(address: string): Source {
  if (isAbsolute(address)) return createFileSource(address)
  throw new UsageError(`the source ${address} is no absolute path`)
}

/** The destination of an address: an absolute path is a folder of this machine. Throws `UsageError` for any other. */
export function openDestination(address: string): Destination {
  if (isAbsolute(address)) return createFileDestination(address)
  throw new UsageError(`the output folder ${address} is no absolute path; choose another with --out`)
}
