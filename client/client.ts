/**
 * The client for programs, `import { ReelmeshClient } from 'reelmesh/client'`. What it takes and answers has the types of the schemas that the nodes check with.
 *
 * A client may know several nodes of one mesh. Where one does not answer, reads and events go on at the next; what changes something is sent once, to the first
 * node that takes the connection. Retries beyond that are the caller's.
 */

import type { SubmitAnswer, SubmitBody } from '../protocol/api.ts'
import type { ApiEvent, EventGap } from '../protocol/api-events.ts'
import type { PageQuery, VideoPage } from '../protocol/api-lists.ts'
import type { WebhookPage, WebhookPageQuery, WebhookRow } from '../protocol/api-webhooks.ts'
import type { EngineStatus, PeerStatus, StatusSnapshot, TaskRow, VideoDetail, VideoRow } from '../protocol/status.ts'
import type { WebhookMessage } from '../protocol/webhook.ts'
import { EventsLost, ReelmeshRequestError } from './errors.ts'
import { type EventAsk, readEvents } from './read-events.ts'

export type {
  ApiEvent,
  EngineStatus,
  EventAsk,
  EventGap,
  PeerStatus,
  StatusSnapshot,
  SubmitAnswer,
  SubmitBody,
  TaskRow,
  VideoDetail,
  VideoRow,
  WebhookMessage,
  WebhookRow,
}
export { EventsLost, ReelmeshRequestError }

/** Where the nodes are, and who asks. */
export interface ClientOptions {
  /** Addresses of nodes, such as `http://127.0.0.1:8080`, the first to ask first. */
  readonly nodes: string | readonly string[]
  /** A token of these nodes, where they have some. */
  readonly token?: string
  /** What sends requests; the default is that of the platform. */
  readonly fetch?: typeof fetch
}

/** Which videos are wanted: statuses separated by commas, times in ms since 1970, and how many are asked for at once. */
export type VideosAsk = Partial<Omit<PageQuery, 'cursor'>>

/** Which webhook deliveries are wanted: of one state, and how many are asked for at once. */
export type WebhooksAsk = Partial<Omit<WebhookPageQuery, 'cursor'>>

/** The answer to what may have been so before. */
export type Changed = 'changed' | 'unchanged'

type Query = Readonly<Record<string, string | number | undefined>>
interface Ask {
  readonly method?: 'GET' | 'POST'
  readonly query?: Query
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * A client of a mesh. Every method rejects with `ReelmeshRequestError` where a node refuses, and with the error of `fetch` where none answers.
 */
export class ReelmeshClient {
  readonly #nodes: readonly string[]
  readonly #headers: Readonly<Record<string, string>>
  readonly #fetch: typeof fetch
  /** Index of the node that is asked. */
  #at = 0

