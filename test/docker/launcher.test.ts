/** The Docker launcher against a real engine, with Node's own image as the stand-in for a worker. */
import { randomUUID } from 'node:crypto'
import { createDockerLauncher } from '../../coordinator/launcher/docker-launcher.ts'
import { systemClock } from '../../node/system-clock.ts'
import { launcherConformance } from '../../protocol/launcher.conformance.ts'
import { docker, SOCKET } from './engine.ts'

const WORKER = `
  if (process.env.DO === 'exit') process.exit(Number(process.env.CODE))
  process.on('SIGTERM', () => process.exit(0))
  setInterval(() => {}, 1000)
`

launcherConformance('the Docker launcher', async () => {
  const run = `test-${randomUUID().slice(0, 8)}`
  const meshes = new Set<string>()
  const create = (mesh: string, socket = SOCKET) => {
    meshes.add(mesh)
    const command = ['node', '-e', WORKER]
    const image = 'node:26-bookworm-slim'
    return createDockerLauncher({
      clock: systemClock,
      mesh: `${run}/${mesh}`,
      socket,
      image,
      command,
      network: null,
      volumes: [],
    })
  }
  return {
    outlive: true,
    create: async (mesh) => create(mesh),
    away: async () => create('away', '/nowhere/docker.sock'),
    async destroy() {
      for (const mesh of meshes) {
        const ids = await docker('ps', '-aq', '--filter', `label=reelmesh.mesh=${run}/${mesh}`)
        if (ids) await docker('rm', '-fv', ...ids.split('\n'))
      }
    },
  }
})
