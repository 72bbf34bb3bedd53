/** Flags over variables over the file over defaults; a wrong setting is refused in one sentence that names its origin. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../protocol/errors.ts'
import { type ConfigInput, defaultDataDir, defaultSlots, ledgerAddress, loadConfig } from './config.ts'

let cwd = ''
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'reelmesh-config-'))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

const load = (flags: ConfigInput = {}, env: NodeJS.ProcessEnv = {}) =>
  loadConfig({ flags, env: { XDG_DATA_HOME: cwd, ...env }, cwd })
const yaml = (text: string, name = 'reelmesh.yaml') => writeFile(join(cwd, name), text)

describe('the configuration', () => {
  it('takes a flag over a variable over the file over the default', async () => {
    await yaml('name: from-file\nslots: 1\nmdns: true\n')
    const env = { REELMESH_NAME: 'from-env', REELMESH_SLOTS: '2' }
    const config = await load({ name: 'from-flag', slots: undefined }, env)
    assert.deepEqual([config.name, config.slots, config.mdns, config.log_level], ['from-flag', 2, true, 'info'])
  })

  it('reads lists from commas and from YAML, and flags from words', async () => {
    await yaml('join: [/ip4/10.0.0.1/tcp/1, /ip4/10.0.0.2/tcp/1]\n')
    const config = await load(
      {},
      { REELMESH_RENDITIONS: '480p, 720p', REELMESH_OPEN_MESH: '1', REELMESH_MDNS: 'false' },
    )
    assert.deepEqual(config.renditions, ['480p', '720p'])
    assert.equal(config.join.length, 2)
    assert.deepEqual([config.open_mesh, config.mdns], [true, false])
  })

  it('reads a share as a percentage, or off', async () => {
    assert.equal((await load()).audit, 0.02)
    assert.equal((await load({ audit: '12.5%' })).audit, 0.125)
    assert.equal((await load({}, { REELMESH_AUDIT: '100%' })).audit, 1)
    await yaml('audit: off\n')
    assert.equal((await load()).audit, 0)
    await yaml('audit: 2%\n')
    assert.equal((await load()).audit, 0.02)
  })

  it('reads the port of bulk lines: a number of YAML too, and no other words', async () => {
    assert.equal((await load()).bulk_port, 'auto')
    await yaml('bulk_port: 4002\n')
    assert.equal((await load()).bulk_port, '4002')
    await yaml('bulk_port: off\n')
    assert.equal((await load()).bulk_port, 'off')
    await assert.rejects(load({ bulk_port: '4009-4002' }), /--bulk-port: give auto, off, a port, or a range/)
  })

  it('finds the file that REELMESH_CONFIG names before that of the folder', async () => {
    await yaml('name: here\n')
    await yaml('name: elsewhere\n', 'other.yaml')
    assert.equal((await load({}, { REELMESH_CONFIG: join(cwd, 'other.yaml') })).name, 'elsewhere')
  })

  it('does not obey a file of the folder that others may write to, unless it is named', async () => {
    await yaml('ffmpeg: ./ffmpeg\n')
    const path = join(cwd, 'reelmesh.yaml')
    await chmod(path, 0o666)
    await assert.rejects(load(), (error) => {
      assert.ok(error instanceof UsageError)
      assert.match(error.message, /reelmesh\.yaml is not obeyed, as it may be changed by every user/)
      return true
    })
    assert.equal((await load({}, { REELMESH_CONFIG: path })).ffmpeg, join(cwd, 'ffmpeg'))
    await chmod(path, 0o644)
    await chmod(cwd, 0o777)
    await assert.rejects(load(), /its folder may be changed by every user/)
    await chmod(cwd, 0o700)
    assert.equal((await load()).ffmpeg, join(cwd, 'ffmpeg'))
  })

  it('reads the address of the ledger from a file, so that a password is on no command line', async () => {
    const path = join(cwd, 'ledger')
    await writeFile(path, 'mongodb://bob:s3cret@db.example/films\n', { mode: 0o600 })
    const config = await load({}, { REELMESH_LEDGER_FILE: 'ledger' })
    assert.equal(ledgerAddress(config), 'mongodb://bob:s3cret@db.example/films')
    assert.equal(ledgerAddress(await load({ ledger: ' sqlite:/x ' }, { REELMESH_LEDGER_FILE: path })), 'sqlite:/x')
    await writeFile(path, 'mongodb://bob:s3cret@h/x and more\n')
    await assert.rejects(load({ ledger_file: path }), (error) => {
      assert.match(String(error), /must hold one address/)
      assert.doesNotMatch(String(error), /s3cret/)
      return true
    })
    await assert.rejects(load({ ledger_file: '/none' }), /the ledger file \/none cannot be read/)
  })

  it('reads ladders: in the file itself, and from files by name', async () => {
    const renditions = '[{id: 90p, box: 160x90, codec: h264, crf: 30, preset: ultrafast}]'
    await yaml(`renditions: ${renditions}\n`, 'small.yaml')
    await yaml(`ladders:\n  tiny:\n    keyframe_s: 1\n    renditions: ${renditions}\n  small: small.yaml\n`)
    const { ladders, input_ladder } = await load({ input_ladder: 'tiny' })
    assert.deepEqual(Object.keys(ladders), ['tiny', 'small'])
    assert.deepEqual([ladders['tiny']?.keyframe_s, ladders['small']?.keyframe_s], [1, 3])
    assert.equal(ladders['small']?.renditions[0]?.id, '90p')
    assert.deepEqual(input_ladder, ladders['tiny'])
    const other = await load({}, { REELMESH_LADDERS: 'mine=small.yaml', REELMESH_INPUT_LADDER: 'mine' })
    assert.equal(other.input_ladder?.renditions[0]?.id, '90p')
    assert.equal((await load({ input_ladder: 'web' })).input_ladder?.renditions.length, 5)
  })

  it('takes an empty variable and an empty file for none', async () => {
    await yaml('# nothing\n')
    assert.equal((await load({}, { REELMESH_SLOTS: '' })).slots, undefined)
    await yaml('slots:\n')
    assert.equal((await load()).slots, undefined)
  })

  it('makes the data folder absolute and keeps the SQLite ledger in it', async () => {
    const config = await load({ data_dir: 'data' })
    assert.equal(config.data_dir, join(cwd, 'data'))
    assert.equal(ledgerAddress(config), `sqlite:${join(cwd, 'data', 'ledger.db')}`)
    assert.equal((await load()).data_dir, join(cwd, 'reelmesh'))
    assert.ok(defaultDataDir({}).endsWith(join('.local', 'share', 'reelmesh')))
  })

  it('makes every path absolute, of any origin, and leaves other values', async () => {
    await yaml('swarm_key: keys/mesh.key\nledger: sqlite:mesh.db\n')
    const flags = { ffmpeg: './ffmpeg', self_test_dir: '../self-tests', input: 'in', output: '/out' }
    const config = await load(flags, { REELMESH_STORE_DIR: 'store' })
    assert.deepEqual(
      [
        config.swarm_key,
        config.ledger,
        config.ffmpeg,
        config.self_test_dir,
        config.input,
        config.output,
        config.store_dir,
      ],
      [
        join(cwd, 'keys/mesh.key'),
        `sqlite:${join(cwd, 'mesh.db')}`,
        join(cwd, 'ffmpeg'),
        join(cwd, '../self-tests'),
        join(cwd, 'in'),
        '/out',
        join(cwd, 'store'),
      ],
    )
    assert.equal(config.ffprobe, 'ffprobe')
    for (const ledger of ['mongodb://db.example/mesh', 'sqlite::memory:', 'sqlite:/mesh.db'])
      assert.equal((await load({ ledger })).ledger, ledger)
  })

  const wrong: readonly { title: string; flags?: ConfigInput; env?: NodeJS.ProcessEnv; file?: string; says: RegExp }[] =
    [
      { title: 'a flag that is no number', flags: { slots: 'many' }, says: /^--slots: / },
      { title: 'a share above all', flags: { audit: '101%' }, says: /^--audit: / },
      {
        title: 'a share that is no percentage',
        flags: { audit: '2' },
        says: /^--audit: give a share such as 2%, or off$/,
      },
      {
        title: 'a duration that is none',
        flags: { input_within: 'soon' },
        says: /^--input-within: "soon" is no duration/,
      },
      { title: 'a time that is none', flags: { input_deadline: 'noon' }, says: /^--input-deadline: "noon" is no time/ },
      {
        title: 'an address of HTTP without a port',
        flags: { http: '127.0.0.1' },
        says: /^--http: give an address and a port, such as 127\.0\.0\.1:8080$/,
      },
      { title: 'an origin with a path', flags: { http_cors: 'https://a.example/b' }, says: /^--http-cors: .*value 1/ },
      { title: 'a flag below its bound', flags: { slots: '-1' }, says: /^--slots: / },
      { title: 'a flag with a dash in its name', flags: { drain_timeout_ms: '1.5' }, says: /^--drain-timeout-ms: / },
      {
        title: 'a word that is none of those allowed',
        env: { REELMESH_LOG_LEVEL: 'loud' },
        says: /^REELMESH_LOG_LEVEL: .*silent/,
      },
      {
        title: 'the second of a list',
        env: { REELMESH_RENDITIONS: '480p,4K' },
        says: /^REELMESH_RENDITIONS: .*\(value 2\)$/,
      },
      { title: 'a yes that is neither true nor false', env: { REELMESH_MDNS: 'yes' }, says: /^REELMESH_MDNS: / },
      { title: 'a value in the file', file: 'slots: [1]\n', says: /^slots in .*reelmesh\.yaml: / },
      { title: 'a yes where a number is wanted', file: 'slots: true\n', says: /^slots in .*reelmesh\.yaml: / },
      { title: 'an unknown name in the file', file: 'slotts: 1\n', says: /^slotts in .*reelmesh\.yaml: / },
      {
        title: 'a ladder that is wrong',
        file: 'slots: 1\nladders:\n  mine:\n    renditions:\n      - {id: a, box: 16x16, codec: h264, crf: 1}\n',
        says: /reelmesh\.yaml, line 5: a needs preset$/,
      },
      { title: 'a ladder of a built-in name', file: 'ladders: {web: x.yaml}\n', says: /^ladders: web is built in/ },
      { title: 'a ladder of a bad name', file: 'ladders: {A/b: x.yaml}\n', says: /^ladders: "A\/b" is no name/ },
      { title: 'ladders that are a list', file: 'ladders: [web]\n', says: /^ladders in .*reelmesh\.yaml: / },
      { title: 'a ladder in no file', flags: { ladders: 'mine=no.yaml' }, says: /no\.yaml cannot be read: ENOENT$/ },
      {
        title: 'an unknown ladder for the watched folder',
        flags: { input_ladder: 'none' },
        says: /^there is no ladder "none", only default, .*give a file as \.\/none or none\.yaml$/,
      },
      {
        title: 'a ladder beside the settings that it replaces',
        flags: { input_ladder: 'web', input_crf: '20' },
        says: /^give input_ladder or input_crf, not both/,
      },
      { title: 'an empty name', flags: { data_dir: '' }, says: /^--data-dir: / },
      { title: 'a file that is not YAML', file: 'a: [\n', says: /reelmesh\.yaml is not YAML: / },
      { title: 'a file that is a list', file: '- a\n', says: /reelmesh\.yaml must hold a mapping/ },
      { title: 'a file that is a word', file: 'hello\n', says: /reelmesh\.yaml must hold a mapping/ },
      {
        title: 'a file that is not there',
        env: { REELMESH_CONFIG: 'nowhere.yaml' },
        says: /nowhere\.yaml cannot be read: /,
      },
    ]
  for (const { title, flags, env, file, says } of wrong) {
    it(`refuses ${title} in one sentence that names it`, async () => {
      if (file) await yaml(file)
      await assert.rejects(load(flags, env), (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error))
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /\n/)
        return true
      })
    })
  }
})

describe('the default number of slots', () => {
  it('is one per core, fewer where one ffmpeg fills more or memory is short, never none', () => {
    const of = (cores: number, coresPerSlot: number, freeBytes: number) =>
      defaultSlots({ cores, coresPerSlot, freeBytes, encodeBytes: 100 })
    assert.deepEqual([of(8, 1, 1e6), of(8, 1.6, 1e6), of(8, 1, 350), of(8, 1, 0), of(1, 1.6, 1e6)], [8, 5, 3, 1, 1])
  })

  it('never falls with more cores or memory', () => {
    const machine = fc.record({
      cores: fc.integer({ min: 1, max: 256 }),
      freeBytes: fc.nat(),
      encodeBytes: fc.nat(),
      coresPerSlot: fc.constantFrom(1, 1.6),
    })
    fc.assert(
      fc.property(machine, fc.nat(64), fc.nat(), (some, cores, bytes) => {
        const more = { ...some, cores: some.cores + cores, freeBytes: some.freeBytes + bytes }
        assert.ok(defaultSlots(more) >= defaultSlots(some) && defaultSlots(some) >= 1)
      }),
    )
  })
})
