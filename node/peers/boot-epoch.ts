/**
 * The boot counter, `<data>/epoch`: +1 at every start, on the disk before the first heartbeat, and never below an epoch
 * that others have seen for this id. Heartbeats carry it, so a restarted node is believed at once, whatever its wall clock says.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableWrite } from '../../files/durable-write.ts'

export interface BootEpoch {
  readonly current: () => number
  /**
   * Someone has heard this id with a higher epoch: the file was lost or an old backup came back. Goes above it, on the
   * disk first. Answers the epoch to go on with.
   */
  raise(seen: number): Promise<number>
}

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
        // One that failed does not stand in the way of the next.
        writing = writing.catch(() => {}).then(() => writeEpoch(path, wanted))
        await writing
        epoch = Math.max(epoch, wanted)
      }
      return epoch
    },
  }
}

/** A file that cannot be read counts as none: whoever remembers better says so, and `raise` follows. */
async function readEpoch(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '0')
  const epoch = Number(text.trim())
  return Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0
}

const writeEpoch = (path: string, epoch: number): Promise<void> =>
  durableWrite(path, `${epoch}\n`, { temporary: `${path}.${process.pid}`, mode: 0o600 })
