/**
 * The mesh key (pnet), checked at the first byte. pnet itself checks nothing: with another key a peer reads random bytes. Nearly
 * half of the time these begin with the length of a message that never arrives, and both sides wait for a deadline, which the dialler
 * cannot distinguish from a network cut or an overloaded machine. The dialler writes first, and begins with the length of
 * `/multistream/1.0.0\n`: another first byte means another key, or a key on one side only.
 */
import { once } from 'node:events'
import type { AbortOptions, ConnectionProtector, MessageStream, StreamMessageEvent } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'

const FIRST_BYTE = '/multistream/1.0.0\n'.length

/** The protector of connections: pnet with a key, the plain connection without one. Both abort an inbound connection whose first byte is wrong. */
export function guardedPnet(swarmKey: Uint8Array | undefined): () => ConnectionProtector {
  const pnet = swarmKey && preSharedKey({ psk: swarmKey })()
  return () => ({
    protect: async (connection, options) => {
      const stream = pnet ? await pnet.protect(connection, options) : connection
      if (connection.direction === 'inbound') await checkFirstByte(stream, options)
      return stream
    },
  })
}

async function checkFirstByte(stream: MessageStream, options: AbortOptions = {}): Promise<void> {
  const closed = new AbortController()
  stream.addEventListener('close', () => closed.abort(), { once: true })
  const signal = AbortSignal.any([closed.signal, ...(options.signal ? [options.signal] : [])])
  const [{ data }] = (await once(stream, 'message', { signal })) as [StreamMessageEvent]
  if (data.subarray(0, 1)[0] !== FIRST_BYTE) throw new Error('the remote peer has another mesh key')
  stream.unshift(data)
}
