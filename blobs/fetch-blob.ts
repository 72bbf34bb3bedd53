/**
 * Fetches one blob from its holders: peer after peer, each continuing where the last one stopped, until the hash is right. A round
 * asks every candidate once; there is another round as long as the last one brought bytes.
 *
 *   a peer answers          then
 *   missing, busy, nothing  the next peer is asked
 *   changed                 the same; where none has the blob, it is a source that a named holder says is another file now
 *   bytes, then it breaks   the bytes stay, and the next peer continues
 *   a wrong size            it is not asked again by this fetch, and last by later ones
 *   all, and a wrong hash   a single sender: the same, as its blob may be corrupt, and replaced later. Several senders: which one is
 *                           wrong is unknown; the file starts over, and from here on holds bytes of one sender only
 */
import { pipe } from 'it-pipe'
import type { BlobTraffic } from '../protocol/blobs.ts'
import { type Clock, deadline, type Rng } from '../protocol/clock.ts'
import { BlobMissing, PeerUnreachable, SourceChanged, sentence } from '../protocol/errors.ts'
import type { PeerId, Sha256, VideoId } from '../protocol/ids.ts'
import { BLOB_BYTES_MAX, DIAL_TIMEOUT_MS, STREAM_SILENCE_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh, MeshStream } from '../protocol/mesh.ts'
import { type BlobAnswer, type BlobRequest, decodeAnswer, encodeLine, readLine, watchSilence } from './blob-wire.ts'
import type { LineTaker } from './bulk/take-line.ts'
import type { PartialBlob } from './partial-blob.ts'

const ROUNDS_MAX = 16
/** What is less comes by a stream: a line takes three round trips to open. */
const LINE_BYTES_MIN = 1024 * 1024

/** The blob, its holders, and the parts that a fetch uses. */
export interface FetchOptions {
  readonly mesh: Mesh
  /** Null where this peer takes no bulk lines. */
  readonly lines: LineTaker | null
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly video: VideoId
  /** May grow while the fetch runs. */
  readonly holders: ReadonlySet<PeerId>
  /** Peers that sent wrong bytes for this blob before: they are asked last. This fetch adds to it. */
  readonly badSenders: Set<PeerId>
  /** Counts what arrives. */
  readonly traffic?: BlobTraffic | undefined
  readonly signal: AbortSignal
}

/**
 * Resolves when the partial file is complete and its hash right. Rejects with `BlobMissing`, `SourceChanged`, `disk_full` or the signal's
 * reason.
 */
export async function fetchBlob(partial: PartialBlob, options: FetchOptions): Promise<void> {
  const { badSenders, log, signal } = options
  const { sha256, bytes } = partial.want
  const sentWrongBytes = new Set<PeerId>()
  if (bytes > BLOB_BYTES_MAX) throw new BlobMissing(sha256, `blob ${sha256.slice(0, 12)}… exceeds the size limit`)
  const refusals: Refusal[] = []
  let isOneSenderOnly = false
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = partial.offset
    let hasRestarted = false
    for (const peer of candidates(options, sentWrongBytes)) {
      signal.throwIfAborted()
      if (isOneSenderOnly && partial.senders.size > 0 && !partial.senders.has(peer)) await partial.restart()
      if (!(await askFor(partial, peer, { ...options, refusals }))) sentWrongBytes.add(peer)
      if (!partial.isWhole()) continue
      if (await partial.hasRightHash()) return
      const [only] = partial.senders
      if (partial.senders.size === 1 && only) {
        sentWrongBytes.add(only)
        void haveChecked(partial, only, options)
      }
      for (const badSender of sentWrongBytes) badSenders.add(badSender)
      log.warn('fetched blob has the wrong hash', { sha256, senders: [...partial.senders] })
      isOneSenderOnly = true
      hasRestarted = true
      await partial.restart()
    }
    if (!hasRestarted && partial.offset <= before) break
  }
  throw whyMissing(sha256, refusals)
}

/** An answer of a named holder that sends nothing. */
type Refusal = Extract<BlobAnswer, { readonly ok: false }>

/** A busy holder has the blob, whatever the others say. */
function whyMissing(sha256: Sha256, refusals: readonly Refusal[]): BlobMissing | SourceChanged {
  const changed = refusals.find(({ why }) => why === 'changed')
  const isBusy = refusals.some(({ why }) => why === 'busy')
  return changed?.why === 'changed' && !isBusy ? new SourceChanged(changed.name) : new BlobMissing(sha256)
}

/** Holders before others, connected ones first, bad senders last; shuffled, so that several fetches of one blob spread over its holders. */
export function candidates(
  { mesh, rng, holders, badSenders }: Pick<FetchOptions, 'mesh' | 'rng' | 'holders' | 'badSenders'>,
  sentWrongBytes: ReadonlySet<PeerId>,
): PeerId[] {
  const connected = mesh.peers()
  const shuffled = [...new Set([...holders, ...connected])].map((peer) => ({ peer, at: rank(peer) + rng.random() }))
  function rank(peer: PeerId): number {
    if (badSenders.has(peer)) return 6
    if (!holders.has(peer)) return 4
    return connected.includes(peer) ? 0 : 2
  }
  return shuffled
    .sort((a, b) => a.at - b.at)
    .map(({ peer }) => peer)
    .filter((peer) => peer !== mesh.self && !sentWrongBytes.has(peer))
}

