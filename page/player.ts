/**
 * Plays a film of a mesh in a video element, also while it is encoded: it waits for the beginning, says in words what it waits for, and asks another
 * node where one does not answer; what is buffered plays on meanwhile. It makes no elements: a page has its own around it.
 */
import type { HlsConfig, LoadPolicy, RetryConfig } from 'hls.js'
import Hls from './hls.min.mjs'
import { Nodes } from './nodes.js'

/** What the mesh knows of a film. */
export interface About {
  readonly name: string
  readonly status: string
  /** Origins of other nodes. */
  readonly nodes: readonly string[]
}

/** Which film, and what is called. */
export interface PlayerOptions {
  readonly id: string
  /** Of a node: `http://127.0.0.1:8080`. */
  readonly origin: string
  /** Called with what is to be said, also with nothing. */
  onText(text: string): void
  /** Called with the hls.js that plays, when its renditions and sounds are known. */
  onTracks(hls: Hls): void
  onAbout(about: About): void
}

/** How often a film that cannot be played yet is asked for, how long an answer may take, and how often other nodes are looked for, ms. */
const [ASK_MS, ANSWER_MS, LOOK_MS] = [2_000, 8_000, 15_000]
/** A second failure of the decoder within this time, ms, has the film loaded anew. */
const RECOVER_MS = 5_000
/** So near to the end of what is there a player that stands waits for more, s. */
const AT_EDGE_S = 3
/** More buffered than this is not asked for, and less than this kept of what was played, s. */
const [AHEAD_S, BEHIND_S] = [30, 60]

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const hostOf = (url: string) => new URL(url).host
/** 75 → 1:15. */
const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`

/** Every request that brings no answer is repeated, at the next node: see `toNode`. What a node refuses (4xx) is not. */
const retry: RetryConfig = {
  maxNumRetry: 20,
  retryDelayMs: 500,
  maxRetryDelayMs: 2_000,
  shouldRetry: (config, count, isLate, { code = 0 } = { url: '' }) =>
    count < (config?.maxNumRetry ?? 0) && (isLate || code < 400 || code >= 500),
}
const loadPolicy: LoadPolicy = {
  default: { maxTimeToFirstByteMs: ANSWER_MS, maxLoadTimeMs: 60_000, timeoutRetry: retry, errorRetry: retry },
}

/** What is waited for before anything is encoded; later a node says it. */
const WAITS: Readonly<Record<string, string>> = {
  QUEUED: 'The film waits to be read.',
  PLANNING: 'The film is being read.',
}

/** Plays the film from its beginning, until the page is left. */
export const createPlayer = (video: HTMLVideoElement, options: PlayerOptions): void =>
  new Player(video, options).start()

class Player {
  readonly #video: HTMLVideoElement
  readonly #options: PlayerOptions
  readonly #nodes: Nodes
  #status = ''
  #state = ''
  /** That a node does not answer, while that is so. */
  #trouble = ''
  /** How much of a film that still grows is there, s; null of one that does not. */
  #edge: number | null = null

  constructor(video: HTMLVideoElement, options: PlayerOptions) {
    this.#video = video
    this.#options = options
    this.#nodes = new Nodes(options.origin)
  }

  start(): void {
    if (!Hls.isSupported()) {
      this.#say('This browser cannot play streams: it has no Media Source Extensions.')
      return
    }
    for (const event of ['waiting', 'playing']) this.#video.addEventListener(event, this.#sayHowFar)
    void this.#look()
    setInterval(this.#look, LOOK_MS)
    void this.#begin(0)
  }

  #show = (): void => {
    const { onText, origin } = this.#options
    const { current } = this.#nodes
    const where = current === origin ? '' : `It comes from ${hostOf(current)} now.`
    onText([this.#trouble || this.#state, where].filter(Boolean).join(' '))
  }

  #say(text: string): void {
    this.#state = text
    this.#show()
  }

  #sayHowFar = (): void => {
    this.#say(this.#edge === null ? '' : `${this.#stateAt(this.#edge)}: ${clock(this.#edge)} can be watched so far.`)
  }

  #stateAt(edge: number): string {
    const { readyState, currentTime } = this.#video
    const isAtEdge = readyState < HTMLMediaElement.HAVE_FUTURE_DATA && edge - currentTime < AT_EDGE_S
    return isAtEdge ? 'It waits for the next pictures to be encoded' : 'It is being encoded'
  }

  /** Asks a node; where none answers null, and the next question goes to another. */
  async #ask(path: string): Promise<Response | null> {
    const node = this.#nodes.current
    try {
      const answer = await fetch(node + path, { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_MS) })
      this.#trouble = ''
      return answer
    } catch {
      this.#nodes.leave(node)
      const next = this.#nodes.size > 1 ? 'another node is asked' : 'it is asked again'
      this.#trouble = `${hostOf(node)} does not answer; ${next}.`
      return null
    } finally {
      this.#show()
    }
  }

  #look = async (): Promise<void> => {
    const answer = await this.#ask(`/watch/${this.#options.id}/about.json`)
    if (!answer?.ok) return
    const about = (await answer.json()) as About
    this.#nodes.add(about.nodes)
    this.#status = about.status
    this.#options.onAbout(about)
  }

  get #path(): string {
    return `/v1/videos/${this.#options.id}/hls/master.m3u8`
  }

  /** Resolves when the film can be played from its beginning. */
  async #canBePlayed(): Promise<void> {
    for (;;) {
      const answer = await this.#ask(this.#path)
      if (answer?.ok) return
      if (answer) {
        await this.#look()
        const { detail } = (await answer.json()) as { detail: string }
        this.#say(WAITS[this.#status] ?? `${detail}.`.replace('; ask again in a moment', ''))
      }
      await sleep(ASK_MS)
    }
  }

  async #begin(at: number): Promise<void> {
    this.#edge = null
    await this.#canBePlayed()
    this.#say('')
    const hls = new Hls({
      startPosition: at,
      enableWorker: false,
      maxBufferLength: AHEAD_S,
      backBufferLength: BEHIND_S,
      manifestLoadPolicy: loadPolicy,
      playlistLoadPolicy: loadPolicy,
      fragLoadPolicy: loadPolicy,
      xhrSetup: toNode(this.#nodes, this.#show),
    })
    this.#beginAnewWhereItFails(hls)
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      this.#edge = details.live ? details.edge : null
      this.#sayHowFar()
    })
    const onTracks = () => this.#options.onTracks(hls)
    hls.on(Hls.Events.MANIFEST_PARSED, onTracks)
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, onTracks)
    hls.loadSource(this.#nodes.current + this.#path)
    hls.attachMedia(this.#video)
    // A browser may want a gesture of the person first, who then presses play.
    this.#video.play().catch(() => {})
  }

  #beginAnewWhereItFails(hls: Hls): void {
    let recoveredAt = Number.NEGATIVE_INFINITY
    hls.on(Hls.Events.ERROR, async (_, { fatal, type, details }) => {
      if (!fatal) return
      if (details === Hls.ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR)
        return this.#say('This browser can decode none of the renditions.')
      if (type === Hls.ErrorTypes.MEDIA_ERROR && performance.now() - recoveredAt > RECOVER_MS) {
        recoveredAt = performance.now()
        return hls.recoverMediaError()
      }
      const at = this.#video.currentTime
      hls.destroy()
      await sleep(ASK_MS)
      await this.#begin(at)
    })
  }
}

/** Sends each request of hls.js to the node that is asked now; one that is repeated, to the next one: its answer did not come. */
function toNode(nodes: Nodes, show: () => void): NonNullable<HlsConfig['xhrSetup']> {
  const asked = new WeakMap<object, string>()
  return (xhr, url, request) => {
    const before = asked.get(request)
    if (before !== undefined) {
      nodes.leave(before)
      show()
    }
    asked.set(request, nodes.current)
    xhr.open('GET', nodes.here(url))
  }
}
