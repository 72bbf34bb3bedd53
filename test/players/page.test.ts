/**
 * The page of a node, in a real Chromium, with a film that is encoded while it is watched. A worker, the leader and the node that serves the page are
 * killed one after another: the film plays on to its end, with the right pictures, also over a chunk that only the leader had. Another film is
 * cancelled while it is watched.
 */
import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { execa } from 'execa'
import type { Page } from 'playwright-core'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { startBrowser } from '../../testing/players/players.ts'
import { readBarcode } from '../../testing/sources/barcode.ts'
import { paint, rawInput } from '../../testing/sources/paint.ts'
import { atEnd, endsOf } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { ledgerOf, type MeshNode, oddFfmpeg, startNode, statusOf, submit, until } from '../e2e/nodes.ts'

const [FPS, SECONDS] = [25, 48]
const FORM = ['--renditions', '180p', '--preset', 'ultrafast', '--package', 'hls', '--package-only']
/** So many encodes may begin, of all peers: the first chunks; those of two further slots; all. The film is still encoded whenever somebody is killed. */
const ALLOWED = { first: 3, more: 6, all: 1_000 }
const waits = (dir: string) => `case "$*" in *libx264*/180p.mp4*)
      number=0; until mkdir '${dir}'/encode-$number 2>/dev/null; do number=$((number + 1)); done
      until [ $number -lt "$(cat '${dir}/allowed')" ]; do sleep 0.2; done ;;
    esac`
const HTTP = ['--http', '127.0.0.1:0']
/** How far a film plays after a kill before it counts as played on, s. */
const PLAYED_S = 4

interface Shown {
  /** Seconds. */
  readonly time: number
  /** By its barcode; null where there is none. */
  readonly number: number | null
}

/** The pictures so far. */
async function pictures(page: Page): Promise<Shown[]> {
  const seen = await page.evaluate<{ time: number; grey: number[] }[]>('seen')
  return seen.map(({ time, grey }) => ({ time, number: readBarcode(Uint8Array.from(grey)) }))
}

