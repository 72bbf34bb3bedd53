/** What became of the node whose ffmpeg shows other pictures: found, quarantined with both hashes in the event, and its results made again. */
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'

/** Events that are read: all of a run. */
const EVENTS_READ = 20_000

/** The sentences that are wrong, none is right; and what happened, for people. */
export async function findPainter(
  ledger: Pick<Ledger, 'events' | 'tasks'>,
  peer: PeerId,
): Promise<{ violations: string[]; verdict: string }> {
  const events = (await ledger.events(EVENTS_READ)).filter((event) => event.peer === peer)
  const of = (code: string) => events.filter(({ what }) => what === code)
  const found = of('quarantined').filter(({ text }) => new Set(text.match(/[0-9a-f]{64}/g)).size === 2)
  const done = await ledger.tasks({ kinds: ['video', 'audit'], statuses: ['COMPLETED'] })
  const stands = done.filter(
    ({ kind, worker_id, audit }) => worker_id === peer && (kind === 'video' || audit !== 'refuted'),
  )
  // What it made before it was found is taken back, and it makes no more; an audit of it that nobody needed says nothing.
  const kept = stands.filter(({ kind }) => kind === 'video').map(({ _id }) => _id)
  const violations = [
    ...(found.length === 0 && (stands.length > 0 || of('made_again').length > 0)
      ? ['the node that shows other pictures was not quarantined with both hashes in the event']
      : []),
    ...kept.map((task) => `${task} has the result of the node that shows other pictures`),
  ]
  const again = of('made_again').map(({ text }) => text.slice(0, text.indexOf(',')))
  const verdict =
    found.length > 0
      ? `quarantined ${found.length} times, each with both hashes; ${again.join('; ') || 'no result of it stood'}`
      : 'it completed nothing'
  return { violations, verdict }
}
