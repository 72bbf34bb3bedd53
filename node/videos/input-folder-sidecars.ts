/**
 * The files beside a film that belong to it: subtitles, covers and the texts of media managers. They stay where they are. Pure.
 *
 * A sidecar has an ending of `SIDECARS`, and the film's name, alone or before a separator (`film.srt`, `film.en.srt`, `film-poster.jpg`), or
 * one of the names that media managers give to a folder's own files (`folder.jpg`, `movie.nfo`) in a folder with a film.
 */
import { basename, dirname, extname } from 'node:path'

const SIDECARS = new Set(
  '.srt .vtt .ass .ssa .sub .idx .sup .smi .lrc .nfo .xml .json .txt .jpg .jpeg .png .webp .gif .tbn .bif .edl .cue .md5 .sfv .sha256 .url'.split(
    ' ',
  ),
)
/** Subtitles that come along with their film. */
const SUBTITLES = new Set(['.srt', '.vtt'])
/** Names of a folder's own files. */
const OF_FOLDER =
  /^(poster|folder|cover|fanart|backdrop|background|banner|landscape|logo|clearlogo|clearart|disc|thumb|thumbs|movie|tvshow|season|album|artist)[-\w]*$/i
const SEPARATOR = /^[ ._([-]/

/** The files of a folder, by what they are. Paths are relative, as given. */
export interface FilmsAndSidecars {
  readonly films: readonly string[]
  /** The subtitles that come along with each film. */
  readonly subtitlesOf: ReadonlyMap<string, readonly string[]>
  /** Every file that stays beside a film, subtitles included. */
  readonly sidecars: ReadonlySet<string>
}

const endingOf = (file: string): string => extname(file).toLowerCase()
const stemOf = (file: string): string => basename(file, extname(file))

/** Separates films and sidecars. A file that may be a sidecar and has no film is among the films: it is refused as any other file. */
export function splitSidecars(files: Iterable<string>): FilmsAndSidecars {
  const all = [...files]
  const films = all.filter((file) => !SIDECARS.has(endingOf(file)))
  const byFolder = Map.groupBy(films, (file) => dirname(file))
  const subtitlesOf = new Map<string, string[]>()
  const sidecars = new Set<string>()
  const alone: string[] = []
  for (const file of all) {
    if (!SIDECARS.has(endingOf(file))) continue
    const near = byFolder.get(dirname(file)) ?? []
    const film = filmOf(file, near)
    if (film === null && !(near.length > 0 && OF_FOLDER.test(stemOf(file)))) alone.push(file)
    else sidecars.add(file)
    if (film !== null && SUBTITLES.has(endingOf(file))) subtitlesOf.set(film, [...(subtitlesOf.get(film) ?? []), file])
  }
  return { films: [...films, ...alone], subtitlesOf, sidecars }
}

/** The film with the longest name that the name of the sidecar begins with: `film.2.en.srt` is of `film.2.mkv`, not of `film.mkv`. */
function filmOf(sidecar: string, films: readonly string[]): string | null {
  const stem = stemOf(sidecar)
  const own = films.filter((film) => stem.startsWith(stemOf(film)) && isNameOf(stem.slice(stemOf(film).length)))
  return own.sort((a, b) => stemOf(b).length - stemOf(a).length)[0] ?? null
}

const isNameOf = (rest: string): boolean => rest === '' || SEPARATOR.test(rest)

const TAG = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/
const NAME = /^\p{L}{4,}$/u
const HEARING = new Set(['sdh', 'cc'])

/** What the name of a subtitle says: `film.pt-BR.forced.srt`. */
export interface SubtitleName {
  /** The tag or the English name of a language as it stands there, or another word; '' where there is none. */
  readonly language: string
  readonly forced: boolean
  /** Whether it is for people who cannot hear. */
  readonly hearing_impaired: boolean
}

/** Reads the language and flags from the name of a film's subtitle. */
export function readSubtitleName(film: string, subtitle: string): SubtitleName {
  const words = stemOf(subtitle)
    .slice(stemOf(film).length)
    .split(/[ ._()[\]]+/)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '')
  const named = words.filter((word) => !HEARING.has(word) && word !== 'forced' && word !== 'default')
  const language = named.find((word) => TAG.test(word)) ?? named.find((word) => NAME.test(word)) ?? ''
  // `hi` alone is Hindi; after a language it is the flag.
  const hearing_impaired = words.some(
    (word, at) => HEARING.has(word) || (word === 'hi' && words.indexOf(language) < at),
  )
  return { language, forced: words.includes('forced'), hearing_impaired }
}
