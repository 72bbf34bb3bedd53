/** `--subtitles`: files of text subtitles that come along with a film, as those beside a film of a watched folder do. */
import { basename, extname } from 'node:path'
import { type Command, Option } from 'commander'
import { readSubtitleName } from '../node/videos/input-folder-sidecars.ts'
import type { SubmitSubtitle } from '../protocol/api.ts'
import { UsageError } from '../protocol/errors.ts'
import { SUBTITLE_FILES_MAX } from '../protocol/limits.ts'
import { absolutePath } from './options.ts'

/** Adds the option to a command; it may be repeated. */
export function addSubtitleOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--subtitles <file>',
      'SRT or WebVTT file that comes along with the film, its language and flags by its name (film.de.srt, film.en.forced.srt); may be repeated',
    ).argParser((path: string, before: readonly string[] | undefined) => [...(before ?? []), path]),
  )
}

/**
 * The subtitles at `paths` of the only one of `films`. A name that does not begin with that of the film is read from its first dot on. Throws
 * `UsageError` where there are several films, or too many subtitles.
 */
export function subtitlesFrom(films: readonly string[], paths: readonly string[] = []): SubmitSubtitle[] {
  const [film = '', ...others] = films
  if (paths.length > 0 && others.length > 0)
    throw new UsageError('--subtitles are those of one film, and several films are given: name one at a time')
  if (paths.length > SUBTITLE_FILES_MAX)
    throw new UsageError(`a film may have ${SUBTITLE_FILES_MAX} files of subtitles, and ${paths.length} are given`)
  const stem = basename(film, extname(film))
  return paths.map((path) => {
    const name = basename(path)
    const own = name.startsWith(stem) ? film : `${name.split('.')[0]}.mp4`
    return { path: absolutePath(path, '--subtitles'), ...readSubtitleName(own, name) }
  })
}
