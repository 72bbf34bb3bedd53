/**
 * A film that is watched while it is encoded, in a real Chromium: it begins with the first picture before the film is finished, and plays on to the
 * last one, over the end of the encode. Its text is there from the beginning. Each player has a page of its own, all at once.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { call, openPage } from '../../testing/players/players.ts'
import { TEST_FPS as FPS } from '../../testing/sources/test-film.ts'
import { endsOf } from '../../testing/tools/at-end.ts'
import { ledgerOf, type MeshNode, oddFfmpeg, startNode, submit, until } from '../e2e/nodes.ts'
import { MANIFESTS, openPlayerLab, type PlayerLab, SLACK_S } from './player-lab.ts'

const SECONDS = 24
const CUE = { startTime: 1.5, endTime: 4, text: 'An early word' }
const WORDS = `1\n00:00:01,500 --> 00:00:04,000\n${CUE.text}\n`
const FORM = [
  ...['--renditions', '180p,360p', '--upscale', '--preset', 'ultrafast', '--package', 'hls,dash', '--package-only'],
]
/** Only the first chunk is encoded before every player shows a picture. */
const waits = (dir: string) => `case "$*" in *libx264*/180p.mp4*)
      mkdir '${dir}/first' 2>/dev/null || until [ -e '${dir}/go' ]; do sleep 0.2; done ;;
    esac`

/** hls.js plays such a film in page.test.ts. */
const PLAYERS = MANIFESTS.filter(([player]) => player === 'shaka' || player === 'dash.js')

describe('a film that is encoded meanwhile', { concurrency: true }, () => {
  const ends = endsOf(after)
  let lab: PlayerLab
  let node: MeshNode
  let ledger: Ledger
  let video: VideoId
  let loaded = 0
  before(async () => {
    lab = await openPlayerLab(ends, { seconds: SECONDS, args: ['-g', '50'], words: WORDS })
    const { dir, film, pages } = lab
    const odd = await oddFfmpeg(dir, { waits: waits(dir) })
    const flags = ['--slots', '1', '--http', '127.0.0.1:0', '--http-cors', pages.url, ...odd.flags]
    node = await startNode(ends, dir, { name: 'node', flags })
    ledger = await ledgerOf(ends, dir)
    await odd.set('waits')
    video = (await submit(node, dir, film, FORM)) as VideoId
  })

  for (const [player, manifest] of PLAYERS)
    it(`${player} plays ${manifest} of it from its beginning, to its end`, { timeout: 180_000 }, async () => {
      const url = `${node.http}/v1/videos/${video}/${manifest}`
      await until('it can be watched', async () => (await fetch(url)).ok)
      const page = await openPage(lab.browser, lab.pages)
      const { first } = await call<{ first: number }>(page, 'load', player, url)
      assert.equal((await ledger.video(video))!.status, 'RUNNING', 'it was begun while the film was encoded')
      assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
      loaded++
      if (loaded === PLAYERS.length) await writeFile(join(lab.dir, 'go'), '')
      assert.deepEqual(await call(page, 'cues', 2), [CUE])
      const { last } = await call<{ last: number }>(page, 'playToEnd', 3 * SECONDS)
      assert.ok(Math.abs(last - (SECONDS - 1 / FPS)) <= SLACK_S, `the last picture: ${last}`)
      assert.equal((await ledger.video(video))!.status, 'COMPLETED')
    })
})
