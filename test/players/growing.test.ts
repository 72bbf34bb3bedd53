/**
 * A film that is watched while it is encoded, in a real Chromium: it begins with the first picture before the film is finished, and plays on to the
 * last one, over the end of the encode. Its text is there from the beginning.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import { call, openPage } from '../../testing/players/players.ts'
import { TEST_FPS as FPS } from '../../testing/sources/test-film.ts'
import { ledgerOf, startNode, submit, until } from '../e2e/nodes.ts'
import { MANIFESTS, openPlayerLab, SLACK_S } from './player-lab.ts'

const SECONDS = 24
const CUE = { startTime: 1.5, endTime: 4, text: 'An early word' }
const WORDS = `1\n00:00:01,500 --> 00:00:04,000\n${CUE.text}\n`
/** Slow enough that a player begins long before the end. */
const FORM = [
  ...['--renditions', '180p,360p', '--upscale', '--preset', 'veryslow', '--package', 'hls,dash', '--package-only'],
]

/** hls.js plays such a film in page.test.ts. */
const PLAYERS = MANIFESTS.filter(([player]) => player === 'shaka' || player === 'dash.js')

for (const [player, manifest] of PLAYERS)
  test(`${player} plays ${manifest} of a film from its beginning while it is encoded, to its end`, {
    timeout: 180_000,
  }, async (t) => {
    const { dir, film, pages, browser } = await openPlayerLab(t, { seconds: SECONDS, args: ['-g', '50'], words: WORDS })
    const node = await startNode(t, dir, { name: 'node', flags: ['--http', '127.0.0.1:0', '--http-cors', pages.url] })
    const ledger = await ledgerOf(t, dir)
    const video = (await submit(node, dir, film, FORM)) as VideoId
    const url = `${node.http}/v1/videos/${video}/${manifest}`
    await until('it can be watched', async () => (await fetch(url)).ok)
    const page = await openPage(browser, pages)
    const { first } = await call<{ first: number }>(page, 'load', player, url)
    const { status } = (await ledger.video(video))!
    assert.equal(status, 'RUNNING', 'it was begun while the film was encoded')
    assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
    assert.deepEqual(await call(page, 'cues', 2), [CUE])
    const { last } = await call<{ last: number }>(page, 'playToEnd', 2 * SECONDS)
    assert.ok(Math.abs(last - (SECONDS - 1 / FPS)) <= SLACK_S, `the last picture: ${last}`)
    assert.equal((await ledger.video(video))!.status, 'COMPLETED')
  })
