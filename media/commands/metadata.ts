/** The options of the merge that say what its tracks and the whole file are: tags, languages, titles, flags, timecode, covers. */
import { type AudioFacts, FLAGS, type Flag, type Metadata, type SubtitleFacts } from '../../protocol/plan.ts'
import { known, personText, plainWord, timecodeText } from './argument.ts'

/** The options for the file, its picture and `covers` covers, which follow the picture. */
export function metadataArgs({ tags, picture }: Metadata, covers: number): string[] {
  const { timecode, flags } = picture
  return [
    ...Object.entries(tags).flatMap(([key, value]) => ['-metadata', `${plainWord(key)}=${personText(value)}`]),
    ...nameArgs('v:0', picture),
    ...(flags.some((flag) => flag !== 'default') ? flagArgs('v:0', flags) : []),
    ...(timecode === null ? [] : ['-metadata:s:v:0', `timecode=${timecodeText(timecode)}`]),
    ...Array.from({ length: covers }, (_, at) => [`-disposition:v:${at + 1}`, 'attached_pic']).flat(),
  ]
}

/** The options for one audio or subtitle track. `track`: its specifier in the output, such as `a:0`. */
export const trackArgs = (track: string, facts: AudioFacts | SubtitleFacts): string[] => [
  ...nameArgs(track, facts),
  ...flagArgs(track, facts.flags),
]

/** The handler's name has the title too: most readers look for it there. */
function nameArgs(track: string, { language, title }: Pick<AudioFacts, 'language' | 'title'>): string[] {
  const of = `-metadata:s:${track}`
  return [
    ...(language === '' ? [] : [of, `language=${plainWord(language)}`]),
    ...(title === '' ? [] : [of, `title=${personText(title)}`, of, `handler_name=${title}`]),
  ]
}

const flagArgs = (track: string, flags: readonly Flag[]): string[] => [
  `-disposition:${track}`,
  flags.length === 0 ? '0' : flags.map((flag) => known(flag, FLAGS)).join('+'),
]
