/**
 * Installs what the system lacks through its own package manager, where this user may (root, sudo without a password,
 * or Homebrew), showing what it does. It never asks for a password: an `npm test` must not stop to wait for one.
 */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'

/** The package's name with each manager; a manager without a name here is not used. */
export type PackageNames = Readonly<Partial<Record<ManagerName, string>>>
export type Installed = { readonly done: true } | { readonly done: false; readonly why: string }

interface Manager {
  readonly command: string
  readonly needsRoot: boolean
  readonly steps: (name: string) => readonly (readonly string[])[]
}

/** It ends at once where another one runs: those of scripts/docker/engine.sh wait for it by this lock, too. -o: a service that a package starts does not hold it. */
const ONE_APT = ['flock', '-o', '/var/lib/dpkg', 'apt-get'] as const

const MANAGERS = {
  apt: {
    command: 'apt-get',
    needsRoot: true,
    steps: (name) => [
      [...ONE_APT, 'update', '-q'],
      [...ONE_APT, 'install', '-q', '-y', '--no-install-recommends', name],
    ],
  },
  dnf: { command: 'dnf', needsRoot: true, steps: (name) => [['dnf', 'install', '-y', name]] },
  apk: { command: 'apk', needsRoot: true, steps: (name) => [['apk', 'add', name]] },
  pacman: { command: 'pacman', needsRoot: true, steps: (name) => [['pacman', '-Sy', '--noconfirm', name]] },
  brew: { command: 'brew', needsRoot: false, steps: (name) => [['brew', 'install', name]] },
} as const satisfies Record<string, Manager>
type ManagerName = keyof typeof MANAGERS

/** The absolute path of a command, or null. */
export async function onPath(command: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, command)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}

/** Installs one package; answers with the reason where it could not. */
export async function installPackage(names: PackageNames): Promise<Installed> {
  for (const [key, manager] of Object.entries(MANAGERS) as [ManagerName, Manager][]) {
    const name = names[key]
    if (!name || !(await onPath(manager.command))) continue
    const prefix = manager.needsRoot ? await rootPrefix() : []
    if (!prefix) return { done: false, why: `${manager.command} needs root, and sudo asks for a password` }
    return await runSteps(
      manager.steps(name).map((step) => [...prefix, ...step]),
      name,
    )
  }
  return { done: false, why: 'no package manager that could bring it was found' }
}

async function rootPrefix(): Promise<readonly string[] | null> {
  if (process.getuid?.() === 0) return []
  if (!(await onPath('sudo'))) return null
  const { exitCode } = await execa('sudo', ['-n', 'true'], { reject: false, stdio: 'ignore' })
  return exitCode === 0 ? ['sudo', '-n'] : null
}

/** Only the last step decides: a list of packages that could not be refreshed may still know this one. */
async function runSteps(steps: readonly (readonly string[])[], name: string): Promise<Installed> {
  let code: number | undefined
  for (const [command = '', ...args] of steps) {
    console.error(`reelmesh: ${[command, ...args].join(' ')}`)
    const { exitCode } = await execa(command, args, {
      reject: false,
      stdin: 'ignore',
      stdout: process.stderr,
      stderr: process.stderr,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
    code = exitCode
  }
  if (code === 0) return { done: true }
  return { done: false, why: `installing ${name} ended with exit code ${code ?? 'none'} (see above)` }
}
