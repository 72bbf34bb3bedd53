/** The mesh key that a configuration names, and the rule that says when it needs one: for a node's start, and for `doctor`. */
import { readFile } from 'node:fs/promises'
import { parseSwarmKey } from '../mesh/swarm-key.ts'
import { UsageError } from '../protocol/errors.ts'
import { type Config, ledgerAddress } from './config.ts'

/**
 * The key's text, or undefined without one. A mesh that listens beyond loopback is private unless its owner says otherwise:
 * `UsageError` when a key is missing, cannot be read, or is none.
 */
export async function readMeshKey(config: Config): Promise<string | undefined> {
  const open = config.listen.filter((address) => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address))
  if (open.length > 0 && ledgerAddress(config).startsWith('sqlite:') && config.roles.includes('coordinator')) {
    throw new UsageError(
      `listening on ${open[0]} invites other hosts, which cannot reach this host's SQLite ledger; give --ledger mongodb://…`,
    )
  }
  if (!config.swarm_key) {
    if (open.length === 0 || config.open_mesh) return undefined
    throw new UsageError(
      `listening on ${open[0]} needs a mesh key: make one with \`reelmesh keygen FILE\` and give --swarm-key FILE on every host (or --open-mesh to let anyone in)`,
    )
  }
  return readKeyFile(config.swarm_key)
}

/** `UsageError` where it cannot be read or holds no key. */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new UsageError(`the mesh key ${path} cannot be read: ${cause.message}`, { cause })
  })
  parseSwarmKey(text)
  return text
}
