/** Follows the events of the mesh as they happen. A stream that ends is taken up behind the last event that came. */
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { ask } from './ask.ts'
import type { MeshEvent } from './messages.ts'

const PAUSE_MS = 2_000

/** Calls `take` with each event, for ever; `token`: the one of now. */
export async function followEvents(token: () => string | null, take: (event: MeshEvent) => void): Promise<never> {
  let last: string | undefined
  for (;;) {
    try {
      const headers: Record<string, string> = last === undefined ? {} : { 'Last-Event-ID': last }
      const { ok, body } = await ask('/v1/events/stream', token(), { headers, signal: null })
      const messages = body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
      const reader = ok ? messages?.getReader() : undefined
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
        const { id, event, data } = next.value
        last = id ?? last
        if (event === undefined) take(JSON.parse(data) as MeshEvent)
      }
    } catch {
      // The status says whether the node answers.
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
