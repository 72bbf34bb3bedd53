/**
 * The swarm key: the pre-shared key that makes a mesh private (pnet). In the file format of libp2p and IPFS: three lines,
 * `/key/swarm/psk/1.0.0/`, `/base16/` and 64 hex digits.
 */
import { createHash } from 'node:crypto'
import { UsageError } from '../protocol/errors.ts'

/** The first line of a key file. */
export const HEAD = '/key/swarm/psk/1.0.0/'
const MAKE_ONE = 'make one with `reelmesh keygen`'

/** Validates the content of a key file and returns the form that pnet takes. Throws `UsageError` with one sentence. */
export function parseSwarmKey(content: Uint8Array | string): Uint8Array {
  const text = typeof content === 'string' ? content : new TextDecoder().decode(content)
  const lines = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.trim())
  if (text.trim() === '') throw new UsageError(`The swarm key is empty; ${MAKE_ONE}.`)
  if (lines[0] !== HEAD) throw new UsageError(`The swarm key does not begin with ${HEAD}; ${MAKE_ONE}.`)
  if (lines[1] !== '/base16/')
    throw new UsageError(`The swarm key is not in /base16/, the one encoding read here; ${MAKE_ONE}.`)
  if (lines.length !== 3 || !/^[0-9a-f]{64}$/i.test(lines[2] ?? '')) {
    throw new UsageError(`The swarm key's third line is not 64 hex digits; ${MAKE_ONE}.`)
  }
  return new TextEncoder().encode(`${HEAD}\n/base16/\n${lines[2]?.toLowerCase()}`)
}

/** Eight hex digits that distinguish keys without revealing them: for logs and for the mDNS name of a mesh. */
export function swarmFingerprint(key: Uint8Array | undefined): string {
  if (key === undefined) return 'open'
  return createHash('sha256').update('reelmesh mesh name').update(key).digest('hex').slice(0, 8)
}
