/**
 * A whole file as a player shows it: frames, beeps, subtitles and chapters, each with its time.
 */
import { type Beep, findBeeps } from './beeps.ts'
import { type Container, filmStream, streamsOf } from './probe.ts'
import { type Cue, type Frame, readCues, readFrames, readSound } from './read.ts'
import type { Source } from './source.ts'

export interface Shown {
  readonly frames: readonly Frame[]
  /** Seconds of sound before the first frame; 0 where it is so little that it is no part of the film. */
  readonly lead_s: number
  /** One list for each audio track. */
  readonly beeps: readonly (readonly Beep[])[]
  /** When the last sound ends, after the first frame; -Infinity without sound. */
  readonly soundEnd_s: number
  /** Text subtitles, one list for each track, and chapters: seconds after the first frame. */
  readonly cues: readonly (readonly Cue[])[]
  readonly chapters: readonly Cue[]
}

const BITMAP_SUBTITLES = new Set(['hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle', 'xsub'])

export interface ShownJob {
  readonly file: string
  readonly container: Container
  readonly source: Source
  readonly ffmpeg: string
}

export async function readShown(job: ShownJob): Promise<Shown> {
  const film = filmStream(job.container)
  const frames = film ? await readFrames({ ...job, stream: film.index, isRgb: film.color.space === 'gbr' }) : []
  const first_s = frames[0]?.at_s ?? 0
  const cues = []
  for (const stream of streamsOf(job.container, 'subtitle')) {
    if (!BITMAP_SUBTITLES.has(stream.codec))
      cues.push(sinceFirst(await readCues({ ...job, stream: stream.index }), first_s))
  }
  const chapters = job.container.chapters.map(({ title, start_s }) => ({ start_s, end_s: start_s, text: title }))
  return { frames, ...(await readBeeps(job, first_s)), cues, chapters: sinceFirst(chapters, first_s) }
}

/** An encoder makes up a frame or two of sound. */
const EARLY_SOUND_S = 0.05

async function readBeeps(job: ShownJob, first_s: number): Promise<Pick<Shown, 'beeps' | 'soundEnd_s' | 'lead_s'>> {
  const beeps: Beep[][] = []
  let soundEnd_s = Number.NEGATIVE_INFINITY
  let early_s = 0
  for (const [track, stream] of streamsOf(job.container, 'audio').entries()) {
    const sound = await readSound({ ...job, stream: stream.index })
    const heard = findBeeps(sound.runs, { ...sound, track: job.source.expect.audio[track]?.beep ?? track })
    beeps.push(heard)
    const last = sound.runs.at(-1)
    if (!last) continue
    early_s = Math.max(early_s, first_s - (sound.runs[0]?.start_s ?? first_s))
    soundEnd_s = Math.max(soundEnd_s, last.start_s - first_s + last.samples.length / sound.channels / sound.rate)
  }
  const lead_s = early_s > EARLY_SOUND_S ? early_s : 0
  return { lead_s, soundEnd_s, beeps: beeps.map((heard) => heard.filter((beep) => beep.at_s >= first_s - lead_s)) }
}

/** Nothing begins before the picture does. */
const sinceFirst = (cues: readonly Cue[], first_s: number): Cue[] =>
  cues.map(({ start_s, end_s, text }) => ({
    start_s: Math.max(0, start_s - first_s),
    end_s: Math.max(0, end_s - first_s),
    text,
  }))

/** What is left of a source whose clock has this gap (`Expected.gap`) once it is closed up: what is behind it comes earlier. */
export function closeGap(shown: Shown, gap: Source['expect']['gap']): Shown {
  if (gap === null) return shown
  const [from_s, to_s] = gap
  const closed = (at_s: number): number => (at_s > (from_s + to_s) / 2 ? at_s - (to_s - from_s) : at_s)
  const first_s = shown.frames[0]?.at_s ?? 0
  const moved = <Part extends { readonly at_s: number }>(parts: readonly Part[]): Part[] =>
    parts.map((part) => ({ ...part, at_s: first_s + closed(part.at_s - first_s) }))
  const cues = (all: readonly Cue[]): Cue[] =>
    all.map((cue) => ({ ...cue, start_s: closed(cue.start_s), end_s: closed(cue.end_s) }))
  return {
    ...shown,
    frames: moved(shown.frames),
    beeps: shown.beeps.map(moved),
    soundEnd_s: closed(shown.soundEnd_s),
    cues: shown.cues.map(cues),
    chapters: cues(shown.chapters),
  }
}
