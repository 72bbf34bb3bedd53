/** The workers of the mesh on this peer's engine, as a part of the node. */
import { leaveEngines } from '../fleet/reconcile/engine-owner.ts'
import { sentence } from '../protocol/errors.ts'
import type { Adapters } from './adapters.ts'
import type { Config } from './config.ts'
import { createFleet, type FleetParts } from './fleet.ts'
import type { Modules } from './modules.ts'
import type { Part } from './parts.ts'

/** The part that runs workers on this peer's engine. Without an engine it leaves those that an earlier process reached. */
export function createFleetPart(
  config: Config,
  { swarmKey, createLauncher }: Pick<FleetParts, 'swarmKey' | 'createLauncher'>,
  { log, ledger, mesh, clock, rng }: Adapters,
  { self, hints, emit, peers }: Modules,
): Part {
  const addresses = () => mesh.addresses()
  const fleet = createFleet(config, {
    self,
    ledger,
    peers,
    clock,
    rng,
    log,
    emit,
    hints,
    swarmKey,
    createLauncher,
    addresses,
  })
  if (fleet !== null) return { name: 'fleet', start: fleet.start, stop: fleet.stop }
  const leave = () =>
    leaveEngines(ledger, self, null).catch((error: unknown) =>
      log.warn('could not give up the engines of an earlier process', { error: sentence(error) }),
    )
  return { name: 'fleet', start: leave }
}
