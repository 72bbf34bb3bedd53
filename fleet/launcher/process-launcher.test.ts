import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../node/host/system-clock.ts'
import { launcherConformance } from '../../protocol/conformance/launcher.ts'
import type { Launcher } from '../../protocol/launcher.ts'
import { createProcessLauncher } from './process-launcher.ts'

const WORKER = `
  if (process.env.DO === 'exit') {
    require('node:fs').writeSync(2, 'a line before it\\nreelmesh: it cannot go on\\n')
    process.exit(Number(process.env.CODE))
  }
  process.stdin.resume().on('close', () => process.exit(0))
`

launcherConformance('the process launcher', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-launcher-'))
  const made: Launcher[] = []
  return {
    outlive: false,
    async create(mesh) {
      const command = [process.execPath, '-e', WORKER] as const
      const launcher = createProcessLauncher({ clock: systemClock, engine: 'this host', dir: join(dir, mesh), command })
      made.push(launcher)
      return launcher
    },
    async destroy() {
      await Promise.all(made.map((launcher) => launcher.close()))
      await rm(dir, { recursive: true, force: true })
    },
  }
})
