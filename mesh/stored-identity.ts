/** The file of a node's identity, and the id of its peer without libp2p, which takes 0.1 s to load. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { base58btc } from 'multiformats/bases/base58'
import { asPeerId, type PeerId } from '../protocol/ids.ts'

/** The path of the private key in a data folder. */
export const identityPath = (dataDir: string): string => join(dataDir, 'peer.key')

/** What a stored Ed25519 key begins with, the head of a protobuf message; then come its seed and its public half, 32 bytes each. */
const KEY_HEAD = Buffer.from([0x08, 0x01, 0x12, 0x40])
const KEY_BYTES = KEY_HEAD.length + 64
/** What a peer id has before the public key: the heads of an identity multihash and of a protobuf message. */
const ID_HEAD = Buffer.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])

/** The peer id of the key in a data folder; null where there is none of the kind that nodes make. */
export async function storedPeerId(dataDir: string): Promise<PeerId | null> {
  const key = await readFile(identityPath(dataDir)).catch(() => null)
  if (key?.length !== KEY_BYTES || !key.subarray(0, KEY_HEAD.length).equals(KEY_HEAD)) return null
  return asPeerId(base58btc.baseEncode(Buffer.concat([ID_HEAD, key.subarray(-32)])))
}
