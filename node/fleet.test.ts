/** What the workers that a node starts are given, and which engine they belong to. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LauncherChoice } from '../fleet/launcher/launchers.ts'
import { UsageError } from '../protocol/errors.ts'
import { asPeerId } from '../protocol/ids.ts'
import type { Launcher } from '../protocol/launcher.ts'
import { silentLog } from '../protocol/log.ts'
import { folder } from '../testing/tools/folder.ts'
import { type ConfigInput, loadConfig } from './config.ts'
import { createFleet, type FleetParts, mustReachFleet, specOf } from './fleet.ts'

const CWD = '/home/ann'
const MESH = { ledger: 'mongodb://db.example/mesh', data_dir: '/data' }
const configOf = (flags: ConfigInput) => loadConfig({ flags: { ...MESH, ...flags }, env: {}, cwd: CWD })
const environmentOf = async (flags: ConfigInput) =>
  specOf(await configOf(flags), { name: 'auto-1', reason: 'a long queue', addresses: ['/ip4/10.0.0.1/tcp/1'] })
    .environment

/** The launcher that this peer chooses. */
async function choiceOf(peer: string, flags: ConfigInput): Promise<LauncherChoice> {
  const chosen: LauncherChoice[] = []
  const createLauncher = (choice: LauncherChoice) => {
    chosen.push(choice)
    return {} as Launcher
  }
  const clock = { mono: () => 0 }
  const ledger = { description: 'MongoDB, database mesh' }
  const parts = { self: asPeerId(peer), clock, ledger, log: silentLog, swarmKey: undefined, createLauncher }
  createFleet(await configOf(flags), parts as unknown as FleetParts)
  return chosen[0]!
}

test('a worker is given the limits of an encode of this node, and the ways in which it finds peers', async () => {
  for (const launcher of ['docker', 'process']) {
    const given = await environmentOf({ launcher, ffmpeg_memory_mb: 4_096, ffmpeg_stall_ms: 300_000, mdns: true })
    assert.equal(given.REELMESH_FFMPEG_MEMORY_MB, '4096')
    assert.equal(given.REELMESH_FFMPEG_STALL_MS, '300000')
    assert.equal(given.REELMESH_MDNS, 'true')
    assert.equal(given.REELMESH_JOIN, '/ip4/10.0.0.1/tcp/1')
  }
})

test('a worker reads the address of the ledger from the file from which this node has it', async (t) => {
  const dir = await folder(t)
  const file = join(dir, 'address')
  await writeFile(file, 'mongodb://ann:secret@db.example/mesh')
  const given = await environmentOf({ launcher: 'docker', ledger: undefined, ledger_file: file })
  assert.equal(given.REELMESH_LEDGER_FILE, file)
  assert.ok(!JSON.stringify(given).includes('secret'))
})

test('a worker in a folder of its own reads the files that the settings of this node name', async () => {
  const flags = { swarm_key: 'mesh.key', ledger: 'sqlite:mesh.db', ffmpeg: 'bin/ffmpeg', self_test_dir: 'self-tests' }
  const given = await environmentOf({ launcher: 'process', ...flags })
  assert.equal(given.REELMESH_SWARM_KEY, `${CWD}/mesh.key`)
  assert.equal(given.REELMESH_LEDGER, `sqlite:${CWD}/mesh.db`)
  assert.equal(given.REELMESH_FFMPEG, `${CWD}/bin/ffmpeg`)
  assert.equal(given.REELMESH_FFPROBE, 'ffprobe')
  assert.equal(given.REELMESH_SELF_TEST_DIR, `${CWD}/self-tests`)
})

test('started workers are given the shared folders of this node: processes by its setting, containers by their launcher', async () => {
  const shared = 'films=/mnt/films,more=more'
  const given = await environmentOf({ launcher: 'process', shared })
  assert.equal(given.REELMESH_SHARED, `films=/mnt/films,more=${CWD}/more`)
  assert.equal((await environmentOf({ launcher: 'docker', shared })).REELMESH_SHARED, undefined)
  const choice = await choiceOf('12D3KooWAnnAnnAnn', { launcher: 'docker', shared: 'films=/mnt/films' })
  assert.ok(choice.kind === 'docker')
  assert.deepEqual(choice.shared, [{ name: 'films', path: '/mnt/films' }])
})

test('the processes of each node are an engine of their own, also on one host or on hosts of one name', async () => {
  const engineOf = async (peer: string) => {
    const choice = await choiceOf(peer, { launcher: 'process' })
    return choice.kind === 'process' ? choice.engine : null
  }
  assert.equal(await engineOf('12D3KooWAnnAnnAnn'), `node nnAnnAnn on ${hostname()}`)
  assert.notEqual(await engineOf('12D3KooWAnnAnnAnn'), await engineOf('12D3KooWBobBobBob'))
})

test('containers and a SQLite ledger are refused together before anything is started', async () => {
  mustReachFleet(await configOf({ launcher: 'docker' }))
  mustReachFleet(await configOf({ launcher: 'process', ledger: 'sqlite:mesh.db' }))
  mustReachFleet(await configOf({ launcher: 'none', ledger: 'sqlite:mesh.db' }))
  for (const ledger of ['sqlite:mesh.db', undefined]) {
    const config = await configOf({ launcher: 'docker', ledger })
    assert.throws(
      () => mustReachFleet(config),
      (error) => error instanceof UsageError && /SQLite.*--ledger mongodb:.*--launcher process/.test(error.message),
    )
  }
})
