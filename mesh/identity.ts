/** The node's identity: an Ed25519 key in `<data>/peer.key`, mode 0600, created on the first start. */
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { Rng } from '../protocol/clock.ts'
import { UsageError } from '../protocol/errors.ts'
import { identityPath } from './stored-identity.ts'

/** The key in the data folder; null where there is none. Rejects with `UsageError` for an unusable file. */
export const readIdentity = (dataDir: string): Promise<PrivateKey | null> => readKey(identityPath(dataDir))

/**
 * The key in the data folder, created where it is missing. Rejects with `UsageError` for an unusable file, and with errors of the file
 * system.
 */
export async function loadIdentity(dataDir: string, rng: Rng): Promise<PrivateKey> {
  const path = identityPath(dataDir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return (await readKey(path)) ?? (await makeKey(path, rng))
}

async function readKey(path: string): Promise<PrivateKey | null> {
  try {
    return privateKeyFromProtobuf(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new UsageError(`${path} holds no usable key; remove it, and the node gets a new identity.`, { cause: error })
  }
}

/** Two processes that start at once get the same key: the complete file is linked, which fails where one is there already. */
async function makeKey(path: string, rng: Rng): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const temporary = `${path}.${rng.token()}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(privateKeyToProtobuf(key))
    await file.sync()
    await file.close()
    await link(temporary, path)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const other = await readKey(path)
    if (other === null) throw error
    return other
  } finally {
    await unlink(temporary)
  }
}
