/**
 * How ffmpeg is wrapped here, kept from one start to the next: the trials are eight processes, and hold up the first picture by 0.1 s. Only a full
 * answer is kept, or one that lacks bubblewrap where that is not installed, so that what is set up later is found at the next start. Where a kept level works
 * no more, the first run at it shows that.
 */
import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Rng } from '../protocol/clock.ts'
import { keepJson } from './keep-json.ts'
import { pathFacts } from './path-facts.ts'
import { isLevel, PRIVILEGES, type SandboxLevel } from './sandbox.ts'
import { findWrapping, type Wrapping } from './wrapping.ts'

/** Where the answer is kept. */
export interface WrappingCache {
  readonly cacheDir: string
  readonly rng: Rng
}

/** What `findWrapping` finds for `auto`, without its trials where nothing has changed that they depend on. */
export async function keptWrapping({ cacheDir, rng }: WrappingCache): Promise<Wrapping> {
  const [key, file] = [await machineKey(), join(cacheDir, 'wrapping.json')]
  const levels = key === null ? null : await readLevels(file, key)
  if (levels !== null) return { ...ALL_TOOLS, levels }
  const wrapping = await findWrapping('auto')
  if (key !== null && (await isFull(wrapping))) await keepJson(file, { key, levels: wrapping.levels }, rng)
  return wrapping
}

/** A full answer, but for its levels: nothing that becomes a command is read from the file. */
const ALL_TOOLS = { dieWithParent: true, bounds: true, nice: true, privileges: PRIVILEGES } as const

async function isFull({ dieWithParent, bounds, nice, privileges, levels }: Wrapping): Promise<boolean> {
  if (!(dieWithParent && bounds && nice && privileges.length > 0)) return false
  if (levels[0] !== 'no_network') return levels[0] === 'bubblewrap'
  const candidates = folders().map((folder) => join(folder, 'bwrap'))
  return (await pathFacts(candidates, ({ ino }) => [ino])).every((facts) => facts.length === 1)
}

/** The folders of programs. */
const folders = (): string[] => (process.env['PATH'] ?? '').split(delimiter)

/** This boot, the rights of this process, and the folders of programs, which change with what is installed; null where the system does not say. */
async function machineKey(): Promise<string | null> {
  try {
    const [boot, status, ...spaces] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile('/proc/self/status', 'utf8'),
      ...['user', 'mnt', 'net', 'pid'].map((space) => readlink(`/proc/self/ns/${space}`)),
    ])
    const rights = status.split('\n').filter((line) => /^(?:Uid|Gid|Cap\w+|NoNewPrivs|Seccomp\w*):/.test(line))
    const times = await pathFacts(folders(), ({ ino, mtimeMs }) => [ino, mtimeMs])
    return createHash('sha256')
      .update(JSON.stringify([boot, rights, spaces, times]))
      .digest('hex')
  } catch {
    return null
  }
}

/** Those that are kept under this key; null where the file is missing or is not what is written here. */
async function readLevels(file: string, key: string): Promise<readonly SandboxLevel[] | null> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as { key: unknown; levels: SandboxLevel[] }
    const isConfined = kept.levels[0] === 'bubblewrap' || kept.levels[0] === 'no_network'
    const isKept = kept.key === key && isConfined && kept.levels.every(isLevel)
    return isKept ? kept.levels : null
  } catch {
    return null
  }
}
