/** The tutorial, line by line: its blocks run as they stand in one folder, with other ports, as those of the page may be taken. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { ROOT, runBlock, runnableBlocks } from './blocks.ts'

test('the tutorial runs as written, and the film is finished after the death of a worker', {
  timeout: 400_000,
}, async (t) => {
  const { ffmpeg } = await ensureFfmpeg()
  process.env.PATH = `${dirname(ffmpeg)}:${process.env.PATH}`
  const cwd = await mkdtemp(join(tmpdir(), 'reelmesh-tutorial-'))
  t.after(() => rm(cwd, { recursive: true, force: true, maxRetries: 5 }))
  t.after(async () => {
    for (const name of ['anna', 'ben']) {
      const pid = Number(await readFile(join(cwd, `${name}.pid`), 'utf8').catch(() => '0'))
      if (pid > 0) stopQuietly(pid)
    }
  })
  const [mesh, http] = await freePorts(2)
  const said: string[] = []
  for (const { script } of runnableBlocks(await readFile(join(ROOT, 'docs', 'tutorial.md'), 'utf8'))) {
    const here = script.replaceAll('/tcp/4001', `/tcp/${mesh}`).replaceAll('127.0.0.1:8080', `127.0.0.1:${http}`)
    const { code, text } = await runBlock(here, { cwd, dataDir: join(cwd, 'data') })
    assert.equal(code, 0, `${script}\n${text}`)
    said.push(text)
  }
  assert.match(said.join('\n'), /\bben\b.* (?:was|were) reclaimed|reclaimed: its connection closed/)
  for (const file of ['videos/outputs/360p/film.mp4', 'finished/240p/film.mp4', 'finished/film/master.m3u8'])
    assert.ok((await stat(join(cwd, file))).size > 0, file)
})

function stopQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
