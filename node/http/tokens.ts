/**
 * Tokens of the HTTP API. A file has one on each line, after its role: `view` sees everything, `operate` may change it too. A token alone is one to
 * operate with. Only their hashes are kept, so that no log and no dump of memory shows one.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

/** What a caller may do. */
export type HttpRole = 'view' | 'operate'

/** A token that is accepted. */
export interface Token {
  readonly role: HttpRole
  readonly sha256: Buffer
}

/** Characters of a token at least: 128 bits in hex have 32, in base64 22. */
const CHARACTERS_MIN = 20
const LINE = /^(?:(?<role>view|operate)[ \t]+)?(?<token>[\x21-\x7e]+)$/

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

/** The tokens of a file's text, or a sentence that says what is wrong with it, without a token. */
export function parseTokens(text: string): readonly Token[] | string {
  const tokens: Token[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const { role = 'operate', token = '' } = LINE.exec(line.trim())?.groups ?? {}
    if (token === '') return `line ${index + 1} is no token: give view TOKEN or operate TOKEN`
    if (token.length < CHARACTERS_MIN)
      return `the token on line ${index + 1} is shorter than ${CHARACTERS_MIN} characters: make one with openssl rand -hex 32`
    tokens.push({ role: role as HttpRole, sha256: hashOf(token) })
  }
  return tokens.length > 0 ? tokens : 'it has no token'
}

/** The role of the credentials of a header `Authorization`, Bearer or Basic with a token as password; null where they are none of these. */
export function roleOf(header: string | undefined, tokens: readonly Token[]): HttpRole | null {
  const given = tokenIn(header)
  if (given === null) return null
  const sha256 = hashOf(given)
  // All are compared, each in constant time: how long it takes says nothing.
  const found = tokens.filter((token) => timingSafeEqual(token.sha256, sha256))
  return found.some(({ role }) => role === 'operate') ? 'operate' : (found[0]?.role ?? null)
}

function tokenIn(header = ''): string | null {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +([\x21-\x7e]+)$/i.exec(header) ?? []
  if (scheme.toLowerCase() !== 'basic') return credentials || null
  const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? []
  return password || null
}
