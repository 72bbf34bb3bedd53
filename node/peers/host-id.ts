/**
 * Identifies the machine of this node, as replicas are made on different machines. Two machines may have one hostname, and containers of one
 * machine have different ones: so digits of the kernel's boot id follow the name (on Linux), or of the setting `machine`. `machineOf` reads
 * them.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const NAME_MAX = 48

/** The `host` of heartbeats: `<hostname>-<8 hex digits of the machine>`, or the name alone. `machine`: the setting of that name. */
export function hostId(machine?: string): string {
  const name =
    hostname()
      .replace(/[^\x21-\x7e]/g, '')
      .slice(0, NAME_MAX) || 'host'
  if (machine !== undefined) return `${name}-${createHash('sha256').update(machine).digest('hex').slice(0, 8)}`
  try {
    return `${name}-${readFileSync(BOOT_ID, 'utf8').slice(0, 8)}`
  } catch {
    return name
  }
}
