/** docker-compose.yml: how each container is confined, and who reaches the database and the engine; and what their image is built from. That it works is for test/docker. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { LAYERS, ROOT } from './sources.ts'

interface Service {
  readonly image: string
  readonly user?: string
  readonly cap_drop: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt: readonly string[]
  readonly read_only: boolean
  readonly privileged?: boolean
  readonly network_mode?: string
  readonly networks?: readonly string[]
  readonly volumes: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly deploy: { readonly resources: { readonly limits: { readonly pids: number } } }
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
}

const { services, networks } = parse(await readFile(join(ROOT, 'docker-compose.yml'), 'utf8'), {
  merge: true,
}) as Compose
const all = Object.entries(services)
const isDatabase = (name: string) => name.startsWith('mongo-')

/** What a process needs that starts as root, changes owners and becomes another user. */
const OWNERS = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID']

for (const [name, service] of all)
  test(`${name} has no capability to spare, gains none, has a read-only root and a bound on processes`, () => {
    const { cap_drop, cap_add = [], security_opt, read_only, privileged, deploy } = service
    assert.partialDeepStrictEqual(
      { cap_drop, security_opt, read_only },
      {
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        read_only: true,
      },
    )
    assert.equal(privileged, undefined)
    assert.deepEqual(cap_add, name === 'prepare' || isDatabase(name) ? OWNERS : [])
    assert.ok(deploy.resources.limits.pids > 0)
  })

test('the database is in a network of its own, without a way out, that only peers join; it asks for passwords', () => {
  assert.equal(networks.database?.internal, true)
  for (const [name, { networks: joined, network_mode, command }] of all) {
    if (name === 'prepare') assert.equal(network_mode, 'none')
    else assert.deepEqual(joined, isDatabase(name) ? ['database'] : ['mesh', 'database'])
    if (isDatabase(name)) assert.ok(command.includes('--keyFile'))
  }
})

test('only peers that read no video have the socket of the engine, and their workers join both networks', () => {
  const withSocket = all.filter(([, { volumes }]) => volumes.some((volume) => volume.includes('docker.sock')))
  assert.deepEqual(
    withSocket.map(([, { environment }]) => environment.REELMESH_ROLES),
    ['launcher', 'launcher'],
  )
  for (const [, { environment }] of withSocket)
    assert.match(String(environment.REELMESH_SCALE_NETWORK), /_mesh,.*_database$/)
})

test('every image can be named by a digest', async () => {
  for (const [name, { image }] of all) assert.match(image, /^\$\{(?:REELMESH|MONGO)_IMAGE:-/, name)
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  for (const [line] of dockerfile.matchAll(/^FROM .*/gm)) assert.match(line, /^FROM \$\{NODE_IMAGE\}/)
})

test('the image is built from every folder of the program', async () => {
  const allowed = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n')
  const folders = [...LAYERS, 'page', 'bin']
  assert.deepEqual(
    folders.filter((folder) => !allowed.includes(`!${folder}/`)),
    [],
  )
})
