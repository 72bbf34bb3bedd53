#!/bin/sh
# Finding: hls.js takes a segment for longer than it is where an edit list takes off the delay of B-frames, and a seek into the difference waits for ever.
#
# Version    hls.js 1.7.4 (npm), in Chromium; the film is made by ffmpeg 7.0.2 (PyPI imageio-ffmpeg 0.6.0)
# Behaviour  A film of 24 s in segments of 4 s, as ffmpeg's DASH muxer makes them: pictures are decoded up to 0.08 s before they are shown, and the edit list
#            of the track takes that off. Chromium buffers the first segment as 0 to 4 s; hls.js reads its samples without the edit list, and keeps it as 0 to
#            4.08 s. Sent to 14.4 s before the second segment has come, and back to 4.02 s, it asks for no segment: the video stays in its seek, played or not, without
#            a fatal error. At 4.12 s the second segment is asked for. Without B-frames, and so without an edit list, it is at 4.02 s as well.
# Expected   The segment of 4.02 s is asked for each time
#
# Needs Python 3 with pip, npm, and a Chromium on the path. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
npm install --silent --no-audit --no-fund --prefix "$dir" hls.js@1.7.4 playwright-core@1.65.1
cd "$dir"
for name in chromium chromium-browser google-chrome; do
  if [ -z "${CHROMIUM:-}" ]; then CHROMIUM=$(command -v "$name" || true); fi
done
export CHROMIUM

for count in 3 0; do
  mkdir "$count"
  (cd "$count" && "$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=24 -c:v libx264 -preset ultrafast -bf "$count" -g 100 \
    -keyint_min 100 -f dash -hls_playlist 1 -seg_duration 4 -use_template 1 -media_seg_name 'segment-$Number$.m4s' film.mpd)
done

cat >seek.mjs <<'SEEK'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
})
for (const [count, to] of [[3, 4.02], [3, 4.12], [0, 4.02]]) {
  let isFirst = true
  const server = createServer(async ({ url }, response) => {
    const name = url.slice(1)
    if (name === '') return response.setHeader('content-type', 'text/html').end('<!doctype html><video muted></video>')
    // The second segment is on its way when the video is sent ahead.
    if (name === 'segment-2.m4s' && isFirst) {
      isFirst = false
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    }
    const bytes = await readFile(`${count}/${name}`).catch(() => null)
    response.statusCode = bytes === null ? 404 : 200
    response.end(bytes)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${server.address().port}/`)
  await page.addScriptTag({ content: await readFile('node_modules/hls.js/dist/hls.min.js', 'utf8') })
  const seen = await page.evaluate(async (to) => {
    const video = document.querySelector('video')
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const ranges = () => Array.from({ length: video.buffered.length }, (_, at) => `${Math.round(video.buffered.start(at))}-${Math.round(video.buffered.end(at))}`).join(' ')
    let hasFailed = false
    const player = new Hls()
    player.on(Hls.Events.ERROR, (_, { fatal }) => {
      hasFailed ||= fatal
    })
    player.loadSource('master.m3u8')
    player.attachMedia(video)
    while (video.readyState < 2) await sleep(20)
    video.currentTime = 14.4
    for (let tries = 0; ranges() !== '0-4 12-24' && tries < 1_000; tries++) await sleep(20)
    const before = ranges()
    video.currentTime = to
    for (let tries = 0; video.seeking && tries < 1_000; tries++) await sleep(20)
    const isShown = !video.seeking
    await Promise.race([video.play(), sleep(20_000)])
    for (let tries = 0; video.currentTime < to + 1 && tries < 1_000; tries++) await sleep(20)
    return { before, isShown, hasFailed, plays: video.currentTime >= to + 1 }
  }, to)
  const what = seen.isShown ? 'is shown' : 'is not shown within 20 s'
  console.log(`${count} B-frames: ${seen.before} s are there, ${to} s ${what}, and ${seen.plays ? 'plays' : 'does not play'} on, ${seen.hasFailed ? 'with' : 'without'} a fatal error`)
  await page.close()
  server.close()
  server.closeAllConnections()
}
await browser.close()
SEEK
node seek.mjs >seen
cat seen
cat >expected <<'LINES'
3 B-frames: 0-4 12-24 s are there, 4.02 s is not shown within 20 s, and does not play on, without a fatal error
3 B-frames: 0-4 12-24 s are there, 4.12 s is shown, and plays on, without a fatal error
0 B-frames: 0-4 12-24 s are there, 4.02 s is shown, and plays on, without a fatal error
LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
