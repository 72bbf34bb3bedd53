/**
 * Plays a film of a mesh in a video element, also while it is encoded: it waits for the beginning, says in words what it waits for, and asks another
 * node where one does not answer; what is buffered plays on meanwhile. It makes no elements: a page has its own around it.
 */
import Hls from './hls.min.mjs'
import { Nodes } from './nodes.js'

/** How often a film that cannot be played yet is asked for, how long an answer may take, and how often other nodes are looked for, ms. */
const [ASK_MS, ANSWER_MS, LOOK_MS] = [2_000, 8_000, 15_000]
/** A second failure of the decoder within this time, ms, has the film loaded anew. */
const RECOVER_MS = 5_000
/** So near to the end of what is there a player that stands waits for more, s. */
const AT_EDGE_S = 3
/** More buffered than this is not asked for, and less than this kept of what was played, s. */
const [AHEAD_S, BEHIND_S] = [30, 60]

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const hostOf = (url) => new URL(url).host
/** 75 → 1:15. */
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`

/** Every request that brings no answer is repeated, at the next node: see `xhrSetup`. What a node refuses (4xx) is not. */
const retry = {
  maxNumRetry: 20,
  retryDelayMs: 500,
  maxRetryDelayMs: 2_000,
  shouldRetry: ({ maxNumRetry }, count, isLate, answer) =>
    count < maxNumRetry && (isLate || !(answer?.code >= 400 && answer.code < 500)),
}
const loadPolicy = {
  default: { maxTimeToFirstByteMs: ANSWER_MS, maxLoadTimeMs: 60_000, timeoutRetry: retry, errorRetry: retry },
}

/**
 * Plays the video of this id. `origin`: of a node. `onText` is called with what is to be said, also with nothing; `onTracks` with the hls.js that plays, when
 * its renditions and sounds are known; `onAbout` with what the mesh knows of the video: its `name` and `status`.
 */
export function createPlayer(video, { id, origin, onText, onTracks, onAbout }) {
  const nodes = new Nodes(origin)
  let hls = null
  let status = ''
  let state = ''
  /** That a node does not answer, while that is so. */
  let trouble = ''
  /** How much of a film that still grows is there, s; null of one that does not. */
  let edge = null

  const show = () => {
    const isElsewhere = nodes.current !== origin
    onText([trouble || state, isElsewhere && `It comes from ${hostOf(nodes.current)} now.`].filter(Boolean).join(' '))
  }
  const say = (text) => {
    state = text
    show()
  }
  const sayHowFar = () => {
    const isAtEdge = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && edge - video.currentTime < AT_EDGE_S
    const what = isAtEdge ? 'It waits for the next pictures to be encoded' : 'It is being encoded'
    say(edge === null ? '' : `${what}: ${clock(edge)} can be watched so far.`)
  }

  /** Asks a node; where none answers null, and the next question goes to another. */
  async function ask(path) {
    const node = nodes.current
    try {
      const answer = await fetch(node + path, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) })
      trouble = ''
      return answer
    } catch {
      nodes.leave(node)
      trouble = `${hostOf(node)} does not answer; ${nodes.size > 1 ? 'another node is asked' : 'it is asked again'}.`
      return null
    } finally {
      show()
    }
  }

  async function look() {
    const answer = await ask(`/watch/${id}/about.json`)
    if (!answer?.ok) return
    const about = await answer.json()
    nodes.add(about.nodes)
    status = about.status
    onAbout(about)
  }

  /** Resolves when the film can be played from its beginning. */
  async function canBePlayed() {
    for (;;) {
      const answer = await ask(`/v1/videos/${id}/hls/master.m3u8`)
      if (answer?.ok) return
      if (answer) {
        await look()
        const { detail } = await answer.json()
        say(WAITS[status] ?? `${detail}.`.replace('; ask again in a moment', ''))
      }
      await sleep(ASK_MS)
    }
  }

  async function begin(at) {
    edge = null
    await canBePlayed()
    say('')
    hls = new Hls({
      startPosition: at,
      enableWorker: false,
      maxBufferLength: AHEAD_S,
      backBufferLength: BEHIND_S,
      manifestLoadPolicy: loadPolicy,
      playlistLoadPolicy: loadPolicy,
      fragLoadPolicy: loadPolicy,
      xhrSetup: toNode(nodes, show),
    })
    let recoveredAt = Number.NEGATIVE_INFINITY
    hls.on(Hls.Events.ERROR, async (_, { fatal, type, details }) => {
      if (!fatal) return
      if (details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR)
        return say('This browser can decode none of the renditions.')
      if (type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - recoveredAt > RECOVER_MS) {
        recoveredAt = performance.now()
        return hls.recoverMediaError()
      }
      const at = video.currentTime
      hls.destroy()
      await sleep(ASK_MS)
      await begin(at)
    })
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      edge = details.live ? details.edge : null
      sayHowFar()
    })
    for (const event of [Hls.Events.MANIFEST_PARSED, Hls.Events.AUDIO_TRACKS_UPDATED])
      hls.on(event, () => onTracks(hls))
    hls.loadSource(`${nodes.current}/v1/videos/${id}/hls/master.m3u8`)
    hls.attachMedia(video)
    // A browser may want a gesture of the person first, who then presses play.
    video.play().catch(() => {})
  }

  if (!Hls.isSupported()) return say('This browser cannot play streams: it has no Media Source Extensions.')
  for (const event of ['waiting', 'playing']) video.addEventListener(event, sayHowFar)
  void look()
  setInterval(look, LOOK_MS)
  void begin(0)
}

/** What is waited for before anything is encoded; later a node says it. */
const WAITS = {
  QUEUED: 'The film waits to be read.',
  PLANNING: 'The film is being read.',
}

/** Sends each request of hls.js to the node that is asked now; one that is repeated, to the next one: its answer did not come. */
function toNode(nodes, show) {
  const asked = new WeakMap()
  return (xhr, url, request) => {
    if (asked.has(request)) {
      nodes.leave(asked.get(request))
      show()
    }
    asked.set(request, nodes.current)
    xhr.open('GET', nodes.here(url))
  }
}
