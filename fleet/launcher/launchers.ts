/** The launcher that a configuration asks for. */
import type { Launcher } from '../../protocol/launcher.ts'
import { createDockerLauncher, type DockerLauncherOptions } from './docker-launcher.ts'
import { createProcessLauncher, type ProcessLauncherOptions } from './process-launcher.ts'

export type LauncherOptions =
  | ({ readonly kind: 'docker' } & DockerLauncherOptions)
  | ({ readonly kind: 'process' } & ProcessLauncherOptions)

export function createLauncher(options: LauncherOptions): Launcher {
  return options.kind === 'docker' ? createDockerLauncher(options) : createProcessLauncher(options)
}