  constructor({ nodes, token, fetch: send = fetch }: ClientOptions) {
    this.#nodes = [nodes].flat().map((node) => node.replace(/\/+$/, ''))
    if (this.#nodes.length === 0) throw new TypeError('a client needs the address of a node')
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    this.#fetch = send
  }

  /** What a node knows of the mesh. */
  status(): Promise<StatusSnapshot> {
    return this.#read('/v1/status')
  }

  /** The videos of the mesh, newest first: all pages, each asked for when it is needed. */
  async *videos(ask: VideosAsk = {}): AsyncGenerator<VideoRow, void> {
    for (let cursor: string | undefined; ; ) {
      const { videos, next }: VideoPage = await this.#read('/v1/videos', { ...(ask as Query), cursor })
      yield* videos
      if (next === null) return
      cursor = next
    }
  }

  /** One video. */
  video(id: string): Promise<VideoDetail> {
    return this.#read(`/v1/videos/${encodeURIComponent(id)}`)
  }

  /** The tasks of a video, in the order in which they are claimed. */
  tasks(id: string): Promise<TaskRow[]> {
    return this.#read(`/v1/videos/${encodeURIComponent(id)}/tasks`)
  }

  /** The peers of the mesh, by name. */
  peers(): Promise<PeerStatus[]> {
    return this.#read('/v1/peers')
  }

  /** The engines on which the mesh starts workers by itself. */
  engines(): Promise<EngineStatus[]> {
    return this.#read('/v1/engines')
  }

  /** Submits a file of the machine of the node; resolves when it is hashed and in the ledger. */
  submit(video: SubmitBody): Promise<SubmitAnswer> {
    return this.#change('/v1/videos', video)
  }

  /** Stops work on an open video. */
  cancel(id: string): Promise<Changed> {
    return this.#act(id, 'cancel')
  }

  /** Takes up a failed or cancelled video again. */
  retry(id: string): Promise<Changed> {
    return this.#act(id, 'retry')
  }

  /** Lets an open video go before or after others. `priority`: an integer, the highest goes first. */
  setPriority(id: string, priority: number): Promise<Changed> {
    return this.#act(id, 'priority', { priority })
  }

  /** Sets when an open video is wanted, ms since 1970; null: at no time. */
  setDeadline(id: string, deadline: number | null): Promise<Changed> {
    return this.#act(id, 'deadline', { deadline })
  }

  /** Stops a peer, by id or name, from claiming tasks. */
  async pause(peer: string): Promise<void> {
    await this.#change(`/v1/peers/${encodeURIComponent(peer)}/pause`, {})
  }

  /** Lets a paused or quarantined peer claim tasks again. */
  async resume(peer: string): Promise<void> {
    await this.#change(`/v1/peers/${encodeURIComponent(peer)}/resume`, {})
  }

  /** Lets a peer finish what it runs, then leave the mesh. */
  async drain(peer: string): Promise<void> {
    await this.#change(`/v1/peers/${encodeURIComponent(peer)}/drain`, {})
  }

  /** The webhook deliveries of the mesh, those of the newest events first: all pages, each asked for when it is needed. */
  async *webhooks(ask: WebhooksAsk = {}): AsyncGenerator<WebhookRow, void> {
    for (let cursor: string | undefined; ; ) {
      const { webhooks, next }: WebhookPage = await this.#read('/v1/webhooks', { ...(ask as Query), cursor })
      yield* webhooks
      if (next === null) return
      cursor = next
    }
  }

  /** Has a webhook delivery sent again at once, under the same id. */
  resendWebhook(id: string): Promise<WebhookRow> {
    return this.#change(`/v1/webhooks/${encodeURIComponent(id)}/resend`, {})
  }

  /** The number of the newest event; 0 where there is none. */
  async newestEvent(): Promise<number> {
    const { events } = await this.#read<{ events: ApiEvent[] }>('/v1/events', { limit: 1 })
    return events[0]?.n ?? 0
  }

  /**
   * The events of the mesh, each once, in order: those behind the number `after`, else from now on, and on, until `signal` aborts or the loop is left. Where the
   * connection or its node ends, it goes on at the next node. Rejects with `EventsLost` where events are no longer kept, unless `onGap` takes that.
   */
  events(ask: EventAsk = {}): AsyncGenerator<ApiEvent, void> {
    const nodes = this.#nodes.length
    return readEvents(
      { nodes, next: () => void this.#at++, open: (given) => this.#once('/v1/events/stream', given) },
      ask,
    )
  }

  async #read<T>(path: string, query: Query = {}): Promise<T> {
    return (await (await this.#ask(path, { query })).json()) as T
  }

  async #change<T>(path: string, body: unknown): Promise<T> {
    return (await (await this.#ask(path, { method: 'POST', body })).json()) as T
  }

  async #act(id: string, what: string, body: unknown = {}): Promise<Changed> {
    const { result } = await this.#change<{ result: Changed }>(`/v1/videos/${encodeURIComponent(id)}/${what}`, body)
    return result
  }

  /** Asks one node after the other, each once. */
  async #ask(path: string, ask: Ask): Promise<Response> {
    for (let left = this.#nodes.length; ; ) {
      try {
        return await this.#once(path, ask)
      } catch (error) {
        if (--left === 0 || !(ask.method === 'POST' ? isUnsent(error) : isElsewhere(error))) throw error
        this.#at++
      }
    }
  }

  async #once(path: string, { method = 'GET', query = {}, body, headers, signal }: Ask): Promise<Response> {
    const url = new URL(this.#nodes[this.#at % this.#nodes.length]! + path)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const response = await this.#fetch(url, {
      method,
      headers: { ...this.#headers, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
    if (!response.ok) throw await ReelmeshRequestError.of(response)
    return response
  }
}

/** Whether another node may answer: this one does not, or cannot now. */
const isElsewhere = (error: unknown): boolean => !(error instanceof ReelmeshRequestError) || error.status === 503

/** Whether the request has certainly reached nobody. */
const isUnsent = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    String((error as { cause?: { code?: unknown } } | null)?.cause?.code),
  )