/**
 * Fetches the rest from one peer, by a bulk line where that is worth it and there is one; false when its blob has the wrong size. A line that
 * brought nothing is followed by a stream; one that broke later is tried again.
 */
async function askFor(partial: PartialBlob, peer: PeerId, options: AskOptions): Promise<boolean> {
  const { lines, signal } = options
  const before = partial.offset
  const line = partial.want.bytes - before < LINE_BYTES_MIN ? null : ((await lines?.open(peer, signal)) ?? null)
  const outcome = line && (await receive(partial, peer, { ...options, stream: line }))
  if (outcome === 'broke' && partial.offset === before) lines?.refuse(peer, 'it brought nothing')
  else if (outcome !== null) return outcome !== 'wrong size'
  return (await receive(partial, peer, options)) !== 'wrong size'
}

type AskOptions = FetchOptions & { readonly refusals: Refusal[] }

/** Failures of the peer or the network are logged, so that the next peer is asked; a full disk or an abort is thrown. */
async function receive(
  partial: PartialBlob,
  peer: PeerId,
  options: AskOptions & { readonly stream?: MeshStream },
): Promise<'answered' | 'wrong size' | 'broke'> {
  const { clock, badSenders, log, traffic, signal, video } = options
  const { sha256, bytes } = partial.want
  const request: BlobRequest = { v: 1, sha256, video, offset: partial.offset, length: null }
  try {
    await using asked = await ask(request, peer, options)
    if (!asked.answer.ok) {
      if (options.holders.has(peer)) options.refusals.push(asked.answer)
      return 'answered'
    }
    if (asked.answer.bytes !== bytes || asked.answer.length !== bytes - partial.offset) {
      badSenders.add(peer)
      log.warn("peer's blob has the wrong size", { sha256, peer, bytes: asked.answer.bytes })
      return 'wrong size'
    }
    await pipe(
      watchSilence(asked.rest, { clock, ms: STREAM_SILENCE_MS, onSilence: asked.stream.abort }),
      (source) => atMost(source, bytes - partial.offset, traffic),
      (source) => partial.append(source, peer),
    )
    return 'answered'
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof PeerUnreachable)) throw error
    log.debug('blob transfer interrupted', { sha256, peer, offset: partial.offset, error: sentence(error) })
    return 'broke'
  }
}

/** Has a peer look at its blob, as what it sent has another hash. Never rejects. */
async function haveChecked({ want }: PartialBlob, peer: PeerId, { mesh, clock, video }: FetchOptions): Promise<void> {
  const request = { v: 1, sha256: want.sha256, video, offset: 0, length: 0, check: true } as const
  try {
    await using _ = await ask(request, peer, { mesh, clock, signal: deadline(clock, DIAL_TIMEOUT_MS) })
  } catch {
    // It checks without somebody who waits.
  }
}

interface Asked extends AsyncDisposable {
  readonly stream: MeshStream
  readonly answer: BlobAnswer
  readonly rest: AsyncIterable<Uint8Array>
}

/** Sends a request on this stream or a new one, and reads the header of its answer. Throws `PeerUnreachable`. */
export async function ask(
  request: BlobRequest,
  peer: PeerId,
  { mesh, clock, signal, ...given }: { mesh: Mesh; clock: Clock; signal: AbortSignal; stream?: MeshStream },
): Promise<Asked> {
  const stream = given.stream ?? (await open(peer, { mesh, clock, signal }))
  const leave = () => stream.abort(signal.reason instanceof Error ? signal.reason : new Error('no longer wanted'))
  signal.addEventListener('abort', leave, { once: true })
  const dispose = () => {
    signal.removeEventListener('abort', leave)
    stream.abort(new Error('done'))
  }
  try {
    await stream.sink([encodeLine(request)])
    const quiet = watchSilence(stream.source, { clock, ms: STREAM_SILENCE_MS, onSilence: stream.abort })
    const { line, rest } = await readLine(quiet)
    const answer = decodeAnswer(line)
    if (answer === null) throw new PeerUnreachable(`peer ${peer} sent an invalid answer to a blob request`)
    return { stream, answer, rest, [Symbol.asyncDispose]: async () => dispose() }
  } catch (error) {
    dispose()
    throw error
  }
}

/** A dial that takes too long is an unreachable peer, not the caller's abort. */
async function open(peer: PeerId, { mesh, clock, signal }: { mesh: Mesh; clock: Clock; signal: AbortSignal }) {
  const inTime = deadline(clock, DIAL_TIMEOUT_MS, signal)
  try {
    return await mesh.open(peer, 'blob', inTime)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof PeerUnreachable ? error : new PeerUnreachable(`peer ${peer} does not answer`, error)
  }
}

/** What is announced, and no more, counted in `traffic`. Throws `PeerUnreachable` for more or fewer bytes. */
export async function* atMost(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
  traffic: BlobTraffic | undefined,
): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const piece of source) {
    if (traffic) traffic.received += piece.byteLength
    if (piece.byteLength > left) throw new PeerUnreachable('more bytes arrived than announced')
    left -= piece.byteLength
    yield piece
  }
  if (left > 0) throw new PeerUnreachable(`the stream ended ${left} bytes early`)
}
