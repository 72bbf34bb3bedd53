/** gossipsub messages by hand, as a peer with its own implementation could send them. Protobuf: field number and type, length, bytes. */
import type { PrivateKey } from '@libp2p/interface'
import type { Topic } from '../../protocol/mesh.ts'

const field = (id: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([(id << 3) | 2]), varint(bytes.byteLength), bytes])

/** A message without its signature. `from`: the multihash of the author that it names. */
export function message(given: { from: Uint8Array; data: string | Uint8Array; seqno?: number; topic?: Topic }): Buffer {
  const { from, data, seqno = 0x909, topic = 'heartbeat' } = given
  const number = Buffer.alloc(8)
  number.writeUInt32BE(seqno, 4)
  return Buffer.concat([
    field(1, from),
    field(2, Buffer.from(data)),
    field(3, number),
    field(4, Buffer.from(`/reelmesh/${topic}/1`)),
  ])
}

/** What the author of a message signs. */
export const signatureOf = async (key: PrivateKey, unsigned: Uint8Array): Promise<Uint8Array> =>
  key.sign(Buffer.concat([Buffer.from('libp2p-pubsub:'), unsigned]))

/** One message as it goes over a stream. */
export function rpc(unsigned: Uint8Array, signature: Uint8Array): Uint8Array {
  const sent = field(2, Buffer.concat([unsigned, field(5, signature)]))
  return Buffer.concat([varint(sent.byteLength), sent])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) | 128)
  }
}
