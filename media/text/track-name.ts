/** How notes name a subtitle: a track of the source, or a file that was submitted with it. Pure. */
import { SUBTITLE_FILE_STREAM, type SubtitleFacts } from '../../protocol/plan.ts'

/** Whether it is a file of its own. */
export const isFile = ({ stream }: Pick<SubtitleFacts, 'stream'>): boolean => stream >= SUBTITLE_FILE_STREAM

/** `Subtitle track 3 (subrip, deu)`, or `The subtitle film.en`. */
export function trackName(facts: SubtitleFacts): string {
  const { stream, codec, language } = facts
  return isFile(facts)
    ? `The subtitle ${codec}`
    : `Subtitle track ${stream} (${codec || 'unknown'}${language && `, ${language}`})`
}
