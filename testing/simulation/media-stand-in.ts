/** ffmpeg that takes virtual time and writes text: the contract's verbs over the virtual disk. */
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Cut, EncodeResult, Media } from '../../protocol/media.ts'
import { NO_METADATA, type RenditionPlan } from '../../protocol/plan.ts'
import * as film from './film.ts'
import type { VirtualDisk } from './virtual-disk.ts'

export interface MediaOptions {
  readonly disk: VirtualDisk
  readonly clock: Clock
  /** The build's name: in cuts and in the plan's notes, as real builds differ there. */
  readonly build: string
  /** What of it dies by a signal, whatever it is given. */
  readonly bad: Badness
  /** How much slower than a good machine, at least 1; asked again for every second of work. */
  slowness(): number
  /** Called with what runs, for the trace. */
  onWork(what: string): void
}

/**
 * `pictures`: its encodes show other pictures, right in number and time. `everything`: its trial runs too, so that it knows. `720p`, `audio`: it
 * fails at this class alone, without a signal, whatever the film. `nearly done`: no encode of it ever ends, and it says that it soon will.
 */
export type Badness = 'no' | 'pictures' | 'encodes' | 'merges' | 'everything' | '720p' | 'audio' | 'nearly done'

/** Virtual ms of a good machine for one chunk in one rendition (700, 1,200 and 2,400 for 480p to 1080p); decoding is shared by all of an ffmpeg. */
const encodeMs = ({ cost }: RenditionPlan): number => 100 * Math.round(2.8 + 10.2 * cost)
const DECODE_MS = 400
const STEP_MS = 500

