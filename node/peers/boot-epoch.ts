/**
 * The boot counter, `<data>/epoch`: +1 at every start, on the disk before the first heartbeat, and never below an epoch that others have
 * seen for this id. Heartbeats carry it, so that those of a restarted node count as newer, whatever its wall clock shows.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableWrite } from '../../files/durable-write.ts'

/** The epoch of this process, which may rise while it runs. */
export interface BootEpoch {
  readonly current: () => number
  /**
   * Raises the epoch above `seen`, a higher counter that others have heard for this id: the file was lost, or an old backup was restored.
   * Writes it to the disk first. Answers the epoch from now on. Rejects with the error of the file system.
   */
  raise(seen: number): Promise<number>
}

/** Raises the counter in the data folder by 1. Rejects with the error of the file system. */
export async function nextBootEpoch(dataDir: string): Promise<BootEpoch> {
  const path = join(dataDir, 'epoch')
  let epoch = (await readEpoch(path)) + 1
  await writeEpoch(path, epoch)
  let writing: Promise<void> = Promise.resolve()
  return {
    current: () => epoch,
    raise: async (seen) => {
      const wanted = Math.max(epoch, seen + 1)
      if (wanted > epoch && Number.isSafeInteger(wanted)) {
        // An earlier write that failed does not prevent this one.
        writing = writing.catch(() => {}).then(() => writeEpoch(path, wanted))
        await writing
        epoch = Math.max(epoch, wanted)
      }
      return epoch
    },
  }
}

/** The counter in the file; 0 where it cannot be read: peers that have heard a higher one report it, and `raise` follows. */
async function readEpoch(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '0')
  const epoch = Number(text.trim())
  return Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0
}

const writeEpoch = (path: string, epoch: number): Promise<void> =>
  durableWrite(path, `${epoch}\n`, { temporary: `${path}.${process.pid}`, mode: 0o600 })
