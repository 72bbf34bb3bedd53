/** A Docker engine on one host of the lab: its containers see that host's network only, behind its address. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { LabHost } from '../../testing/hosts/lab.ts'
import { docker } from './engine.ts'

export interface HostEngine {
  readonly socket: string
  /** Its `docker` command. */
  docker(...args: string[]): Promise<string>
  /** Names of the containers that run there. */
  running(): Promise<string[]>
  /** Removes its containers and ends it. */
  stop(): Promise<void>
}

const UP_MS = 60_000

/** With this image, taken from the engine that the tests were given. */
export async function startHostEngine(host: LabHost, image: string): Promise<HostEngine> {
  const dir = join(host.dir, 'engine')
  await mkdir(dir, { recursive: true })
  const socket = join(dir, 'docker.sock')
  const there = (...args: string[]) => docker('-H', `unix://${socket}`, ...args)
  const folders = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'run'), '--pidfile', join(dir, 'pid')]
  const daemon = host.spawn(['dockerd', '-H', `unix://${socket}`, ...folders, '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [daemon.stdout, daemon.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2_000)
    })
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  const giveUpAt = performance.now() + UP_MS
  while (!(await there('version').then(Boolean, () => false))) {
    if (daemon.exitCode !== null || performance.now() > giveUpAt) throw new Error(`no engine on ${host.name}: ${said}`)
    await sleep(200)
  }
  const load = `docker save ${image} | docker -H unix://${socket} load -q`
  await execa('sh', ['-c', load], { stdin: 'ignore' })
  return {
    socket,
    docker: there,
    running: async () => (await there('ps', '--format', '{{.Names}}')).split('\n').filter(Boolean).sort(),
    async stop() {
      const all = (await there('ps', '-aq')).split('\n').filter(Boolean)
      if (all.length > 0) await there('rm', '-fv', ...all)
      daemon.kill('SIGTERM')
      await ended
    },
  }
}
