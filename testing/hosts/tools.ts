/**
 * What several hosts on one machine need: root on Linux, `ip`, `iptables` and `tc`. Installs what is missing through the
 * system's package manager; says in one sentence what it could not bring. Never a skip: who asked for hosts gets them or
 * a failure.
 */
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { installPackage, onPath, type PackageNames } from '../tools/system-packages.ts'

const NEEDED: readonly { readonly commands: readonly string[]; readonly names: PackageNames }[] = [
  { commands: ['ip', 'tc'], names: { apt: 'iproute2', dnf: 'iproute-tc', apk: 'iproute2', pacman: 'iproute2' } },
  {
    commands: ['iptables-restore', 'ip6tables-restore', 'iptables'],
    names: { apt: 'iptables', dnf: 'iptables-nft', apk: 'iptables', pacman: 'iptables-nft' },
  },
  {
    commands: ['nsenter', 'unshare', 'setpriv'],
    names: { apt: 'util-linux', dnf: 'util-linux', apk: 'util-linux', pacman: 'util-linux' },
  },
]
/** Where Debian keeps what only root uses; `su` without a dash leaves it out. */
const SYSTEM_FOLDERS = '/usr/sbin:/sbin'

export async function ensureNetworkTools(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('several hosts on one machine need Linux network namespaces')
  if (process.getuid?.() !== 0)
    throw new Error(
      'several hosts on one machine need root: run this as root, or in a container started with --privileged',
    )
  process.env.PATH = `${process.env.PATH ?? ''}:${SYSTEM_FOLDERS}`
  for (const { commands, names } of NEEDED) {
    const missing = await lacking(commands)
    if (missing.length === 0) continue
    const installed = await installPackage(names)
    const still = await lacking(commands)
    if (still.length > 0)
      throw new Error(
        `${still.join(' and ')} cannot be run here${installed.done ? '' : `: ${installed.why}`}; install ${names.apt} (Debian's name of it)`,
      )
  }
}

/** The library that lies to a program about the time (LD_PRELOAD). Installs it where it is missing. */
export async function ensureFaketime(): Promise<string> {
  const found = await findFaketime()
  if (found) return found
  const names = { apt: 'libfaketime', dnf: 'libfaketime', apk: 'libfaketime', pacman: 'libfaketime' }
  const installed = await installPackage(names)
  const path = await findFaketime()
  if (path) return path
  throw new Error(`a wrong clock needs libfaketime${installed.done ? '' : `: ${installed.why}`}`)
}

async function findFaketime(): Promise<string | null> {
  const folders = ['/usr/lib/faketime', '/usr/lib64/faketime']
  for (const name of await readdir('/usr/lib'))
    if (name.endsWith('-linux-gnu')) folders.push(`/usr/lib/${name}/faketime`)
  for (const folder of folders) {
    const path = join(folder, 'libfaketime.so.1')
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return null
}

async function lacking(commands: readonly string[]): Promise<string[]> {
  const found = await Promise.all(commands.map(onPath))
  return commands.filter((_, at) => found[at] === null)
}
