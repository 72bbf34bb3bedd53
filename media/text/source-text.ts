/**
 * The text of a source: every subtitle track that can be made text, its events, and the chapters. Read at ingest, beside the packets of
 * the picture; no track can fail it. What is lost is in `fates`, once for each track.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChapterFacts, SourceProbe, SubtitlePath } from '../../protocol/media.ts'
import { type Fate, SUBTITLE_FILE_STREAM, type SubtitleFacts } from '../../protocol/plan.ts'
import type { SubtitleFile } from '../../protocol/recipe.ts'
import { TEXT_SHIFT_S } from '../commands/text.ts'
import { languageOf } from '../probe/language.ts'
import type { Programs } from '../run-ffmpeg.ts'
import { type Lost, parseAssEvent } from './ass.ts'
import { parseStyles } from './ass-styles.ts'
import { CHAPTERS_MAX } from './chapters.ts'
import { textReader } from './charset.ts'
import { type Decoded, decodeFile, decodeTracks, decodeUnknown } from './decode-text.ts'
import { isPlain, type TextEvent } from './events.ts'
import { type MatroskaFacts, readMatroskaFacts } from './matroska.ts'
import { isFile, trackName } from './track-name.ts'

/** An event of the source: ms of the source's clock, `end` null where it has none. */
export type SourceEvent = Omit<TextEvent, 'end'> & { readonly end: number | null }

/** A subtitle track that the results get. */
export interface SourceTrack {
  readonly facts: SubtitleFacts
  readonly events: readonly SourceEvent[]
}

/** The text of a source; chapters in ms of the source's clock, sorted. */
export interface SourceText {
  readonly tracks: readonly SourceTrack[]
  readonly chapters: readonly ChapterFacts[]
  readonly fates: readonly Fate[]
}

/** Characters of all events of a source, and of each change of style: the text of a thousand films. A hostile file ends there. */
const CHARS_MAX = 32 * 1024 * 1024
const STYLE_CHARS = 32

