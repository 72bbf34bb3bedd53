/** The mesh key of a configuration, and the rule when it needs one: for the start of a node, and for `doctor`. */
import { readFile } from 'node:fs/promises'
import { parseSwarmKey } from '../mesh/swarm-key.ts'
import { UsageError } from '../protocol/errors.ts'
import { type Config, ledgerAddress } from './config.ts'

/**
 * The text of the key, or undefined without one. A mesh that listens beyond loopback needs one unless the configuration opens it. Rejects with
 * `UsageError` where the key is missing, unreadable or invalid.
 */
export async function readMeshKey(config: Config): Promise<string | undefined> {
  const open = config.listen.filter((address) => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address))
  if (open.length > 0 && ledgerAddress(config).startsWith('sqlite:') && config.roles.includes('coordinator')) {
    throw new UsageError(
      `listening on ${open[0]} invites other machines, which cannot reach the SQLite ledger of this one; give --ledger mongodb://…`,
    )
  }
  if (!config.swarm_key) {
    if (open.length === 0 || config.open_mesh) return undefined
    throw new UsageError(
      `listening on ${open[0]} needs a mesh key: make one with \`reelmesh keygen FILE\` and give --swarm-key FILE on every machine (or --open-mesh to admit any peer)`,
    )
  }
  return readKeyFile(config.swarm_key)
}

/** The text of a key file. Rejects with `UsageError` where it cannot be read or has no valid key. */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new UsageError(`the mesh key ${path} cannot be read: ${cause.message}`, { cause })
  })
  parseSwarmKey(text)
  return text
}
