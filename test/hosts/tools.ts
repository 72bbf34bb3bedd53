/**
 * What several hosts on one machine need: root on Linux, `ip`, `iptables` and `tc`. Installs what is missing through the
 * system's package manager; says in one sentence what it could not bring. Never a skip: who asked for hosts gets them or
 * a failure.
 */
import { installPackage, onPath, type PackageNames } from '../../scripts/system-packages.ts'

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

async function lacking(commands: readonly string[]): Promise<string[]> {
  const found = await Promise.all(commands.map(onPath))
  return commands.filter((_, at) => found[at] === null)
}
