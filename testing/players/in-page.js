/* What a test does inside the page: plays one package in one player, and reads what the browser has of it. A plain script. */
let player = null
const video = document.querySelector('video')
/** Every source buffer that a player makes, by its type. */
const buffers = []
const { addSourceBuffer } = MediaSource.prototype
MediaSource.prototype.addSourceBuffer = function (type) {
  const buffer = addSourceBuffer.call(this, type)
  buffers.push({ type, buffer })
  return buffer
}

/** Keys of encrypted samples by their ids, as hex digits. */
let keys = null
window.useKeys = (own) => {
  keys = own
}
/** A token, and the origin whose requests bring it. */
let token = null
window.useToken = (own, origin) => {
  token = { origin, header: `Bearer ${own}` }
}
const headerFor = (url) =>
  token && new URL(url, location).origin === token.origin ? { Authorization: token.header } : {}
const base64url = (hex) => {
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => Number.parseInt(pair, 16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
const PLAYERS = {
  'hls.js': (url) => {
    const player = new Hls({
      xhrSetup: (xhr, url) => {
        for (const header of Object.entries(headerFor(url))) xhr.setRequestHeader(...header)
      },
    })
    player.on(Hls.Events.ERROR, (_, { fatal, details }) => fatal && fail(details))
    player.loadSource(url)
    player.attachMedia(video)
    return player
  },
  'dash.js': (url) => {
    const player = dashjs.MediaPlayer().create()
    player.on('error', ({ error }) => fail(error?.message ?? 'dash.js'))
    // A gap in the buffers is a fault here: it is not jumped over. Where the browser itself seeks to the end, which sound may reach after the pictures,
    // dash.js else goes back by half a second.
    player.updateSettings({ streaming: { seekDurationBackoff: 0, gaps: { jumpGaps: false, enableSeekFix: false } } })
    player.initialize(video, null, false)
    player.addRequestInterceptor(async (request) => {
      Object.assign(request.headers, headerFor(request.url))
      return request
    })
    if (keys) {
      const clearkeys = Object.fromEntries(Object.entries(keys).map((pair) => pair.map(base64url)))
      player.setProtectionData({ 'org.w3.clearkey': { clearkeys } })
    }
    player.attachSource(url)
    return player
  },
  shaka: (url) => {
    const player = new shaka.Player()
    player.addEventListener('error', ({ detail }) => fail(`shaka ${detail.code}`))
    player.getNetworkingEngine().registerRequestFilter((_, request) => {
      Object.assign(request.headers, headerFor(request.uris[0]))
    })
    // In HLS it takes the key from where the playlist says.
    if (keys && url.endsWith('.mpd')) player.configure({ drm: { clearKeys: keys } })
    player
      .attach(video)
      .then(() => player.load(url))
      .catch((error) => fail(`shaka ${error.code}`))
    return player
  },
  browser: (url) => {
    video.src = url
    return null
  },
}

let fail = () => {}
const failure = new Promise((_, reject) => {
  fail = (message) => reject(new Error(message))
})
failure.catch(() => {})
video.addEventListener('error', () => fail(`the video element: ${video.error?.message}`))
/** Rejects where the player fails, or where nothing comes for so many seconds: then with what the browser has. */
const orFailure = (promise, seconds = 20) =>
  Promise.race([
    promise,
    failure,
    new Promise((_, reject) =>
      setTimeout(() => {
        const { currentTime, readyState, paused, seeking, ended } = video
        const state = { currentTime, readyState, paused, seeking, ended, buffered: ranges(video.buffered) }
        reject(new Error(`nothing for ${seconds} s: ${JSON.stringify(state)}`))
      }, seconds * 1000),
    ),
  ])
const event = (name) => new Promise((resolve) => video.addEventListener(name, resolve, { once: true }))
const frame = () => new Promise((resolve) => video.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime)))
const ranges = (all) => Array.from({ length: all.length }, (_, at) => [all.start(at), all.end(at)])
/** dash.js pauses a video that it has not been told to play. */
const play = async () => (player?.play ? player.play() : await video.play())
const pause = () => (player?.pause ? player.pause() : video.pause())
const hasDuration = () => (video.readyState >= 1 ? Promise.resolve() : event('loadedmetadata'))

