/**
 * Which machine this is: the mesh keeps copies on different ones. Two may have the same name and containers of one machine have
 * each their own, so the name stands before a few digits of what the kernel says of this boot (Linux; elsewhere the name alone),
 * or of what a person calls the machine where the kernel does not tell: `machineOf` takes them out again.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const NAME_MAX = 48

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
