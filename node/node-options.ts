/** What a node is and what it may do, by its configuration and the self-test of its ffmpeg. */
import { freemem } from 'node:os'
import { join } from 'node:path'
import type { SelfTestReport } from '../protocol/media.ts'
import type { NodeOptions } from './adapters.ts'
import { type Config, defaultSlots } from './config.ts'
import { scalingOf } from './fleet.ts'
import { inputDeadlineAt } from './input-deadline.ts'
import { inputKey } from './input-package.ts'
import { inputRecipe } from './input-recipe.ts'
import { hostId } from './peers/host-id.ts'
import { VERSION } from './version.ts'
import { watchedFolders } from './videos/watched-folders.ts'

/** The options of a node. Throws `UsageError` where settings do not fit each other. */
export function nodeOptions(
  config: Config,
  selfTestReport: SelfTestReport,
): Omit<NodeOptions, 'isOnlyCoordinator' | 'isForOneFilm'> {
  const slots = config.roles.includes('worker') ? (config.slots ?? slotsFor(selfTestReport)) : 0
  return {
    version: VERSION,
    name: config.name,
    host: hostId(config.machine),
    roles: config.roles,
    ffmpeg: selfTestReport.ffmpeg,
    capability: capabilityOf(config, selfTestReport),
    slots,
    audit: config.audit,
    scaling: scalingOf(config, slots),
    inputFolder: inputFolderOf(config),
  }
}

function capabilityOf(config: Config, { decoders, filters, encoders }: SelfTestReport): NodeOptions['capability'] {
  return { decoders, filters, encoders, renditions: config.renditions.includes('all') ? 'all' : config.renditions }
}

function inputFolderOf(config: Config): NodeOptions['inputFolder'] {
  const folders = watchedFolders(config)
  if (folders === null) return null
  const { input, output } = folders
  const stateFile = join(config.data_dir, 'input-folder.json')
  return {
    input,
    output,
    stateFile,
    recipe: inputRecipe(config),
    key: inputKey(config),
    webhooks: config.input_webhooks,
    deadlineAt: (now) => inputDeadlineAt(config, now),
  }
}

/** Number of encodes at once that suit this machine and this ffmpeg. */
export const slotsFor = (selfTestReport: SelfTestReport): number =>
  defaultSlots({
    freeBytes: freemem(),
    coresPerSlot: selfTestReport.cores_per_slot,
    encodeBytes: selfTestReport.encode_bytes,
  })
