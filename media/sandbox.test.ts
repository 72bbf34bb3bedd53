/** The sandbox with real programs. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { systemClock } from '../node/host/system-clock.ts'
import { AttemptFailed } from '../protocol/errors.ts'
import { ensureBubblewrap } from '../testing/tools/bubblewrap.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { folder } from '../testing/tools/folder.ts'
import { createRunner } from './run-ffmpeg.ts'
import { findLevels } from './sandbox.ts'

const run = createRunner({ clock: systemClock })
const signal = new AbortController().signal

before(ensureBubblewrap)

test('bubblewrap, unshare and nothing work here, in this order', async () => {
  assert.deepEqual(await findLevels(), ['bubblewrap', 'no_network', 'none'])
})

test('a filter of ffmpeg opens no file that is none of its inputs, and no address', async (t) => {
  const dir = await folder(t)
  const { ffmpeg } = await ensureFfmpeg()
  const secret = join(dir, 'secret.txt')
  await writeFile(secret, 'secret')
  await mkdir(join(dir, 'out'))
  const draw = (file: string, sandbox: 'auto' | 'off') => {
    const source = `color=s=320x180:d=0.1,drawtext=fontsize=40:textfile=${file}`
    const args = [
      '-v',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      source,
      '-frames:v',
      '1',
      `file:${join(dir, 'out', 'a.png')}`,
    ]
    return createRunner({ clock: systemClock, sandbox })({ program: ffmpeg, args, signal })
  }
  assert.equal((await draw(secret, 'off')).exitCode, 0, 'without the sandbox the filter reads it')
  const { exitCode, log } = await draw(secret, 'auto')
  assert.notEqual(exitCode, 0)
  assert.match(log, /secret\.txt/)

  let calls = 0
  const server = createServer(() => calls++).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const asked = await run({ program: ffmpeg, args: ['-v', 'error', '-i', `tcp://127.0.0.1:${port}`], signal })
  assert.notEqual(asked.exitCode, 0)
  assert.equal(calls, 0)
})

test('it reads its inputs, and what they refer to, and writes beside its output only', async (t) => {
  const dir = await folder(t)
  await Promise.all(['in', 'out', 'list'].map((name) => mkdir(join(dir, name))))
  const [input, out, listed] = [join(dir, 'in', 'a'), join(dir, 'out', 'b'), join(dir, 'list', 'c')]
  await writeFile(input, 'input')
  await writeFile(listed, 'listed')
  const sh = (script: string) =>
    run({
      program: '/bin/sh',
      args: ['-c', script, '-i', `file:${input}`, `file:${out}`],
      folders: [join(dir, 'list')],
      signal,
    })
  assert.equal((await sh(`cat ${input} ${listed} > ${out}`)).exitCode, 0)
  assert.equal(await readFile(out, 'utf8'), 'inputlisted')
  for (const path of [input, listed, join(dir, 'in', 'new'), '/usr/new', '/etc/new'])
    assert.notEqual((await sh(`echo x > ${path}`)).exitCode, 0, path)
})

test('a program that does not start in bubblewrap runs without it', async (t) => {
  const dir = await folder(t)
  const [program, library] = [join(dir, 'program'), join(dir, 'library')]
  await writeFile(library, '')
  await writeFile(program, `#!/bin/sh\ntest -e ${library} || exit 127\nexit $2\n`, { mode: 0o755 })
  const runner = createRunner({ clock: systemClock })
  const exitOf = async (code: number) => (await runner({ program, args: ['-version', String(code)], signal })).exitCode
  assert.equal(await exitOf(3), 3)
  assert.equal(await exitOf(0), 0)
})

test('a death by a signal is seen through bubblewrap', async () => {
  await run({ program: '/bin/sh', args: ['-c', 'true'], signal })
  for (const name of ['SEGV', 'KILL', 'ABRT'])
    await assert.rejects(
      run({ program: '/bin/sh', args: ['-c', `kill -${name} $$`], signal }),
      (error) => error instanceof AttemptFailed && error.code === 'build_cannot',
      name,
    )
})
