/**
 * Videos that only wait: half of them are QUEUED, their source at a peer that is absent; half are RUNNING, cut, and no peer can encode them. They are
 * written into the ledger as an earlier leader would have left them.
 */
import { chunk, plan, submission } from '../../protocol/conformance/ledger/world.ts'
import { asPeerId, asSha256, asToken, type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'

const ABSENT = asPeerId('12D3KooWAbsent')
/** No ffmpeg has such a decoder. */
const CLASS = 'nobody>x264/480p'
/** Videos written at the same time. */
const AT_ONCE = 16

/** Adds so many; `peer` holds the inputs. Rejects with `LedgerUnavailable`. */
export async function addFillers(ledger: Ledger, count: number, peer: PeerId): Promise<void> {
  const all = Array.from({ length: count }, (_, n) => n)
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(all.slice(from, from + AT_ONCE).map((n) => addFiller(ledger, n, peer)))
  // As the sweep of whoever leads has stamped them.
  await ledger.stampTerm((await ledger.lease()).term)
}

async function addFiller(ledger: Ledger, n: number, peer: PeerId): Promise<void> {
  const id = ((0xf << 28) | n).toString(16).replace('-', 'f').padStart(16, '0') as VideoId
  const isCut = n % 2 === 1
  const sha256 = asSha256(n.toString(16).padStart(64, '0'))
  const holders = [isCut ? peer : ABSENT]
  const source = { sha256, bytes: 1_000_000, holders }
  const { video } = await ledger.submit(
    submission({ _id: id, name: `clip ${n}`, source, delivery: { peer, dir: '/out', name: `clip ${n}` } }),
  )
  if (!isCut) return
  const [worker, task] = [ABSENT, taskId(id, 'ingest')]
  const claimed = await ledger.claimTask({ worker, token: asToken(`filler ${n}`), task, from: 'pending' })
  if (claimed.outcome !== 'claimed') throw new Error(`the ingest of ${id} was claimed by another peer`)
  await ledger.startPlanning(id)
  await ledger.commitPlan(plan(id, { chunks: 1 }), video.due)
  const waiting = chunk(video, 0, { class: CLASS })
  await ledger.insertTasks([{ ...waiting, input: { ...waiting.input!, holders } }])
  await ledger.complete({ task, attempt: claimed.attempt, worker, output: null, outputs: [] })
}
