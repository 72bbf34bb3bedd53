/** `reelmesh doctor` finds what would keep a node from starting, in the words of the node. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureBubblewrap } from '../../testing/tools/bubblewrap.ts'
import { folder } from '../../testing/tools/folder.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { runCli } from '../../testing/tools/run-cli.ts'

/** A mesh of several hosts, as a peer without the coordinator role sees it: the ledger's address is not looked at. */
const WORKER = ['--roles', 'worker', '--listen', '/ip4/0.0.0.0/tcp/0']

test('doctor says what a node says of its mesh key, and ends with exit code 1', async (t) => {
  const dir = await folder(t)
  const place = { cwd: dir, dataDir: join(dir, 'data') }
  await writeFile(join(dir, 'no.key'), 'secret\n')
  assert.equal((await runCli(['keygen', join(dir, 'mesh.key')], place)).code, 0)
  const key = async (...flags: string[]) => {
    const doctor = await runCli(['doctor', '--json', ...flags], place)
    const found = JSON.parse(doctor.stdout) as { what: string; level: string; text: string }[]
    const [finding] = found.filter(({ what }) => what === 'key')
    assert.equal(doctor.code, finding?.level === 'bad' ? 1 : 0, doctor.stdout)
    return finding?.text ?? ''
  }
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--swarm-key', '/nope'], /^the mesh key \/nope cannot be read/],
    [['--swarm-key', join(dir, 'no.key')], /^The swarm key does not begin with/],
    [['--listen', '/ip4/0.0.0.0/tcp/0'], /^listening on \S+ invites other machines/],
    [WORKER, /^listening on \S+ needs a mesh key/],
  ]
  for (const [flags, sentence] of wrong) {
    const text = await key(...flags)
    assert.match(text, sentence)
    const node = await runCli(['node', ...flags], place)
    assert.deepEqual([node.code, node.stderr], [2, `reelmesh: ${text}\n`])
  }
  assert.match(await key(...WORKER, '--swarm-key', join(dir, 'mesh.key')), /mesh\.key is a mesh key/)
  assert.match(await key(...WORKER, '--open-mesh'), /any peer may join/)
  assert.match(await key(), /limited to this machine/)
})

test('doctor says that others may read the data folder or the mesh key, and no password of a wrong address', async (t) => {
  const dir = await folder(t)
  const place = { cwd: dir, dataDir: join(dir, 'data') }
  await mkdir(place.dataDir)
  await chmod(place.dataDir, 0o755)
  assert.equal((await runCli(['keygen', join(dir, 'mesh.key')], place)).code, 0)
  await chmod(join(dir, 'mesh.key'), 0o644)
  const doctor = await runCli(
    ['doctor', '--json', '--swarm-key', join(dir, 'mesh.key'), '--ledger', 'mongo://bob:s3cret@h/x'],
    place,
  )
  const found = JSON.parse(doctor.stdout) as { what: string; level: string; text: string }[]
  const of = (what: string, level: string) =>
    found.find((each) => each.what === what && each.level === level)?.text ?? ''
  assert.match(of('data', 'bad'), /chmod 700/)
  assert.match(of('key', 'note'), /chmod 600/)
  assert.match(of('ledger', 'bad'), /no address of a ledger/)
  assert.doesNotMatch(doctor.stdout + doctor.stderr, /s3cret/)
})

test('doctor says which port bulk lines would get, and that none is free', async (t) => {
  const dir = await folder(t)
  const [taken = 0] = await freePorts(1)
  const server = createServer().listen(taken, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const ports = async (setting: string) => {
    const place = { cwd: dir, dataDir: join(dir, 'data') }
    const { stdout } = await runCli(['doctor', '--json', '--bulk-port', setting], place)
    const found = JSON.parse(stdout) as { what: string; level: string; text: string }[]
    return found.filter(({ what, text }) => what === 'ports' && /bulk/.test(text)).map(({ text }) => text)
  }
  assert.deepEqual([await ports('auto'), await ports('off')], [[], []])
  assert.match((await ports(`${taken}`)).join(), /^no port of --bulk-port \d+ is free: large blobs go over the mesh/)
  assert.match((await ports(`${taken}-${taken + 9}`)).join(), /^port \d+ can be listened on for bulk lines$/)
})

test('doctor says how far ffmpeg is kept from the machine', async (t) => {
  await ensureBubblewrap()
  const dir = await folder(t)
  const line = async (...flags: string[]) => {
    const { stdout } = await runCli(['doctor', '--json', ...flags], { cwd: dir, dataDir: join(dir, 'data') })
    return (JSON.parse(stdout) as { what: string; level: string; text: string }[]).find(
      ({ what }) => what === 'sandbox',
    )
  }
  const auto = await line()
  assert.equal(auto?.level, 'ok')
  assert.match(auto?.text ?? '', /runs in bubblewrap: no network, and no files but its own/)
  const off = await line('--sandbox', 'off')
  assert.equal(off?.level, 'note')
  assert.match(off?.text ?? '', /has the network and the files of this user/)
})
