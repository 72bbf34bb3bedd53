/** Does what the schedule says to the real place, and undoes it. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Lab } from '../../testing/hosts/lab.ts'
import type { Mongod } from '../../testing/tools/mongod.ts'
import { rotBlobs } from '../hosts/small-disk.ts'
import type { Member } from './member.ts'
import type { Fault, Victim } from './schedule.ts'

export interface Place {
  readonly lab: Lab
  readonly mongod: Mongod
  /** Reached from here whatever is cut. */
  readonly ledger: Ledger
  readonly members: readonly Member[]
}

/** How long who leads, or works, may be asked before any node will do. */
const ASK_MS = 1_500

/** Whom the fault strikes; null for the database. */
export async function victimOf(fault: Fault, place: Place): Promise<Member | null> {
  if (!('who' in fault)) return null
  const peer =
    typeof fault.who === 'number' ? null : await Promise.race([peerOf(fault.who, place), sleep(ASK_MS, null)])
  const found = place.members.find((member) => member.peer === peer)
  return found ?? place.members[typeof fault.who === 'number' ? fault.who : 0] ?? null
}

async function peerOf(who: Exclude<Victim, number>, { ledger }: Place): Promise<PeerId | null> {
  if (who === 'leader') return (await ledger.lease().catch(() => null))?.holder ?? null
  const running = await ledger.tasks({ kinds: ['video', 'audio'], statuses: ['PROCESSING'] }).catch(() => [])
  const counts = new Map<PeerId, number>()
  for (const { claims } of running)
    for (const { worker_id } of claims) counts.set(worker_id, (counts.get(worker_id) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null
}

/** Strikes, and answers what heals it. */
export async function strike(fault: Fault, victim: Member | null, place: Place): Promise<() => Promise<void>> {
  if (victim === null) return strikeDatabase(fault, place)
  const { host } = victim
  const node = victim.node
  const nothing = async () => {}
  switch (fault.what) {
    case 'kill':
      victim.expectEnd(fault.ms)
      await node?.kill('SIGKILL')
      return nothing
    case 'power':
      victim.expectEnd(fault.ms)
      await host.powerOff()
      return nothing
    case 'restart':
      // A host that stands still ends nothing: its turn is another one.
      if (victim.isHeld) return nothing
      victim.expectEnd(fault.ms)
      await victim.stop()
      return nothing
    case 'stop':
      victim.isHeld = true
      await node?.kill('SIGSTOP')
      return async () => {
        victim.isHeld = false
        await node?.kill('SIGCONT')
      }
    case 'freeze':
      victim.isHeld = true
      await host.freeze()
      return async () => {
        victim.isHeld = false
        await host.thaw()
      }
    case 'cut':
      await host.cut()
      return () => host.heal()
    case 'no-ledger':
      await host.cutFrom(place.lab.host(0))
      return () => host.heal()
    case 'one-way': {
      const others = place.members.filter((member) => member !== victim)
      const other = others[fault.to % others.length]
      if (other) await host.dropFrom(other.host)
      return () => host.heal()
    }
    case 'loss':
      await host.loss(0.3)
      return () => host.loss(0)
    case 'disk-full':
      await victim.disk.fill()
      return () => victim.disk.empty()
    case 'rot':
      await rotBlobs(victim.dataDir)
      return nothing
    default:
      return nothing
  }
}

async function strikeDatabase({ what }: Fault, { mongod }: Place): Promise<() => Promise<void>> {
  const [member] = mongod.members
  if (what === 'db-freeze') {
    member?.freeze()
    return async () => member?.thaw()
  }
  await (what === 'db-kill' ? mongod.kill() : member?.shutDown())
  return () => mongod.start()
}
