/** What the page asks of its node to have it do something. */
import { signal } from '@preact/signals'
import { ask } from './feed/ask.ts'
import { choose, isOtherTokenWanted, token } from './state.ts'

/** What the last request came to: a sentence, and whether it failed. */
export const outcome = signal<{ readonly text: string; readonly isBad: boolean } | null>(null)

/** What an answer of a node says where it refuses. */
interface Problem {
  readonly code?: string
  readonly detail?: string
}

/** Pauses before a request is sent again whose answer was lost, ms. */
const AGAIN_MS = [300, 1_000, 3_000]

/** A key for a request that may be sent again. `crypto.randomUUID` is there with HTTPS and on loopback only. */
export const requestKey = (): string =>
  `"${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')}"`

/** Posts it, again with the same key where the answer is lost or the first request still runs: it is done once. Rejects where the node does not answer. */
async function post(path: string, body: unknown): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': requestKey() }
  const text = body === undefined ? null : JSON.stringify(body)
  // A submit hashes the file first.
  const once = () => ask(path, token.value, { method: 'POST', headers, body: text, signal: null })
  for (const pause of AGAIN_MS) {
    const answer = await once().catch(() => null)
    if (answer && !(await isStillRunning(answer))) return answer
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return await once()
}

const isStillRunning = async (answer: Response): Promise<boolean> =>
  answer.status === 409 && ((await answer.clone().json()) as Problem).code === 'request_runs'

/** Sends it; answers what came back, and says what it came to. Null where it was refused. */
export async function send<T>(path: string, body: unknown, done: (answer: T) => string): Promise<T | null> {
  try {
    const answer = await post(path, body)
    const got = (await answer.json()) as T & Problem
    outcome.value = answer.ok
      ? { text: done(got), isBad: false }
      : { text: got.detail ?? `the node answers ${answer.status}`, isBad: true }
    isOtherTokenWanted.value = got.code === 'may_only_view'
    return answer.ok ? got : null
  } catch {
    outcome.value = { text: 'the node does not answer', isBad: true }
    return null
  }
}

/** What is made of a file. */
export interface Recipe {
  readonly recipe: { readonly package?: { readonly formats: readonly string[] } }
  readonly ladder?: string
}

const OUTCOMES = {
  created: 'is submitted',
  joined: 'is known already, and goes on',
  retried: 'is taken up again',
} as const

/** Submits, and shows the video. Whether it was taken. */
export async function submitTo(path: string, body: Recipe & { readonly path?: string }): Promise<boolean> {
  const got = await send<{ id: string; name: string; outcome: keyof typeof OUTCOMES }>(
    path,
    body,
    ({ name, outcome }) => `${name} ${OUTCOMES[outcome]}`,
  )
  if (got) choose(got.id)
  return got !== null
}
