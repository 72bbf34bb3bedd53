/** Where a film can be watched: `run` and `submit` say it, and `run` goes on while somebody watches. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeClip } from '../../testing/sources/clip.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { programFile } from '../../testing/tools/program.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { startNode, until } from './nodes.ts'

const FORM = ['--renditions', '90p', '--preset', 'ultrafast', '--package', 'hls', '--package-only']
/** Long enough that its page can be opened before it is done. */
const SECONDS = 48
const HTTP = ['--http', '127.0.0.1:0']

test('run says where its film can be watched once it can be, also with tokens behind a proxy, and goes on while it is', async (t) => {
  const dir = await folder(t)
  const film = join(dir, 'multi.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: film, seconds: SECONDS, width: 320, height: 180, fps: 25, ffmpeg })
  const token = randomBytes(32).toString('hex')
  await writeFile(join(dir, 'http.token'), `view ${token}\n`, { mode: 0o600 })
  const http = ['--http', '0.0.0.0:0', '--http-token', 'http.token', '--http-behind-proxy']
  const args = ['run', film, ...FORM, '--preset', 'slower', ...http, '--data-dir', join(dir, 'data'), '--out', 'out']
  const child = spawn(process.execPath, [await programFile(), ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(t, () => void child.kill('SIGKILL'))
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const address = await until('it says where', async () => /^multi: watch it at (http:\S+)$/m.exec(said)?.[1])
  assert.doesNotMatch(said, /out\/multi\//, 'while it is encoded')
  const { origin, pathname } = new URL(address)
  const headers = { authorization: `Bearer ${token}` }
  for (const path of [pathname, `${pathname.replace('watch', 'v1/videos')}/hls/master.m3u8`])
    assert.deepEqual([path, (await fetch(origin + path, { headers })).status], [path, 200])
  await until('it is done, and goes on', async () => /^it is being watched/m.test(said))
  assert.match(said, /out\/multi\//, 'the package is delivered')
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('submit says where each film can be watched', async (t) => {
  const dir = await folder(t)
  const node = await startNode(t, dir, { name: 'node', flags: HTTP })
  const submit = async (...more: string[]) => {
    const args = ['submit', await ensureSource('multi'), ...FORM, ...more]
    const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: node.dataDir })
    assert.equal(code, 0, stderr)
    return stdout
  }
  const [, id, address] = /^(\w{16}) {2}watch it at (\S+)$/m.exec(await submit()) ?? []
  assert.equal(address, `${node.http}/watch/${id}`)
  const about = (await (await fetch(`${address}/about.json`)).json()) as { name: string }
  assert.equal(about.name, 'multi')
  assert.match(await submit('--wait'), /^multi: watch it at http:/m)
})