describe('the page of a film', () => {
  const ends = endsOf(after)
  let ledger: Ledger
  let page: Page
  let nodes: Readonly<Record<'leads' | 'works' | 'serves' | 'stays', MeshNode>>
  let dir: string
  let film: string
  let video: VideoId
  const allow = (encodes: number) => writeFile(join(dir, 'allowed'), String(encodes))

  before(async () => {
    dir = await folder(ends)
    film = join(dir, 'film.mp4')
    const { ffmpeg } = await ensureFfmpeg()
    const numbers = Array.from({ length: SECONDS * FPS }, (_, at) => at)
    await execa(
      ffmpeg,
      [
        ...['-v', 'error', ...rawInput(String(FPS)), '-f', 'lavfi', '-i', `sine=d=${SECONDS}`],
        ...['-preset', 'ultrafast', '-g', '50', '-c:a', 'aac', film],
      ],
      { stdin: paint({ numbers }) },
    )
    const odd = await oddFfmpeg(dir, { waits: waits(dir) })
    await allow(ALLOWED.first)
    const leads = await startNode(ends, dir, { name: 'leads', flags: ['--slots', '1', ...odd.flags] })
    const near = ['--join', leads.address, ...odd.flags]
    await until('it leads', async () => (await statusOf(leads)).leader?.peer === leads.peer)
    const works = await startNode(ends, dir, { name: 'works', flags: ['--roles', 'worker', '--slots', '1', ...near] })
    const serves = await startNode(ends, dir, { name: 'serves', flags: [...HTTP, '--slots', '0', ...near] })
    const stays = await startNode(ends, dir, { name: 'stays', flags: [...HTTP, '--slots', '1', ...near] })
    nodes = { leads, works, serves, stays }
    await until('all know each other', async () => (await statusOf(serves)).peers.length === 4)
    await odd.set('waits')
    ledger = await ledgerOf(ends, dir)
    const browser = await startBrowser()
    atEnd(ends, () => browser.close())
    page = await browser.newPage()
    await page.addInitScript({ path: 'testing/players/look-at-pictures.js' })
    video = (await submit(stays, dir, film, FORM)) as VideoId
    await page.goto(`${serves.http}/watch/${video}`)
  })

  const fileOf = (id: string, name: string, node = nodes.stays) => fetch(`${node.http}/v1/videos/${id}/hls/${name}`)
  const text = () => page.locator('#state').innerText()
  const position = () => page.evaluate<number>("document.querySelector('video').currentTime")
  const playsOn = async () => {
    const from = await position()
    await until('it plays on', async () => (await position()) >= from + PLAYED_S)
  }

  it('says what it waits for, then begins with the first picture', async () => {
    await until('it says that it waits', async () =>
      /is not encoded yet|waits to be read|is being read/.test(await text()),
    )
    await until('it plays', async () => (await position()) > 0.5)
    assert.match(await text(), /^It is being encoded: \d:\d\d can be watched so far\.$/)
    assert.equal(await page.title(), 'film – Reelmesh')
    // Twice as fast: the test need not take as long as the film.
    await page.evaluate("document.querySelector('video').playbackRate = 2")
    assert.ok((await pictures(page)).length > 0)
  })
  it('is used by keys', async () => {
    const is = (what: string) => page.evaluate<boolean>(`document.querySelector('video').${what}`)
    const [paused, muted] = [await is('paused'), await is('muted')]
    for (const key of [' ', 'm']) await page.keyboard.press(key)
    assert.deepEqual([await is('paused'), await is('muted')], [!paused, !muted])
    await page.keyboard.press(' ')
    await until('it plays again', async () => !(await is('paused')))
    await page.locator('video').focus()
    await page.keyboard.press('m')
    assert.equal(await is('muted'), muted, 'also where the video has the focus')
  })
  for (const [who, what, next] of [
    ['works', 'a worker', 'more'],
    ['leads', 'the leader', 'all'],
  ] as const)
    it(`plays on when ${what} is killed`, async () => {
      assert.equal((await ledger.video(video))?.status, 'RUNNING')
      await nodes[who].stop()
      await allow(ALLOWED[next])
      await playsOn()
    })
  it('plays on at another node when the one that serves it is killed, without a pause', async () => {
    const at = await position()
    await nodes.serves.stop()
    await playsOn()
    await until('it says so', async () =>
      (await text()).endsWith(`It comes from ${new URL(nodes.stays.http).host} now.`),
    )
    assert.ok((await position()) > at)
  })
  it('plays to its last picture, each the right one', async () => {
    await until('it has ended', () => page.evaluate<boolean>("document.querySelector('video').ended"))
    assert.equal((await ledger.video(video))?.status, 'COMPLETED')
    const shown = await pictures(page)
    assert.ok(shown.length >= SECONDS / 2, `${shown.length} pictures were looked at`)
    for (const { time, number } of shown) assert.equal(number, Math.round(time * FPS), `the picture at ${time} s`)
    assert.ok(shown[0]!.time < 2 && shown.at(-1)!.time > SECONDS - 1)
  })
  it('says in one sentence that the film was cancelled while it was watched', async () => {
    const begun = (await readdir(dir)).filter((name) => name.startsWith('encode-'))
    await allow(begun.length + 1)
    const id = await submit(nodes.stays, dir, film, [...FORM, '--crf', '30'])
    await page.goto(`${nodes.stays.http}/watch/${id}`)
    await until('it plays', async () => (await position()) > 0.5)
    const headers = { 'content-type': 'application/json' }
    await fetch(`${nodes.stays.http}/v1/videos/${id}/cancel`, { method: 'POST', headers, body: '{}' })
    await until('it says so', async () => (await text()) === 'film was cancelled.')
    for (const name of ['master.m3u8', 'live-video-180p.m3u8', 'live-video-180p-init.mp4'])
      assert.equal((await fileOf(id, name)).status, 410, name)
  })
})
