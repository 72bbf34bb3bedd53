/**
 * Reads the files of tokens and certificates again when they have changed: a renewed certificate, or a token that was added or removed, counts within some
 * ten seconds, and no connection ends. Files that cannot be used change nothing, and that is logged once.
 */
import { sentence } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import { type HttpAccess, type HttpSettings, readHttpAccess, stampOf } from './http-access.ts'

/** Looks at the files, and hands to `use` what they hold once it has changed; call it every few seconds. `read`: their stamp when they were read. */
export function createAccessWatch(
  settings: HttpSettings,
  { read, use, log }: { read: string; use(access: HttpAccess): void; readonly log: Log },
): () => Promise<void> {
  let used = read
  let last = read
  return async () => {
    const stamp = await stampOf(settings)
    const isSettled = stamp === last
    last = stamp
    // A certificate and its key are two files: they are read once nobody writes any more.
    if (stamp === used || !isSettled) return
    used = stamp
    try {
      const access = await readHttpAccess(settings, log)
      if (access) use(access)
      log.info('the tokens and certificates of the HTTP API have changed and were read again')
    } catch (error) {
      log.warn('the changed tokens or certificates of the HTTP API cannot be used: those from before stay', {
        error: sentence(error),
      })
    }
  }
}
