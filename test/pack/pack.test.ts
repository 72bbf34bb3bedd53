/**
 * What people install: the packed tarball, in an empty folder, with npm. The command that it brings shows its help,
 * encodes a clip, and finds the Node that came along where the one on the path is too old.
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ExecaError, execa } from 'execa'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const dir = await mkdtemp(join(tmpdir(), 'reelmesh-pack-'))
const home = join(dir, 'home')
const reelmesh = join(home, 'node_modules', '.bin', 'reelmesh')
after(() => rm(dir, { recursive: true, force: true }))

before(async () => {
  const pack = await execa('npm', ['pack', '--json', '--pack-destination', dir], { cwd: ROOT, stdin: 'ignore' })
  const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball, `npm pack made no tarball: ${pack.stdout}`)
  await mkdir(home)
  await writeFile(join(home, 'package.json'), '{ "private": true }')
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', join(dir, tarball)]
  await execa('npm', args, { cwd: home, stdin: 'ignore' })
})

/** The shell's own environment, without what npm and node:test add for their children. */
function cleanEnv(more: Record<string, string> = {}): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([key]) => !/^npm_|^NODE_|^REELMESH_(?!FF)/i.test(key))
  return { ...Object.fromEntries(kept), REELMESH_DATA_DIR: join(dir, 'data'), ...more }
}

test('the package holds the bundle, the launcher and the papers, and no sources', async () => {
  const folder = join(home, 'node_modules', 'reelmesh')
  const names = await readdir(folder)
  for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md', 'bin', 'dist'])
    assert.ok(names.includes(name), `${name} is missing`)
  const all = await readdir(folder, { recursive: true })
  assert.deepEqual(
    all.filter((name) => /(?<!\.d)\.ts$/.test(name) && !name.includes('node_modules')),
    [],
  )
  assert.match(await readFile(join(folder, 'dist', 'THIRD-PARTY.txt'), 'utf8'), /\nhls\.js \d[\s\S]*libp2p/)
  const page = await readdir(join(folder, 'dist', 'pages'))
  for (const name of ['watch.html', 'player.js', 'hls.min.mjs']) assert.ok(page.includes(name), `${name} is missing`)
})

test('reelmesh --help and --version answer', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const help = await execa(reelmesh, ['--help'], { env: cleanEnv(), extendEnv: false, cwd: home })
  assert.match(help.stdout, /reelmesh run/)
  assert.equal(help.stderr, '')
  const said = await execa(reelmesh, ['--version'], { env: cleanEnv(), extendEnv: false, cwd: home })
  assert.equal(said.stdout, version)
})

test('reelmesh run encodes a clip', { timeout: 240_000 }, async () => {
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const clip = join(dir, 'clip.mp4')
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=2']
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=2', '-c:a', 'aac', '-pix_fmt', 'yuv420p']
  await execa(ffmpeg, ['-v', 'error', ...picture, ...sound, clip], { stdin: 'ignore' })
  const args = ['run', 'clip.mp4', '--renditions', '480p', '--preset', 'ultrafast', '--workers', '1', '--out', 'out']
  await execa(reelmesh, args, { cwd: dir, env: cleanEnv(), extendEnv: false, stdin: 'ignore' })
  const count = [
    '-count_packets',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=nb_read_packets',
    '-of',
    'csv=p=0',
  ]
  const { stdout } = await execa(ffprobe, ['-v', 'error', ...count, join(dir, 'out', '480p', 'clip.mp4')])
  assert.equal(stdout.trim(), '50')
})

const CLIENT_PAGE = join(ROOT, 'docs', 'client.md')

