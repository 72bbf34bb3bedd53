/** The modules of a node that take videos in and deliver them. */
import { withLease } from '../coordinator/keep-lease.ts'
import type { PeerId } from '../protocol/ids.ts'
import { isPresent } from '../protocol/peer-table.ts'
import { deliverLease } from '../protocol/shared-folder.ts'
import type { Adapters, Basics, NodeOptions } from './adapters.ts'
import { type AbilityModules, createMustBeAble } from './ladders/refuse-unable.ts'
import { createDeliverer, type Deliverer } from './videos/delivery.ts'
import { createDeliveryFolders } from './videos/delivery-folders.ts'
import { createSharedSources, type SharedSources } from './videos/shared-sources.ts'
import { createSubmit, type SubmitRequest, type Submitted } from './videos/submit.ts'
import { createWatchFolder, type WatchFolder } from './videos/watch-folder.ts'

/** What `createVideoModules` makes. */
export interface VideoModules {
  readonly deliverer: Deliverer
  /** Null where no folder is watched. */
  readonly inputFolder: WatchFolder | null
  submit(request: SubmitRequest): Promise<Submitted>
}

/** Makes the modules. None is started. */
export function createVideoModules(options: NodeOptions, adapters: Adapters, basics: Basics): VideoModules {
  const { clock, rng, log, ledger, store, exchange, media, openSource, openDestination, folders, accepted } = adapters
  const { self, hints, emit, pendingSubmits, undelivered } = basics
  const output = options.inputFolder?.output ?? null
  const deliveryFolders = createDeliveryFolders({ self, folders, accepted, output })
  const submit = createSubmit({
    self, ledger, store, media, openSource, openDestination, folders, deliveryFolders, accepted, pendingSubmits, hints,
    mustBeAble: createMustBeAble({ clock, ledger, media, ...knownPeers(options, basics) }, options.isOnlyCoordinator),
  }) // biome-ignore format: parts of one module
  const deliverer = createDeliverer({
    self, ledger, undelivered, store, exchange, openDestination, deliveryFolders, clock, rng, emit, pendingSubmits, hints,
    lookAtFolders: folders.look,
    underLease: (folder, act, signal) =>
      withLease({ self, lease: deliverLease(folder) }, { ledger, clock, rng, log }, act, signal),
  }) // biome-ignore format: parts of one module
  const watched = options.inputFolder
  const inputFolder =
    watched && createWatchFolder({ ...watched, self, ledger, clock, rng, log, hints, folders, submit })
  return { submit, deliverer, inputFolder }
}

/** This peer, and those that it remembers a heartbeat of and that have not left. */
function knownPeers(
  { name, roles, slots, capability }: NodeOptions,
  { peers }: Basics,
): Pick<AbilityModules, 'self' | 'heard'> {
  return {
    self: { name, roles, slots, ...capability },
    heard: () => peers.all().flatMap(({ beat }) => (beat.state === 'leaving' ? [] : [beat])),
  }
}

/** Makes the search for sources in shared folders. */
export function createSharing({ roles }: NodeOptions, adapters: Adapters, basics: Basics): SharedSources {
  const { ledger, store, folders, openSource, clock, log } = adapters
  const { self, hints, peers } = basics
  return createSharedSources({
    self, ledger, store, folders, openSource, clock, log, hints,
    coordinates: roles.includes('coordinator'),
    isPresent: (peer: PeerId) => isPresent({ self, peers, clock }, peer),
  }) // biome-ignore format: parts of one module
}
