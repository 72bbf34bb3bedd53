/**
 * Which adapter serves an address. Apart from `compose.ts`, so that a command that only looks at a destination loads no database
 * driver and no network (0.03 s instead of 0.6 s).
 */
import { isAbsolute } from 'node:path'
import { createFileDestination } from '../files/file-destination.ts'
import type { Destination } from '../protocol/destination.ts'
import { UsageError } from '../protocol/errors.ts'

/** Where results go: an absolute path is a folder of this machine. `UsageError` for any other address. */
export function openDestination(address: string): Destination {
  if (isAbsolute(address)) return createFileDestination(address)
  throw new UsageError(`the output folder ${address} is no absolute path; choose another with --out`)
}