/** Loads a package; answers the time of the first picture shown, seconds, and the length. */
window.load = async (name, url) => {
  const first = frame()
  player = PLAYERS[name](url)
  await orFailure(hasDuration())
  return { first: await orFailure(first), duration: video.duration, width: video.videoWidth }
}
/** How long a picture is shown without another before it counts as drawn, ms. */
const DRAWN_MS = 300
/** Of encrypted pictures nothing can be read but what callbacks said last. */
let called = null
const callBack = (_, { mediaTime }) => {
  called = mediaTime
  video.requestVideoFrameCallback(callBack)
}
video.requestVideoFrameCallback(callBack)
/** The time of the picture that is shown now, seconds; null before the first. */
const shownNow = () => {
  if (keys) return called
  if (video.readyState < 2) return null
  const picture = new VideoFrame(video)
  const { timestamp } = picture
  picture.close()
  return timestamp / 1e6
}
/**
 * The time of the picture that stays, seconds. It is read from the element: a callback of a frame is left out on a busy machine, or is late and that of
 * another picture.
 */
const drawn = async () => {
  for (let before = null; ; ) {
    await new Promise((resolve) => setTimeout(resolve, DRAWN_MS))
    const shown = shownNow()
    if (shown !== null && shown === before && !video.seeking) return shown
    before = shown
  }
}
/** How long nothing is appended until a player counts as settled, ms. */
const SETTLED_MS = 300
/** Resolves once nothing is appended: sent away within that, Chromium may show the next keyframe (findings/chromium-seek-while-appending.sh). */
const settled = async () => {
  for (let before = null; ; ) {
    const now = JSON.stringify(window.buffered())
    if (now === before && !buffers.some(({ buffer }) => buffer.updating)) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS))
  }
}
/** Shows the picture of a time; answers its own time, seconds. */
window.seek = async (seconds) => {
  pause()
  await orFailure(settled())
  const seeked = event('seeked')
  video.currentTime = seconds
  await orFailure(seeked)
  return await orFailure(drawn())
}
/** Plays from here to the end; answers the time of the last picture and where playing ended, seconds. */
window.playToEnd = async (seconds) => {
  const ended = event('ended')
  // On a machine that is short of time dash.js pauses by itself, as behind a gap: what a person does then is to press play.
  const again = () => video.ended || play()
  video.addEventListener('pause', again)
  await play()
  await orFailure(ended, seconds)
  video.removeEventListener('pause', again)
  return { last: await orFailure(drawn()), at: video.currentTime }
}
/** What is buffered of each kind, seconds, and how far it was moved. */
window.buffered = () =>
  buffers.map(({ type, buffer }) => ({ type, offset: buffer.timestampOffset, ranges: ranges(buffer.buffered) }))
const milliseconds = (seconds) => Math.round(seconds * 1_000) / 1_000
/** Shows the first text track from a time on, seconds; answers its cues, times to the ms: Shaka adds the time of a segment, which is no exact sum. */
window.cues = async (seconds) => {
  for (let tries = 0; tries < 20; tries++) {
    if (player?.subtitleTracks) player.subtitleTrack = 0
    if (player?.getTextTracks) player.selectTextTrack(player.getTextTracks()[0])
    player?.setTextTrack?.(0)
    // Shaka loads a text once it is sent somewhere, or plays.
    video.currentTime = seconds
    await play()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const track of video.textTracks) {
      track.mode = 'showing'
      if (track.cues?.length > 0)
        return [...track.cues].map(({ startTime, endTime, text }) => ({
          startTime: milliseconds(startTime),
          endTime: milliseconds(endTime),
          text,
        }))
    }
  }
  return []
}
/** The languages of the tracks of sound that can be chosen. */
window.languages = () => {
  if (player?.audioTracks) return player.audioTracks.map(({ lang }) => lang)
  if (player?.getTracksFor) return player.getTracksFor('audio').map(({ lang }) => lang)
  if (player?.getAudioTracks) return player.getAudioTracks().map(({ language }) => language)
  return []
}
/** Goes to the largest rendition, and answers once pictures of `height` lines are shown. */
window.switchTo = async (height) => {
  if (player?.levels) player.nextLevel = player.levels.findIndex((level) => level.height === height)
  else if (player?.getVariantTracks) {
    player.configure({ abr: { enabled: false } })
    player.selectVariantTrack(
      player.getVariantTracks().find((track) => track.height === height),
      true,
    )
  } else if (player?.getRepresentationsByType) {
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } })
    const all = player.getRepresentationsByType('video')
    player.setRepresentationForTypeByIndex(
      'video',
      all.findIndex((each) => each.height === height),
      // What is buffered is replaced too.
      true,
    )
  }
  await play()
  while (video.videoHeight !== height) await orFailure(frame())
  pause()
  return video.currentTime
}
