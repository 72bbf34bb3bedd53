#!/bin/sh
# Finding: dash.js stops at the end of what it loads first of a live film where the video element was played before the manifest was there.
#
# Version    dashjs 5.2.1 (npm), in Chromium; the film is made by ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0)
# Behaviour  A film of 12 s in segments of 2 s. Its manifest is dynamic and has three segments at first, gains one each second, and becomes static with the last
#            one. `video.play()` right behind `attachSource` shows 6 s and stands there, not paused and without an error, though the manifest goes on
#            growing. After `loadedmetadata` the same call plays all 12 s, and a static manifest is played to its end both ways.
# Expected   12 s each time: when the element was played does not change what the manifest lists
#
# Needs Python 3 with pip, npm, and a Chromium on the path. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
npm install --silent --no-audit --no-fund --prefix "$dir" dashjs@5.2.1 playwright-core@1.65.1
cd "$dir"
for name in chromium chromium-browser google-chrome; do
  if [ -z "${CHROMIUM:-}" ]; then CHROMIUM=$(command -v "$name" || true); fi
done
export CHROMIUM

"$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=12 -c:v libx264 -preset ultrafast -g 50 \
  -f dash -seg_duration 2 -use_template 1 -use_timeline 1 film.mpd

cat >play.mjs <<'PLAY'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const [SEGMENT_S, FIRST, ALL] = [2, 3, 6]
const whole = await readFile('film.mpd', 'utf8')
/** The manifest with the first segments: live until it has all of them. */
function grown(segments, began) {
  const listed = whole.replace(/(<S t="0" d="\d+" r=")\d+/, `$1${segments - 1}`)
  if (segments === ALL) return listed
  const live = {
    type: 'dynamic',
    availabilityStartTime: new Date(began - FIRST * SEGMENT_S * 1000).toISOString(),
    publishTime: new Date().toISOString(),
    minimumUpdatePeriod: 'PT1S',
    suggestedPresentationDelay: `PT${FIRST * SEGMENT_S}S`,
  }
  const attributes = Object.entries(live).map(([name, value]) => `${name}="${value}"`)
  return listed.replace('type="static"', attributes.join(' ')).replace(/\s+mediaPresentationDuration="[^"]*"/, '')
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
})
for (const manifest of ['dynamic', 'static'])
  for (const when of ['before', 'after']) {
    let began = null
    const server = createServer(async ({ url }, response) => {
      const name = url.slice(1)
      if (name === '') return response.setHeader('content-type', 'text/html').end('<!doctype html><video muted></video>')
      if (name === 'film.mpd') {
        began ??= Date.now()
        const segments = manifest === 'static' ? ALL : Math.min(ALL, FIRST + Math.floor((Date.now() - began) / 1000))
        return response.setHeader('content-type', 'application/dash+xml').end(grown(segments, began))
      }
      const bytes = await readFile(name).catch(() => null)
      response.statusCode = bytes === null ? 404 : 200
      response.end(bytes)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    await page.addScriptTag({ content: await readFile('node_modules/dashjs/dist/modern/umd/dash.all.min.js', 'utf8') })
    const end = await page.evaluate(async (when) => {
      const video = document.querySelector('video')
      const event = (name) => new Promise((resolve) => video.addEventListener(name, resolve, { once: true }))
      const [isLoaded, ended] = [event('loadedmetadata'), event('ended')]
      let failed = false
      const player = dashjs.MediaPlayer().create()
      player.on('error', () => {
        failed = true
      })
      player.initialize(video, null, false)
      player.attachSource('film.mpd')
      if (when === 'after') await isLoaded
      void video.play()
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 40_000))])
      return { ended: video.ended, paused: video.paused, failed, at: Math.round(video.currentTime) }
    }, when)
    const how = end.ended ? 'ended' : `stands, ${end.paused ? 'paused' : 'not paused'}, ${end.failed ? 'with an error' : 'without an error'},`
    console.log(`${manifest}, played ${when} the manifest was there: ${how} at ${end.at} s`)
    await page.close()
    server.close()
    server.closeAllConnections()
  }
await browser.close()
PLAY
node play.mjs >seen
cat seen
cat >expected <<'LINES'
dynamic, played before the manifest was there: stands, not paused, without an error, at 6 s
dynamic, played after the manifest was there: ended at 12 s
static, played before the manifest was there: ended at 12 s
static, played after the manifest was there: ended at 12 s
LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
