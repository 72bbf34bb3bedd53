/** What a finished file shows, says and holds, and what its source promises, measured by plain ffmpeg. Seconds count from the first picture. */
import { pictures, probe, sounds, subtitles } from '../../testing/sources/measure.ts'
import { type Container, filmStream, streamsOf } from '../../testing/sources/probe.ts'
import type { Cue } from '../../testing/sources/read.ts'
import type { Declared, Facts, Label } from './compare.ts'
import { filmOf } from './plain.ts'

const OF_MUXERS = new Set(['encoder', 'major_brand', 'minor_version', 'compatible_brands'])

export async function factsOf(file: string): Promise<Facts> {
  const container = await probe(file)
  const shown = await pictures(file)
  const first_s = shown[0]?.at_s ?? 0
  const from_s = Math.min(first_s, ...streamsOf(container, 'audio').map(({ start_s }) => start_s))
  return {
    times_s: shown.map(({ at_s }) => at_s - first_s),
    sounds: (await sounds(file, { from_s })).map((sound) => ({
      ...sound,
      heard_s: sound.heard_s - first_s,
      end_s: from_s - first_s + sound.samples / sound.rate,
    })),
    begin_s: from_s - first_s,
    labels: labelsOf(container),
    ...(await declared(file, container, first_s)),
    tags: Object.fromEntries(Object.entries(container.tags).filter(([name]) => !OF_MUXERS.has(name))),
    duration_s: container.duration_s,
  }
}

/** Of a source, as far as plain ffmpeg reads it. */
export async function declaredOf(file: string): Promise<Declared> {
  const container = await probe(file)
  const film = filmOf(container)
  const [first] = film ? await pictures(file, { stream: film.index, count: 1 }) : []
  return await declared(file, container, first?.at_s ?? 0)
}

async function declared(file: string, container: Container, first_s: number): Promise<Declared> {
  const move = ({ start_s, end_s, text }: Cue): Cue => ({ start_s: start_s - first_s, end_s: end_s - first_s, text })
  const chapters = container.chapters.map(({ start_s, end_s, title }) => ({ start_s, end_s, text: title }))
  return { texts: (await subtitles(file)).map((cues) => cues.map(move)), chapters: chapters.map(move) }
}

function labelsOf(container: Container): Label[] {
  const kinds = [
    ['sound', 'audio'],
    ['subtitles', 'subtitle'],
  ] as const
  return kinds.flatMap(([kind, type]) =>
    streamsOf(container, type).map(({ language, tags, dispositions }, at) => ({
      track: `${kind} ${at + 1}`,
      language,
      title: tags.title ?? tags.name ?? '',
      flags: dispositions,
    })),
  )
}

/** The film's picture size; null where there is none. */
export async function sizeOf(file: string): Promise<{ width: number; height: number } | null> {
  return filmStream(await probe(file)) ?? null
}
