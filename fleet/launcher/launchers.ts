/** The launchers that a configuration may choose, by kind. */
import type { Clock } from '../../protocol/clock.ts'
import type { Launcher } from '../../protocol/launcher.ts'
import { createDockerLauncher, type DockerSettings } from './docker-launcher.ts'
import { createProcessLauncher, type ProcessSettings } from './process-launcher.ts'

/** The kind of a launcher, and its settings. A new kind adds a member here and a case below. */
export type LauncherChoice =
  | ({ readonly kind: 'docker' } & DockerSettings)
  | ({ readonly kind: 'process' } & ProcessSettings)

/** Makes the launcher of this choice. It sends no request before its first method is called. */
export function createLauncher(choice: LauncherChoice, clock: Clock): Launcher {
  switch (choice.kind) {
    case 'docker':
      return createDockerLauncher({ ...choice, clock })
    case 'process':
      return createProcessLauncher({ ...choice, clock })
  }
}
