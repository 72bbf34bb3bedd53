/**
 * Where the socket of a node is. A path longer than the system's 107 bytes would be truncated without an error, so that a long data folder gets a short path
 * in a folder of this user in the temporary one. Where another user has made that, nothing is served there and nothing is asked.
 */
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReelmeshError } from '../../protocol/errors.ts'

const SOCKET_PATH_MAX = 100

/** The folder of this user for sockets of long data folders. Not that of a session: a service and a person must find the same one. */
export const socketFolder = (): string => join(tmpdir(), `reelmesh-${process.getuid?.() ?? 'user'}`)

/** The path of the socket: in the data folder, or in a folder of this user where that path would be too long for the system. */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(socketFolder(), `reelmesh-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/** The error where what should be a socket of this user is another's. */
export const foreign = (path: string): ReelmeshError =>
  new ReelmeshError(
    'foreign_socket',
    `${path} is not of this user: a node's socket is expected there; remove it, or use a data folder with a shorter path`,
  )
