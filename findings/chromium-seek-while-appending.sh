#!/bin/sh
# Finding: Chromium shows the next keyframe where a seek begins while its segment is appended, and the segment is then removed and appended again.
#
# Version    Chromium 156.0 (Debian 12); the film is made by ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0), segments of 4 s with a keyframe every 2 s
# Behaviour  The first segment (0 to 4 s) is there, the second is being appended when the paused video is sent to 5.02 s, in it. Once it is appended it is removed,
#            and appended again at once, as Shaka Player does for a seek to where nothing is buffered yet. `seeked` follows, `currentTime` is 5.02 s, 4 to 8 s are
#            buffered, and in about half of the tries the video stays at the picture of 6.00 s, the keyframe after that of 5.02 s. Where it is removed 50 ms later,
#            or not at all, the picture of 5.00 s is shown each time.
# Expected   The picture of 5.00 s each time
#
# Needs Python 3 with pip, npm, and a Chromium on the path. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
npm install --silent --no-audit --no-fund --prefix "$dir" playwright-core@1.65.1
cd "$dir"
for name in chromium chromium-browser google-chrome; do
  if [ -z "${CHROMIUM:-}" ]; then CHROMIUM=$(command -v "$name" || true); fi
done
export CHROMIUM
"$ffmpeg" -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=16 -c:v libx264 -preset ultrafast -bf 3 -g 50 -keyint_min 50 -sc_threshold 0 \
  -f dash -seg_duration 4 -use_template 1 -init_seg_name segment-0.m4s -media_seg_name 'segment-$Number$.m4s' film.mpd

cat >seek.mjs <<'SEEK'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const server = createServer(async ({ url }, response) => {
  const page = '<!doctype html><title>seek</title>'
  if (url === '/') return response.setHeader('content-type', 'text/html').end(page)
  const bytes = await readFile(url.slice(1)).catch(() => null)
  response.statusCode = bytes === null ? 404 : 200
  response.end(bytes)
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
})
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
const TRIES = 40
for (const [what, waitMs] of [['at once', 0], ['50 ms later', 50], ['not at all', null]]) {
  const shown = await page.evaluate(async ({ tries, waitMs }) => {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }))
    const names = [0, 1, 2].map((at) => `segment-${at}.m4s`)
    const [init, first, second] = await Promise.all(names.map(async (name) => (await fetch(name)).arrayBuffer()))
    const times = []
    for (let at = 0; at < tries; at++) {
      const video = document.body.appendChild(document.createElement('video'))
      const media = new MediaSource()
      video.src = URL.createObjectURL(media)
      await event(media, 'sourceopen')
      media.duration = 16
      const buffer = media.addSourceBuffer('video/mp4; codecs="avc1.42C00D"')
      const append = (bytes) => {
        buffer.appendBuffer(bytes)
        return event(buffer, 'updateend')
      }
      await append(init)
      await append(first)
      while (video.readyState < 2) await sleep(5)
      const seeked = event(video, 'seeked')
      const appended = append(second)
      video.currentTime = 5.02
      await appended
      if (waitMs !== null) {
        if (waitMs > 0) await sleep(waitMs)
        buffer.remove(0, 16)
        await event(buffer, 'updateend')
        await append(second)
      }
      await seeked
      await sleep(300)
      const picture = new VideoFrame(video)
      times.push(picture.timestamp / 1e6)
      picture.close()
      video.removeAttribute('src')
      video.load()
      video.remove()
    }
    return times
  }, { tries: TRIES, waitMs })
  const right = shown.filter((time) => time === 5).length
  const next = shown.filter((time) => time === 6).length
  const some = (count) => (count === 0 ? 'none' : count === TRIES ? 'all' : 'some')
  console.log(`removed ${what}: 5 s is shown in ${some(right)} of the tries, 6 s in ${some(next)}`)
}
await browser.close()
server.close()
SEEK
node seek.mjs >seen
cat seen
cat >expected <<'LINES'
removed at once: 5 s is shown in some of the tries, 6 s in some
removed 50 ms later: 5 s is shown in all of the tries, 6 s in none
removed not at all: 5 s is shown in all of the tries, 6 s in none
LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
