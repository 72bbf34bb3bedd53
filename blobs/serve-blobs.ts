/**
 * The serving side of the blob exchange. Serves blobs and references of the store, and to those who ask for it results that were delivered here, by hash
 * and video id, and nothing else: no path ever comes from the wire. A slow reader slows the file reading; one that reads nothing for a minute is aborted.
 *
 * Readers hash what they get. One that got a corrupt blob asks for a check: the blob is removed, so that this peer no longer counts as its
 * holder; so is one that the disk cannot read.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { pipe } from 'it-pipe'
import type { BlobStore, BlobTraffic, DeliveredBlobs } from '../protocol/blobs.ts'
import type { Clock } from '../protocol/clock.ts'
import { LedgerUnavailable, PeerUnreachable } from '../protocol/errors.ts'
import { STREAM_SILENCE_MS } from '../protocol/limits.ts'
import type { MeshStream } from '../protocol/mesh.ts'
import { fsPath } from '../protocol/path-text.ts'
import { type BlobRequest, decodeRequest, encodeLine, readLine, watchReader, watchSilence } from './blob-wire.ts'

/** Read from the disk and written to the stream at once. */
const PIECE_BYTES = 256 * 1024
/** Transfers served at once, each holding about 1 MiB; further requests get `busy`, and ask another peer. */
const SERVED_AT_ONCE = 64
/** A reader's disk may be slow; a reader that waits for bytes gives up long before this. */
const READER_SILENCE_MS = 4 * STREAM_SILENCE_MS

/** What the serving side works with. `delivered`: absent where this peer reads no delivered files for others. `traffic`: counts what is sent. */
export interface BlobServerOptions {
  readonly store: BlobStore
  readonly clock: Clock
  readonly delivered?: DeliveredBlobs
  readonly traffic?: BlobTraffic | undefined
}

/** Answers one request on each stream, whatever carries it; its transfers are counted together. Rejects with `PeerUnreachable`. */
export function createBlobServer({ store, clock, delivered, traffic }: BlobServerOptions) {
  let served = 0
  let isChecking = false
  /** One at a time, as it reads the whole blob: a peer that asks without reason costs no more than one that fetches. */
  async function check({ sha256, video }: BlobRequest) {
    if (isChecking) return
    isChecking = true
    await store.verify(sha256, video).finally(() => {
      isChecking = false
    })
  }
  /** Sends where there is room for one more. */
  async function sendInTurn(stream: MeshStream, { length }: Part, sendPart: () => Promise<unknown>) {
    if (length > 0 && served >= SERVED_AT_ONCE) return await refuse(stream, { why: 'busy' })
    served++
    try {
      await sendPart()
    } finally {
      served--
    }
  }
  async function serveStored(stream: MeshStream, request: BlobRequest, file: FileHandle) {
    const part = partOf(request, (await file.stat()).size)
    await sendInTurn(stream, part, async () => {
      if (!(await send(stream, file, { ...part, clock, traffic }))) await store.verify(request.sha256, request.video)
    })
  }
  /** False where it has not delivered the blob. */
  async function serveDelivered(stream: MeshStream, request: BlobRequest): Promise<boolean> {
    // An asker that leaves meanwhile finds the file hashed when it is back.
    const { signal } = new AbortController()
    const found = (await delivered?.open(request.sha256, request.video, signal)) ?? null
    if (found === null) return false
    const part = partOf(request, found.bytes)
    const { offset, length, size } = part
    const pieces = async function* () {
      yield encodeLine({ v: 1, ok: true, bytes: size, length })
      yield* counted(found.read({ from: offset, to: offset + length }, signal), traffic)
    }
    await sendInTurn(stream, part, () => sendAll(stream, pieces(), clock))
    return true
  }
  return async (stream: MeshStream): Promise<void> => {
    const request = await readRequest(stream, clock)
    if (request.check) await check(request)
    const path = await store.find(request.sha256, request.video)
    const file = path === null ? null : await open(fsPath(path), 'r').catch(() => null)
    if (file !== null) return await serveStored(stream, request, file).finally(() => file.close())
    try {
      if (request.delivered && (await serveDelivered(stream, request))) return
    } catch (error) {
      // Whether it has the file shows when its ledger is back.
      if (!(error instanceof LedgerUnavailable)) throw error
      return await refuse(stream, { why: 'busy' })
    }
    const name = await store.changedSource(request.sha256, request.video)
    await refuse(stream, name === null ? { why: 'missing' } : { why: 'changed', name })
  }
}

type Why = { readonly why: 'missing' | 'busy' } | { readonly why: 'changed'; readonly name: string }

const refuse = (stream: MeshStream, why: Why): Promise<void> => stream.sink([encodeLine({ v: 1, ok: false, ...why })])

const partOf = ({ offset, length }: BlobRequest, size: number): Part => ({
  offset,
  length: Math.max(0, Math.min(size - offset, length ?? size)),
  size,
})

/** A reader that stops reading is an error. */
const sendAll = (stream: MeshStream, pieces: AsyncIterable<Uint8Array>, clock: Clock): Promise<void> =>
  pipe(pieces, (each) => watchReader(each, { clock, ms: READER_SILENCE_MS, onSilence: stream.abort }), stream.sink)

async function readRequest(stream: MeshStream, clock: Clock): Promise<BlobRequest> {
  const { line } = await readLine(
    watchSilence(stream.source, { clock, ms: STREAM_SILENCE_MS, onSilence: stream.abort }),
  )
  const request = decodeRequest(line)
  if (request === null) throw new PeerUnreachable('the blob request is invalid')
  return request
}

/** False where the file cannot be read. A reader that stops reading is an error and says nothing about the file. */
async function send(
  stream: MeshStream,
  file: FileHandle,
  { clock, traffic, ...part }: Part & Pick<BlobServerOptions, 'clock' | 'traffic'>,
): Promise<boolean> {
  try {
    await sendAll(stream, answer(file, { ...part, traffic, reuses: stream.isPieceByPiece === true }), clock)
    return true
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    stream.abort(error)
    return false
  }
}

/** The disk could not read the file. */
class Unreadable extends Error {}

interface Part {
  readonly offset: number
  readonly length: number
  readonly size: number
}

/** Counts each piece as it is handed over. */
async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  traffic: BlobTraffic | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (traffic) traffic.sent += piece.byteLength
    yield piece
  }
}

/** `reuses`: all pieces share one buffer, and each is valid until the next. */
async function* answer(
  file: FileHandle,
  { offset, length, size, reuses, traffic }: Part & { reuses: boolean } & Pick<BlobServerOptions, 'traffic'>,
): AsyncGenerator<Uint8Array> {
  yield encodeLine({ v: 1, ok: true, bytes: size, length })
  let piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, length))
  for (let at = offset; at < offset + length; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, offset + length - at), at).catch((cause) => {
      throw new Unreadable('the blob cannot be read from the disk', { cause })
    })
    if (bytesRead === 0) throw new Unreadable('the file became shorter while it was sent')
    if (traffic) traffic.sent += bytesRead
    yield piece.subarray(0, bytesRead)
    at += bytesRead
    if (!reuses) piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  }
}