test('the example of the client runs as written, against a node as it is installed', {
  timeout: 120_000,
}, async (t) => {
  const { ffmpeg } = await ensureFfmpeg()
  const [films, port] = [join(dir, 'films'), (await freePorts(1))[0]]
  await mkdir(films)
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=1', '-pix_fmt', 'yuv420p']
  await execa(ffmpeg, ['-v', 'error', ...picture, join(films, 'film.mp4')], { stdin: 'ignore' })
  const flags = ['--http', `127.0.0.1:${port}`, '--http-folders', films]
  const node = execa(reelmesh, ['node', ...flags], { env: cleanEnv(), extendEnv: false, cwd: home, reject: false })
  t.after(() => node.kill('SIGKILL'))
  await new Promise<void>((resolve) => node.stdout.on('data', (said) => String(said).includes('http://') && resolve()))
  const [, example = ''] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(await readFile(CLIENT_PAGE, 'utf8')) ?? []
  const written = example.replaceAll('/films', films).replace(':8081', ':3').replace(':8080', `:${port}`)
  await writeFile(join(home, 'example.mjs'), written)
  const { stdout } = await execa(process.execPath, ['example.mjs'], { cwd: home })
  assert.match(
    stdout,
    /^\d+ film is completed$[\s\S]*^\d+ film was delivered to .*\nCOMPLETED \[ '480p\/\{name\}\.mp4 \d+' \]$/m,
  )
})

test('the types of the client check what a program writes, also with those of libraries', async () => {
  const options = {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    types: [],
    lib: ['es2024', 'dom'],
  }
  await writeFile(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.mts'] }))
  const program = (field: string) => `import { ReelmeshClient } from 'reelmesh/client'
const client = new ReelmeshClient({ nodes: 'http://127.0.0.1:8080' })
for await (const { n, text } of client.events({ after: 5 })) console.log(n.toFixed(), text.length)
const { speed } = (await client.status()).videos[0]!
export const faster: number = (speed ?? 0) * 2
await client.submit({ path: '/a.mp4', recipe: { ${field}: ['480p'] } })
`
  const tsc = async (field: string) => {
    await writeFile(join(home, 'program.mts'), program(field))
    return await execa('tsc', ['-p', home], { cwd: ROOT, preferLocal: true, reject: false })
  }
  assert.equal((await tsc('renditions')).stdout, '')
  assert.match((await tsc('rendition')).stdout, /program\.mts\(6,.*'rendition' does not exist/m)
})

test('an old Node on the path is passed over for the one that came along; without that, one sentence says so', async (t) => {
  const oldNode = join(dir, 'old')
  await mkdir(oldNode, { recursive: true })
  await writeFile(join(oldNode, 'node'), '#!/bin/sh\necho v20.20.2\n')
  await chmod(join(oldNode, 'node'), 0o755)
  const env = cleanEnv({ PATH: [oldNode, '/usr/bin', '/bin'].join(delimiter) })
  const brought = (await readdir(join(home, 'node_modules'))).find((name) => name.startsWith('node-linux-'))
  if (process.platform !== 'linux') return t.skip('the Nodes that come along are for Linux')
  assert.ok(brought, 'no optional dependency brought a Node')
  const said = await execa(reelmesh, ['--version'], { env, extendEnv: false, cwd: home })
  assert.match(said.stdout, /^\d+\.\d+\.\d+$/)
  await rm(join(home, 'node_modules', brought), { recursive: true })
  await assert.rejects(execa(reelmesh, ['--version'], { env, extendEnv: false, cwd: home }), (error: ExecaError) => {
    assert.equal(error.exitCode, 1)
    assert.match(String(error.stderr), /^reelmesh needs Node 24 or newer, found v20\.20\.2.*$/)
    return true
  })
})

test('started through a link from elsewhere it finds its own files', async () => {
  const link = join(dir, 'a link', 'rm')
  await mkdir(dirname(link), { recursive: true })
  await execa('ln', ['-s', reelmesh, link])
  const { stdout } = await execa(link, ['--version'], { env: cleanEnv(), extendEnv: false, cwd: tmpdir() })
  assert.match(stdout, /^\d+\.\d+\.\d+$/)
})
