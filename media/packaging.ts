/** What a source becomes in results of a container: MP4 holds less of it than Matroska. Pure. */
import type { Packaging } from '../protocol/artifact.ts'
import type { SourceProbe } from '../protocol/media.ts'
import type { Fate, Kept, Plan } from '../protocol/plan.ts'
import { secondsOf } from './rational.ts'
import type { SourceText } from './text/source-text.ts'

/** A source with its text, as results of this container hold them; `kept` is what only Matroska holds. */
export function inPackaging<Probe extends SourceProbe>(
  source: { readonly probe: Probe; readonly text: SourceText },
  packaging: Packaging,
): { readonly probe: Probe; readonly text: SourceText; readonly kept: Kept | null } {
  const { probe, text } = source
  if (packaging === 'mp4') return { ...source, kept: null }
  const { fates, kept } = probe.asMatroska
  const isKept = (stream: number) => kept.subtitles.some((each) => each.stream === stream)
  const parts = new Set(kept.subtitles.map(({ stream }) => `stream ${stream}`))
  return {
    probe: { ...probe, fates },
    text: {
      ...text,
      tracks: text.tracks.filter(({ facts }) => !isKept(facts.stream)),
      fates: text.fates.filter(({ part }) => !parts.has(part)),
    },
    kept,
  }
}

/** What becomes of the times of pictures in Matroska, whose files count ms: they are rounded where they are none. */
export function timeFates(
  { time_base, fps }: Pick<Plan, 'time_base' | 'fps'>,
  { times, packaging }: { readonly times: readonly number[]; readonly packaging: Packaging },
): Fate[] {
  const isExact = times.every((time) => {
    const ms = secondsOf(time - times[0]!, time_base) * 1000
    return Math.abs(ms - Math.round(ms)) < 1e-6
  })
  if (packaging === 'mp4' || isExact) return []
  const rate = Number((fps[0] / fps[1]).toFixed(3))
  const note = `The times of the pictures are rounded to milliseconds, as Matroska files count them (${rate} frames per second).`
  return [{ part: 'times of the pictures', fate: 'converted', note }]
}
