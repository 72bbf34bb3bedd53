/** The page of one film: its player, what it waits for, and what can be chosen. */
import { createPlayer } from './player.js'

const SEEK_S = 5
const video = document.querySelector('video')!
const [, id = ''] = /^\/watch\/([^/]+)/.exec(location.pathname) ?? []

/** Fills a list, and shows it where there is something to choose. */
function offer(selector: string, names: readonly string[], chosen: number, choose: (at: number) => void): void {
  const list = document.querySelector<HTMLSelectElement>(selector)!
  list.replaceChildren(...names.map((name, at) => new Option(name, String(at), false, at === chosen)))
  list.parentElement!.hidden = names.length < 2
  list.onchange = () => choose(list.selectedIndex)
}

createPlayer(video, {
  id,
  origin: location.origin,
  onText(text) {
    document.querySelector('#state')!.textContent = text
  },
  onAbout({ name }) {
    document.querySelector('h1')!.textContent = name
    document.title = `${name} – Reelmesh`
  },
  onTracks(hls) {
    const heights = hls.levels.map(({ height, bitrate }) => `${height}p, ${(bitrate / 1e6).toFixed(1)} Mbit/s`)
    offer('#picture', ['automatic', ...heights], hls.autoLevelEnabled ? 0 : hls.loadLevel + 1, (at) => {
      hls.nextLevel = at - 1
    })
    const sounds = hls.audioTracks.map(({ name }) => name)
    offer('#sound', sounds, hls.audioTrack, (at) => {
      hls.audioTrack = at
    })
  },
})

const KEYS: Readonly<Record<string, () => unknown>> = {
  ' ': () => (video.paused ? video.play() : video.pause()),
  ArrowLeft: () => {
    video.currentTime -= SEEK_S
  },
  ArrowRight: () => {
    video.currentTime += SEEK_S
  },
  m: () => {
    video.muted = !video.muted
  },
  f: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen()),
}
document.addEventListener('keydown', (event) => {
  // The browser has keys of its own for lists, and some for a video that has the focus.
  const isOfVideo = event.target instanceof HTMLVideoElement && !/^[mf]$/i.test(event.key)
  const isOwn = isOfVideo || event.target instanceof HTMLSelectElement
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (!act || isOwn || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  void act()
})
