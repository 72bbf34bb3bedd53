/** What the page asks of its node to have it do something. */
import { signal } from '@preact/signals'
import { ask } from './feed/ask.ts'
import { choose, token } from './state.ts'

/** What the last request came to: a sentence, and whether it failed. */
export const outcome = signal<{ readonly text: string; readonly isBad: boolean } | null>(null)

/** What an answer of a node says where it refuses. */
interface Problem {
  readonly detail?: string
}

/** Sends it; answers what came back, and says what it came to. Null where it was refused. */
export async function send<T>(path: string, body: unknown, done: (answer: T) => string): Promise<T | null> {
  try {
    const answer = await ask(path, token.value, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      // A submit hashes the file first.
      signal: null,
    })
    const got = (await answer.json()) as T & Problem
    outcome.value = answer.ok
      ? { text: done(got), isBad: false }
      : { text: got.detail ?? `the node answers ${answer.status}`, isBad: true }
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
