/**
 * Lists the parts of a sound that this worker is encoding: each becomes a blob, and an output of its task, so that the sound can be played before it is
 * encoded whole.
 *
 * Parts that an attempt before has listed are made again. Where they have the same bytes this peer becomes one more holder of them. Where they differ, as
 * another build of ffmpeg may have made them, those that are listed stay until this attempt has come as far, and are then replaced all at once.
 */
import type { Artifact } from '../../protocol/artifact.ts'
import type { BlobStore } from '../../protocol/blobs.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { SoundPartTaker } from '../../protocol/media.ts'
import type { HeldTask } from '../../protocol/runner.ts'
import { soundPartAt } from '../../protocol/sound-part.ts'

/** The parts that this uses. */
export interface SoundPartListModules {
  readonly self: PeerId
  readonly store: Pick<BlobStore, 'put'>
  readonly ledger: Pick<Ledger, 'listParts' | 'addTaskHolder'>
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** Makes the taker of the parts of one attempt. */
export function createSoundPartList(
  { self, store, ledger, log }: SoundPartListModules,
  { task, attempt }: HeldTask,
): SoundPartTaker {
  let listed = new Map(task.outputs.map(({ path, sha256 }): [string, Sha256] => [path, sha256]))
  const own: Artifact[] = []
  const isListed = ({ path, sha256 }: Artifact) => listed.get(path) === sha256

  async function list(parts: readonly Artifact[], instead: boolean): Promise<void> {
    if (parts.length === 0) return
    const outcome = await ledger.listParts({ task: task._id, attempt, worker: self, parts: [...parts], instead })
    if (outcome === 'superseded') throw new Error('the attempt was superseded')
    if (instead) listed = new Map()
    for (const { path, sha256 } of parts) listed.set(path, sha256)
  }

  return {
    async take(made) {
      const fresh: Artifact[] = []
      for (const { path, sound } of made) {
        const ref = await store.put(task.video_id, path)
        fresh.push({ ...soundPartAt(sound), ...ref, holders: [self], sound })
      }
      own.push(...fresh)
      for (const part of fresh.filter(isListed)) await ledger.addTaskHolder(task._id, part.sha256, self)
      const differs = own.some((part) => listed.has(part.path) && !isListed(part))
      if (!differs)
        return await list(
          own.filter((part) => !isListed(part)),
          false,
        )
      const paths = new Set(own.map(({ path }) => path))
      if ([...listed.keys()].every((path) => paths.has(path))) await list(own, true)
    },
    failed: (error) =>
      log.warn('no more parts of the sound are listed before it is encoded', {
        task: task._id,
        error: sentence(error),
      }),
  }
}
