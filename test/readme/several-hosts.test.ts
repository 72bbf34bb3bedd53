/** The README's part about several hosts, run on one: its addresses become loopback ones, its database a real MongoDB. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeClip } from '../../testing/sources/clip.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { readReadme, runBlock, runnableBlocks, type Staying, stayBlock } from './blocks.ts'

test('the commands for several hosts make a mesh that delivers', async (t) => {
  const staying: Staying[] = []
  // Hooks run in this order: peers stop while their ledger is there.
  t.after(() => Promise.all(staying.map((each) => each.stop())))
  const cwd = await mkdtemp(join(tmpdir(), 'reelmesh-readme-'))
  const mongod = await startMongod()
  t.after(() => mongod.stop())
  t.after(() => rm(cwd, { recursive: true, force: true }))
  const [database, ports] = [mongod.freshUri(), await freePorts(2)]
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: join(cwd, 'film.mp4'), seconds: 1, width: 320, height: 180, fps: 10, ffmpeg })

  const first = { cwd, dataDir: join(cwd, 'host 1') }
  for (const { script, words } of runnableBlocks(await readReadme())) {
    if (!words.includes('mesh')) continue
    const here = script
      .replace('mongodb://db.example/reelmesh', `'${database}'`)
      .replace('/ip4/10.0.0.5/tcp/4001', `/ip4/127.0.0.1/tcp/${ports[0]}`)
      .replace('tcp/4001', `tcp/${ports[staying.length]}`)
    if (words.includes('stays')) {
      staying.push(await stayBlock(here, { cwd, dataDir: join(cwd, `host ${staying.length + 1}`) }, /is up/))
    } else {
      const { code, text } = await runBlock(here, first)
      assert.equal(code, 0, `${script}\n${text}`)
    }
  }
  assert.equal(staying.length, 2)
  assert.ok((await stat(join(cwd, 'finished', '480p', 'film.mp4'))).size > 1_000)
  const { text } = await runBlock('reelmesh status --json', first)
  assert.equal((JSON.parse(text) as { peers: unknown[] }).peers.length, 2, 'each knows the other')
})