export function createMedia({ disk, clock, build, bad, slowness, onWork }: MediaOptions): Media {
  let plans = 0

  /** Works for so long, however slow the machine is at each moment. */
  async function work(ms: number, signal: AbortSignal, onStep: (share: number) => void = () => {}): Promise<void> {
    for (let done = 0; done < ms; done += STEP_MS) {
      await clock.sleep(Math.min(STEP_MS, ms - done) * slowness(), signal)
      onStep(Math.min(1, (done + STEP_MS) / ms))
    }
  }

  const fails = (message: string): never => {
    throw new AttemptFailed('encode_failed', message)
  }
  const failsAt = (what: film.Film, part: film.Film['poison']): void => {
    if (what.poison === part) fails(`ffmpeg: ${part} of ${what.name} is not decodable`)
  }
  const dies = (): never => {
    throw new AttemptFailed('build_cannot', `${build} was ended by SIGILL`)
  }

  const selfTestReport = {
    ffmpeg: build,
    decoders: ['h264'],
    encoders: ['x264'],
    filters: [],
    encode_bytes: 1,
    cores_per_slot: 1,
  }

  return {
    selfTest: async () => selfTestReport,
    firstSelfTest: async () => selfTestReport,
    wholeReport: Promise.resolve(selfTestReport),
    async quickSelfTest(signal) {
      onWork('quickSelfTest')
      await clock.sleep(150, signal)
      if (bad === 'everything') dies()
    },
    checkRecipe() {},
    async check(source, signal) {
      await clock.sleep(40, signal)
      film.readFilm(disk.read(source))
    },
    async probe(source, signal) {
      await clock.sleep(40, signal)
      const { chunks, hasSubtitles } = film.readFilm(disk.read(source))
      return {
        format: 'mov',
        duration_s: chunks * 8,
        time_base: [1, 30],
        video: film.PICTURE,
        audio: [],
        subtitles: [],
        chapters: hasSubtitles ? [{ start: 0, end: chunks * 8_000, title: 'One' }] : [],
        metadata: NO_METADATA,
        fates: [],
        asMatroska: { fates: [], kept: { pictures: [], subtitles: [], attachments: [] } },
      }
    },
    async index(source, _probe, signal) {
      await clock.sleep(150, signal)
      return { frames: film.readFilm(disk.read(source)).chunks * film.FRAMES, genpts: false }
    },
    async plan({ video_id, source, recipe, signal }) {
      await work(600, signal)
      const what = film.readFilm(disk.read(source))
      failsAt(what, 'plan')
      return film.planOf(what, video_id, recipe, `${build}, ${++plans}`)
    },
    async cut({ chunk_id, source, out, signal }) {
      const what = film.readFilm(disk.read(source))
      const start_pts = chunk_id * film.FRAMES
      const cut: Cut = { path: source, start_pts, end_pts: start_pts + film.FRAMES, time_base: [1, 30] }
      if (film.isStraight(what)) return cut
      await clock.sleep(120, signal)
      disk.write(out, film.cutBytes(what, chunk_id, build))
      return { ...cut, path: out }
    },
    async extras({ source, outDir, signal }) {
      const what = film.readFilm(disk.read(source))
      const audio = film.isStraight(what) ? source : `${outDir}/audio.nut`
      await clock.sleep(300, signal)
      if (what.hasAudio && audio !== source) disk.write(`${outDir}/audio.nut`, film.audioInBytes(what, build))
      if (what.hasSubtitles) disk.write(`${outDir}/other.mkv`, film.subtitleBytes(what))
      return {
        audio: what.hasAudio ? audio : null,
        other: what.hasSubtitles ? `${outDir}/other.mkv` : null,
      }
    },
    async encode({ plan, input, chunk_id, renditions, sound, outDir, onProgress, signal }) {
      onWork(`encode ${chunk_id} ${renditions.join(' ')}`)
      const cut = film.readCut(disk.read(input.path))
      const wanted = plan.renditions.filter(({ id }) => renditions.includes(id))
      const ms = wanted.reduce((sum, each) => sum + encodeMs(each), DECODE_MS)
      await work(ms, signal, (share) => onProgress?.({ frames: share * film.FRAMES, speed: 8000 / ms / slowness() }))
      while (bad === 'nearly done') {
        onProgress?.({ frames: 0.9999 * film.FRAMES, speed: 1 })
        await clock.sleep(STEP_MS, signal)
      }
      if (bad === 'encodes' || bad === 'everything') dies()
      failsAt(cut.film, cut.cut)
      if (renditions.some((id) => id === bad)) fails(`${build} does not know this picture`)
      if (sound !== undefined) {
        failsAt(cut.film, 'audio')
        if (bad === 'audio') fails(`${build} does not know this sound`)
        disk.write(sound, film.audioOutBytes(cut.film))
      }
      return renditions.map((rendition): EncodeResult => {
        const path = `${outDir}/${rendition}.mp4`
        const right = film.encodedBytes(cut.film, cut.cut, rendition)
        const bytes = bad === 'pictures' ? film.paintedOver(right) : right
        disk.write(path, bytes)
        return { rendition, ok: true, path, es_sha256: film.sha256Of(bytes) }
      })
    },
    async audio({ input, out, onProgress, signal }) {
      onWork('audio')
      const { film: what } = film.readCut(disk.read(input))
      await work(1_500, signal, (share) => onProgress?.({ seconds: share * 10, speed: 20 }))
      if (bad === 'everything') dies()
      failsAt(what, 'audio')
      if (bad === 'audio') fails(`${build} does not know this sound`)
      disk.write(out, film.audioOutBytes(what))
    },
    async merge({ renditions, audio, extra, signal }) {
      for (const { rendition } of renditions) onWork(`merge ${rendition}`)
      const text = (path: string) => disk.read(path).toString()
      await work(800 * renditions.length, signal)
      if (bad === 'merges' || bad === 'everything') dies()
      for (const { rendition, chunks, out } of renditions) {
        const parts = { rendition, chunks: chunks.map(text), audio: audio && text(audio), extra: extra && text(extra) }
        if (parts.chunks.some((chunk) => chunk.endsWith(film.UNJOINABLE)))
          fails('ffmpeg: these chunks are not decodable')
        disk.write(out, film.mergedBytes(parts))
      }
    },
    async package({ renditions, outDir, signal }) {
      onWork('package')
      await work(200, signal)
      if (bad === 'everything') dies()
      const name = 'master.m3u8'
      disk.write(
        `${outDir}/${name}`,
        film.packagedBytes(renditions.map(({ chunks }) => chunks.map((path) => disk.read(path).toString()))),
      )
      return [{ name, path: `${outDir}/${name}`, media_type: 'application/vnd.apple.mpegurl' }]
    },
  }
}
