/** Asks the node that serves the page. */

/** How long an answer may take, ms. */
const ANSWER_MS = 8_000

/** Asks with a token, where there is one. Without credentials the browser asks for no password of its own. Rejects where the node does not answer. */
export const ask = (path: string, token: string | null, { headers, ...request }: RequestInit = {}): Promise<Response> =>
  fetch(path, {
    signal: AbortSignal.timeout(ANSWER_MS),
    cache: 'no-store',
    credentials: 'omit',
    ...request,
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(headers as Record<string, string>),
    },
  })
