#!/bin/sh
# Finding: Shaka Player takes a film that still grows for whole where the playlist of its sound has ended.
#
# Version    shaka-player 5.2.12, beside hls.js 1.7.4 (npm), in Chromium
# Behaviour  A film of 12 s, its sound and its picture in playlists of the type EVENT. That of the sound has all of it and ENDLIST; that of the picture has 6 s at
#            first, gains a segment each second, and ends with the film. Shaka Player says that it is not live, asks for no playlist again and ends at 6 s,
#            without an error. Where the playlist of the sound ends no sooner than that of the picture it plays all 12 s; hls.js does in both cases.
# Expected   12 s each time: RFC 8216 §6.3.4 has a client reload every playlist that has no ENDLIST, whatever another one has.
#
# Needs Python 3 with pip, npm, and a Chromium on the path. Fails where the behaviour differs from the lines below.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/packages" imageio-ffmpeg==0.6.0
ffmpeg=$(PYTHONPATH=$dir/packages python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
npm install --silent --no-audit --no-fund --prefix "$dir" shaka-player@5.2.12 hls.js@1.7.4 playwright-core@1.65.1
cd "$dir"
for name in chromium chromium-browser google-chrome; do
  if [ -z "${CHROMIUM:-}" ]; then CHROMIUM=$(command -v "$name" || true); fi
done
export CHROMIUM

"$ffmpeg" -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=12 -c:v libx264 -preset ultrafast -g 50 \
  -f hls -hls_time 2 -hls_playlist_type event -hls_segment_type fmp4 -hls_fmp4_init_filename video.mp4 -hls_segment_filename 'video-%d.m4s' video.m3u8
"$ffmpeg" -v error -f lavfi -i sine=duration=12 -c:a aac \
  -f hls -hls_time 2 -hls_playlist_type event -hls_segment_type fmp4 -hls_fmp4_init_filename audio.mp4 -hls_segment_filename 'audio-%d.m4s' audio.m3u8

cat >play.mjs <<'PLAY'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'

const MASTER = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS="avc1.42c00b,mp4a.40.2",RESOLUTION=160x90,AUDIO="a"
video.m3u8
`
const PLAYERS = { shaka: 'shaka-player/dist/shaka-player.compiled.js', 'hls.js': 'hls.js/dist/hls.min.js' }
const [FIRST, ALL] = [3, 6]
/** As much of a playlist as has grown: the first segments, and another one each second. */
async function grown(name, began) {
  const lines = (await readFile(name, 'utf8')).split('\n')
  const segments = Math.min(ALL, FIRST + Math.floor((Date.now() - began) / 1000))
  if (segments === ALL) return lines.join('\n')
  let seen = 0
  return lines.slice(0, lines.findIndex((line) => line.endsWith('.m4s') && ++seen === segments) + 1).join('\n')
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
})
for (const player of Object.keys(PLAYERS))
  for (const sound of ['grows', 'has ended']) {
    // The picture is asked for once where the player takes it for whole: it grows from then on.
    let began = null
    const server = createServer(async ({ url }, response) => {
      const name = url.slice(1)
      if (name === '') return response.setHeader('content-type', 'text/html').end('<!doctype html><video muted></video>')
      if (name === 'master.m3u8') return response.end(MASTER)
      if (name === 'video.m3u8') began ??= Date.now()
      const isWhole = !name.endsWith('.m3u8') || (name === 'audio.m3u8' && sound === 'has ended')
      const bytes = await (isWhole ? readFile(name) : grown(name, began ?? Date.now())).catch(() => null)
      response.statusCode = bytes === null ? 404 : 200
      response.end(bytes)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
    await page.addScriptTag({ content: await readFile(`node_modules/${PLAYERS[player]}`, 'utf8') })
    const end = await page.evaluate(async (player) => {
      const video = document.querySelector('video')
      const ended = new Promise((resolve) => video.addEventListener('ended', resolve))
      if (player === 'shaka') {
        const shakaPlayer = new shaka.Player()
        await shakaPlayer.attach(video)
        await shakaPlayer.load('master.m3u8', 0)
      } else {
        const hls = new Hls({ startPosition: 0 })
        hls.loadSource('master.m3u8')
        hls.attachMedia(video)
      }
      await video.play()
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 40_000))])
      return { ended: video.ended, at: Math.round(video.currentTime) }
    }, player)
    console.log(`${player}, the sound ${sound}: ${end.ended ? 'ended' : 'hangs'} at ${end.at} s`)
    await page.close()
    server.close()
    server.closeAllConnections()
  }
await browser.close()
PLAY
node play.mjs >seen
cat seen
cat >expected <<'LINES'
shaka, the sound grows: ended at 12 s
shaka, the sound has ended: ended at 6 s
hls.js, the sound grows: ended at 12 s
hls.js, the sound has ended: ended at 12 s
LINES
diff expected seen || { echo 'changed: no longer as described'; exit 1; }
echo 'as described'
