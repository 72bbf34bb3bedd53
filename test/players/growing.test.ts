/**
 * A film that is watched while it is encoded, in a real Chromium: it begins with the first picture before the film is finished, and plays on to the
 * last one, over the end of the encode.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import type { VideoId } from '../../protocol/ids.ts'
import { call, openPage, serveFolder, startBrowser } from '../../testing/players/players.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { ledgerOf, startNode, submit, until } from '../e2e/nodes.ts'

const [FPS, SECONDS] = [25, 24]
/** Chromium keeps times in microseconds. */
const SLACK_S = 0.001
/** Slow enough that a player begins long before the end. */
const FORM = ['--renditions', '180p,360p', '--upscale', '--preset', 'veryslow', '--package', 'hls', '--package-only']

for (const player of ['hls.js', 'shaka'] as const)
  test(`${player} plays a film from its beginning while it is encoded, to its end`, { timeout: 180_000 }, async (t) => {
    const dir = await folder(t)
    const { ffmpeg } = await ensureFfmpeg()
    const film = join(dir, 'film.mp4')
    const picture = `testsrc2=s=320x180:r=${FPS}:d=${SECONDS}`
    await execa(ffmpeg, [
      ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=d=${SECONDS}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-c:a', 'aac', film],
    ])
    const pages = await serveFolder(dir)
    t.after(() => pages.close())
    const node = await startNode(t, dir, { name: 'node', flags: ['--http', '127.0.0.1:0', '--http-cors', pages.url] })
    const ledger = await ledgerOf(t, dir)
    const video = (await submit(node, dir, film, FORM)) as VideoId
    const url = `${node.http}/v1/videos/${video}/hls/master.m3u8`
    await until('it can be watched', async () => (await fetch(url)).ok)
    const browser = await startBrowser()
    t.after(() => browser.close())
    const page = await openPage(browser, pages)
    const { first } = await call<{ first: number }>(page, 'load', player, url)
    const { status } = (await ledger.video(video))!
    assert.equal(status, 'RUNNING', 'it was begun while the film was encoded')
    assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
    const { last } = await call<{ last: number }>(page, 'playToEnd', 2 * SECONDS)
    assert.ok(Math.abs(last - (SECONDS - 1 / FPS)) <= SLACK_S, `the last picture: ${last}`)
    assert.equal((await ledger.video(video))!.status, 'COMPLETED')
  })
