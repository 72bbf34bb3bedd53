/** What manifests say of tracks of text. Pure. */
import type { SubtitleFacts } from '../../protocol/plan.ts'
import type { TextFacts } from './facts.ts'
import { labelled } from './labels.ts'

export type { TextFacts } from './facts.ts'

/** The tracks of text of a package, in order. */
export function textFacts(subtitles: readonly SubtitleFacts[]): TextFacts[] {
  const labels = labelled(subtitles)
  return subtitles.map(({ flags }, at) => ({
    kind: 'text',
    name: `text-${at + 1}`,
    ...labels[at]!,
    isDefault: flags.includes('default'),
    isForced: flags.includes('forced'),
    isForDeaf: flags.includes('hearing_impaired') || flags.includes('captions'),
  }))
}
