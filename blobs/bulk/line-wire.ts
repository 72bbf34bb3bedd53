/**
 * How two peers agree on a bulk line: `/reelmesh/line/1`, a stream of the libp2p connection, on which each knows the other's identity. The
 * peer that has blobs is the *giver*; the *taker* opens the stream.
 *
 *   ← {"v":1,"ok":true,"port":40123,"id":"…","key":"…"}\n  the giver waits there for one connection with this key, for `OFFER_MS`
 *   ← {"v":1,"ok":false}\n                                 it has no bulk line
 *      the taker connects to that port by TLS 1.3, with the key as its only secret
 *   → {"v":1,"binding":"…"}\n                              what the taker has exported from its TLS session
 *   ← {"v":1,"ok":true}\n                                  the giver's session exports the same: the line is this peer's
 *
 * A session exports what only its two ends know (RFC 8446, 7.5; the label and both peer ids go into it), and each end says it on a connection
 * that nobody else can write to. So a key that was stolen on its way, or passed on, opens nothing for another peer.
 */
import { constants } from 'node:crypto'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { z } from 'zod'
import type { PeerId } from '../../protocol/ids.ts'

/** How long the giver waits for the connection, and the taker for all of the above: a port behind a firewall says nothing. */
export const OFFER_MS = 2_000

const LABEL = 'EXPORTER-reelmesh-bulk-line'
const BINDING_BYTES = 32

/**
 * TLS on both sides: 1.3 and nothing lower, a key agreement of its own for each session, no certificates. No tickets: with one a session is
 * resumed without its key being asked for, so that the key of a line would count more than once.
 */
export const LINE_TLS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const satisfies ConnectionOptions

/** What a session between these two exports, as hex digits. */
export function bindingOf(socket: TLSSocket, { giver, taker }: { giver: PeerId; taker: PeerId }): string {
  return socket.exportKeyingMaterial(BINDING_BYTES, LABEL, Buffer.from(`${giver} ${taker}`)).toString('hex')
}

/** Whether the session was made from the key that both ends were given: Node calls that a session that is used again. */
export const isMadeByKey = (socket: TLSSocket): boolean =>
  socket.getProtocol() === 'TLSv1.3' && socket.isSessionReused()

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))

const offerSchema = z.object({
  v: z.literal(1),
  ok: z.literal(true),
  port: z.number().int().min(1).max(65_535),
  id: hex(16),
  key: hex(32),
})
/** Where one connection with one key is waited for. */
export type LineOffer = z.infer<typeof offerSchema>

const bindingSchema = z.object({ v: z.literal(1), binding: hex(BINDING_BYTES) })
const confirmationSchema = z.object({ v: z.literal(1), ok: z.literal(true) })

/** The offer in a line; null where there is none. Never throws. */
export const decodeOffer = (line: string): LineOffer | null => decode(line, offerSchema)
/** What a taker has exported; null for any other line. Never throws. */
export const decodeBinding = (line: string): string | null => decode(line, bindingSchema)?.binding ?? null
/** Whether a line confirms the binding. Never throws. */
export const isConfirmation = (line: string): boolean => decode(line, confirmationSchema) !== null

/** A message as a line of JSON. */
export const encodeMessage = (
  message: LineOffer | z.infer<typeof bindingSchema> | { readonly v: 1; readonly ok: boolean },
): Uint8Array => new TextEncoder().encode(`${JSON.stringify(message)}\n`)

function decode<S extends z.ZodType>(line: string, schema: S): z.infer<S> | null {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}
