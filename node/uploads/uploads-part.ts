/** The part of a node that keeps its uploads: reads those of an earlier process, and removes those that nobody needs. */
import { join } from 'node:path'
import { createNotifier } from '../../protocol/notifier.ts'
import { runRounds } from '../../protocol/rounds.ts'
import type { Adapters } from '../adapters.ts'
import type { Config } from '../config.ts'
import type { Part } from '../parts.ts'
import { tidyUploads } from './tidy-uploads.ts'
import { createUploadFiles, type UploadFiles } from './upload-files.ts'

/** Interval of passes, ms. */
const TIDY_MS = 60_000

/** The uploads of a node of this configuration, and the part that keeps them. */
export function createNodeUploads(
  { data_dir, http_upload_gb }: Pick<Config, 'data_dir' | 'http_upload_gb'>,
  { store, ledger, clock, rng, log }: Pick<Adapters, 'store' | 'ledger' | 'clock' | 'rng' | 'log'>,
): { readonly uploads: UploadFiles; readonly part: Part } {
  const dir = join(data_dir, 'uploads')
  const uploads = createUploadFiles({ dir, bytesMax: http_upload_gb * 1e9, room: () => store.room(), rng })
  const job = { name: 'uploads', everyMs: TIDY_MS, round: () => tidyUploads({ uploads, store, ledger, clock }) }
  let running: Promise<void> | null = null
  const part: Part = {
    name: 'uploads',
    async start(stopping) {
      await uploads.start()
      running = runRounds(job, { notifier: createNotifier(clock), log }, stopping)
    },
    stop: () => running,
  }
  return { uploads, part }
}