/** Reads the text of a source. Rejects with `AttemptFailed` only where the disk is full, and with the reason of an abort. */
export async function readSourceText(
  programs: Programs,
  {
    source,
    probe,
    subtitles: files,
    signal,
  }: {
    readonly source: string
    readonly probe: SourceProbe
    readonly subtitles: readonly SubtitlePath[]
    readonly signal: AbortSignal
  },
): Promise<SourceText> {
  const { subtitles } = probe
  const matroska = await readMatroskaFacts(source, signal)
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-text-'))
  try {
    const job = { source, dir, signal }
    const isUnknown = ({ codec }: SubtitleFacts) => codec === '' || codec === 'unknown'
    const known = subtitles.filter((facts) => !isUnknown(facts))
    const decoded = [...(await decodeTracks(programs, job, known))]
    for (const facts of subtitles.filter(isUnknown))
      decoded.push(await decodeUnknown(programs, job, { facts, matroska }))
    for (const [at, { file, path }] of files.entries())
      decoded.push(await decodeFile(programs, job, { facts: fileFacts(file, at), path }))
    const tracks = decoded.sort((a, b) => a.facts.stream - b.facts.stream).map(trackReader())
    const chapters = readChapters(probe, matroska)
    return {
      tracks: tracks.flatMap(({ track }) => track ?? []),
      chapters: chapters.list,
      fates: [...tracks.map(({ fate }) => fate), ...chapters.fates],
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** The facts of a file of subtitles. Its `codec` is its name, for notes. */
const fileFacts = ({ name, language, forced, hearing_impaired }: SubtitleFile, at: number): SubtitleFacts => ({
  stream: SUBTITLE_FILE_STREAM + at,
  codec: name,
  language: languageOf({ tags: { language } }).code,
  title: '',
  flags: [...(forced ? (['forced'] as const) : []), ...(hearing_impaired ? (['hearing_impaired'] as const) : [])],
})

interface ReadTrack {
  readonly track: SourceTrack | null
  readonly fate: Fate
}

/** Reads tracks one after the other, until all of them together are larger than the text of any film. */
function trackReader(): (decoded: Decoded) => ReadTrack {
  let charsLeft = CHARS_MAX
  return (decoded) => {
    const { facts } = decoded
    const part = isFile(facts) ? `file of subtitles ${facts.codec}` : `stream ${facts.stream}`
    const left = (why: string): ReadTrack => ({
      track: null,
      fate: { part, fate: 'left_out', note: `${trackName(facts)} is left out: ${why}.` },
    })
    if ('why' in decoded) return left(decoded.why)
    const { events, notes } = readEvents(facts, decoded.track)
    charsLeft -= events.reduce((sum, { text, styles }) => sum + text.length + styles.length * STYLE_CHARS, 0)
    if (charsLeft < 0) return left('the subtitles of this file are larger than any text')
    return {
      track: { facts, events },
      fate: { part, fate: notes.length > 0 ? 'converted' : 'kept', note: notes.join(' ') || null },
    }
  }
}

function readEvents(
  facts: SubtitleFacts,
  { header, events, hasMore }: Extract<Decoded, { track: unknown }>['track'],
): { events: SourceEvent[]; notes: string[] } {
  const reader = textReader(facts.language)
  const sheet = parseStyles(reader.read(header))
  const isAss = facts.codec === 'ass' || facts.codec === 'ssa'
  const lost = new Set<Lost>()
  const read = events.map(({ start, end, fields }) => {
    const event = parseAssEvent(reader.read(fields), sheet, isAss)
    for (const each of event.lost) lost.add(each)
    const shift = TEXT_SHIFT_S * 1000
    return { ...event, start: start - shift, end: end === null ? null : end - shift }
  })
  const usual = usualSize(read)
  const notes = [
    ...(lost.size === 0 ? [] : [`${trackName(facts)}: ${listed([...lost].sort())} are lost.`]),
    ...(reader.legacy === null ? [] : [`${trackName(facts)} is not in UTF-8: it was read as ${reader.legacy}.`]),
  ]
  if (hasMore) notes.push(`${trackName(facts)}: only the first ${events.length} texts are read.`)
  const kept = read.filter(({ text }) => text !== '')
  return { events: kept.map(({ lost: _, ...event }) => ({ ...event, styles: relative(event.styles, usual) })), notes }
}

/** The size that most events begin with. */
function usualSize(events: readonly Pick<TextEvent, 'styles'>[]): number {
  const counts = new Map<number, number>()
  for (const { styles } of events) if (styles[0]) counts.set(styles[0].size, (counts.get(styles[0].size) ?? 0) + 1)
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), [16, 0])[0]
}

/** Runs with sizes in percent of the usual one; plain ones need no run. */
const relative = (styles: TextEvent['styles'], usual: number): TextEvent['styles'] =>
  styles
    .map((run) => ({ ...run, size: Math.max(1, Math.min(1_000, Math.round((run.size / usual) * 100))) }))
    .filter((run) => !isPlain(run))

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

/** The chapters, in order of time. ffprobe drops those of a Matroska file that go backwards, so that its own list is read. */
function readChapters(probe: SourceProbe, matroska: MatroskaFacts | null): { list: ChapterFacts[]; fates: Fate[] } {
  const all = matroska?.chapters ?? probe.chapters
  const list = [...all].sort((a, b) => a.start - b.start).slice(0, CHAPTERS_MAX)
  const notes = [
    ...(matroska?.isOrdered
      ? [
          'The chapters of the source are to be played in an order of their own (ordered edition), which is not followed: the results have the order of the file.',
        ]
      : []),
    ...(all.length > list.length ? [`Only the first ${CHAPTERS_MAX} of ${all.length} chapters are kept.`] : []),
  ]
  const fate = notes.length > 0 ? 'converted' : 'kept'
  return { list, fates: all.length === 0 ? [] : [{ part: 'chapters', fate, note: notes.join(' ') || null }] }
}
