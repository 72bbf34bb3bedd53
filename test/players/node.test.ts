/**
 * A delivered package from a node's own HTTP server, in a real Chromium: from the node that delivered it and from one that holds none of it, to a page
 * of another origin. The latter wants a token, which the players bring.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { call, openPage } from '../../testing/players/players.ts'
import { TEST_FPS as FPS } from '../../testing/sources/test-film.ts'
import { endsOf } from '../../testing/tools/at-end.ts'
import { type MeshNode, startNode, statusOf, submit, until } from '../e2e/nodes.ts'
import { MANIFESTS, openPlayerLab, type PlayerLab, SLACK_S } from './player-lab.ts'

const SECONDS = 20.2
const TOKEN = randomBytes(32).toString('hex')
const SEEKS = [7.02, 18.5, 2.98] as const

let lab: PlayerLab
let nodes: Readonly<Record<'delivered' | 'empty', MeshNode>>
let path: string

describe('from a node', () => {
  const ends = endsOf(after)
  before(async () => {
    lab = await openPlayerLab(ends, { seconds: SECONDS, args: ['-bf', '3'] })
    const { dir, film, pages } = lab
    const flags = ['--http', '127.0.0.1:0', '--http-cors', pages.url]
    await writeFile(join(dir, 'http.token'), `view ${TOKEN}\n`, { mode: 0o600 })
    const tokens = ['--http-token', 'http.token']
    const delivered = await startNode(ends, dir, { name: 'delivered', flags })
    const empty = await startNode(ends, dir, {
      name: 'empty',
      flags: [...flags, ...tokens, '--roles', 'worker', '--slots', '0', '--join', delivered.address],
    })
    nodes = { delivered, empty }
    const form = ['--renditions', '90p,180p', '--preset', 'ultrafast', '--package', 'hls,dash', '--package-only']
    path = `/v1/videos/${await submit(delivered, dir, film, form)}`
    await until('it is delivered', async () => {
      const { videos } = await statusOf(delivered)
      return videos.some(
        ({ deliveries }) => deliveries.length > 0 && deliveries.every(({ done_at }) => done_at !== null),
      )
    })
  })

  it('the node that is empty answers nobody without a token', async () => {
    for (const [, manifest] of MANIFESTS)
      assert.equal((await fetch(`${nodes.empty.http}${path}/${manifest}`)).status, 401)
  })
  const bringToken = MANIFESTS.filter(([player]) => player !== 'browser')
  // What reads the bytes differs, not what players get: for the node that has them those that bring no token, unless all are asked for.
  const some = process.env.REELMESH_ALL === '1' ? MANIFESTS : MANIFESTS.filter(([player]) => player === 'browser')
  for (const [which, manifests] of [
    ['delivered', some],
    ['empty', bringToken],
  ] as const)
    for (const [player, manifest] of manifests)
      it(`${player} plays ${manifest} of the node that is ${which}: first picture, seeks, last picture`, async () => {
        const page: Page = await openPage(lab.browser, lab.pages)
        // Chromium's own HLS takes nothing of another origin without it.
        await page.evaluate("document.querySelector('video').crossOrigin = 'anonymous'")
        if (which === 'empty') await call(page, 'useToken', TOKEN, nodes.empty.http)
        try {
          const url = `${nodes[which].http}${path}/${manifest}`
          const { first } = await call<{ first: number }>(page, 'load', player, url)
          assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
          for (const seconds of SEEKS) {
            const shown = await call<number>(page, 'seek', seconds)
            assert.ok(Math.abs(shown - Math.floor(seconds * FPS + 1e-6) / FPS) <= SLACK_S, `${shown} at ${seconds} s`)
          }
          await call(page, 'seek', SECONDS - 1.5)
          const { last } = await call<{ last: number }>(page, 'playToEnd')
          assert.ok(Math.abs(last - (SECONDS - 1 / FPS)) <= SLACK_S, `the last picture: ${last}`)
        } finally {
          await page.close()
        }
      })
})
