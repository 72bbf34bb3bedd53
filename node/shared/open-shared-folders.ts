/** The shared folders of a configuration. */
import { join } from 'node:path'
import type { Clock, Rng } from '../../protocol/clock.ts'
import type { SharedFolders } from '../../protocol/shared-folder.ts'
import type { Config } from '../config.ts'
import { createKnownIds } from './known-ids.ts'
import { createSharedFolders, NO_SHARED_FOLDERS, sharedSettings } from './shared-folders.ts'

/** The folders, not looked at yet. A peer that only starts workers has none: it names them for those workers. */
export function openSharedFolders(
  config: Pick<Config, 'shared' | 'data_dir' | 'roles'>,
  { clock, rng }: { readonly clock: Clock; readonly rng: Rng },
): SharedFolders {
  if (config.shared.length === 0 || config.roles.every((role) => role === 'launcher')) return NO_SHARED_FOLDERS
  const known = createKnownIds(join(config.data_dir, 'shared-folders.json'))
  return createSharedFolders({ settings: sharedSettings(config.shared), clock, rng, known })
}
