/** Makes a swarm key. */
import { generateKey } from '@libp2p/pnet'
import { HEAD } from './swarm-key.ts'

/** A new key, as the text of its file. */
export function generateSwarmKey(): string {
  const bytes = new Uint8Array(HEAD.length + '\n/base16/\n'.length + 64)
  generateKey(bytes)
  return `${new TextDecoder().decode(bytes)}\n`
}
