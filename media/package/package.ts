/**
 * Makes a streaming package from what is encoded: one file for each track, text as WebVTT, images, and the manifests. No ffmpeg touches the
 * tracks: pictures and sound are copied sample by sample, so that their segments follow from the plan and the encoded chunks alone.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { PackagedFile, PackageJob } from '../../protocol/media.ts'
import { packageMediaType, pictureName } from '../../protocol/package.ts'
import { checkedChunks, textOf } from '../merging.ts'
import type { Programs } from '../run-ffmpeg.ts'
import { secondsShown } from '../text/text-extra.ts'
import { webVtt } from '../text/web-vtt.ts'
import { tracksOf } from '../verify.ts'
import { dashManifest } from './dash.ts'
import { canStream } from './entry.ts'
import { type PackageFacts, type PictureFacts, type SoundFacts, secondsTo } from './facts.ts'
import { chunkFragments } from './growing-track.ts'
import { hlsPlaylists, sheetName } from './hls.ts'
import { makeImages, POSTER } from './images.ts'
import { manifestKey } from './manifest-key.ts'
import { pictureHead, pictureRate } from './picture-head.ts'
import { describeSounds } from './sound-description.ts'
import { divideSound } from './sound-division.ts'
import { soundHead } from './sound-head.ts'
import { textFacts } from './text-facts.ts'
import { thumbnailCues } from './thumbnail-cues.ts'
import { writeTrack } from './track-file.ts'
import type { TrackCipher } from './track-sink.ts'

/** Writes the package into `outDir` and answers its files, the manifests last. Rejects with `AttemptFailed`. */
export async function makePackage(programs: Programs, job: PackageJob): Promise<readonly PackagedFile[]> {
  const { outDir, onProgress } = job
  const key = manifestKey(job.package.key)
  const cipher = key === null || job.key === null ? null : { method: key.method, key: await readFile(job.key) }
  const pictures: PictureFacts[] = []
  for (const [at, rendition] of job.renditions.entries()) {
    pictures.push(await pictureTrack(job, rendition, cipher))
    onProgress?.((at + 1) / (job.renditions.length + 1))
  }
  const sounds = await soundTracks(job, cipher)
  const text = await textOf(job)
  const texts = textFacts(text.subtitles)
  const seconds = secondsShown(Math.max(...pictures.map(secondsTo)), sounds.map(secondsTo))
  const thumbnails = await makeImages(programs, { ...job, seconds })
  const { formats, url_prefix: prefix = '', segments = false } = job.package
  // No ffmpeg reads encrypted ranges (findings/hls-encrypted-byte-ranges.sh), nor do all players.
  const isDivided = segments || key?.method === 'aes-128'
  const facts: PackageFacts = { pictures, sounds, texts, thumbnails, seconds, prefix, isDivided, key }
  const written = [
    ...texts.map(({ name }, at) => ({ name: `${name}.vtt`, text: webVtt(text.samples[at]!) })),
    { name: `${thumbnails.name}.vtt`, text: thumbnailCues(facts, thumbnails) },
    ...(formats.includes('hls') ? hlsPlaylists(facts) : []),
    ...(formats.includes('dash') ? [{ name: 'manifest.mpd', text: dashManifest(facts) }] : []),
  ]
  for (const file of written) await writeFile(join(outDir, file.name), file.text)
  const tracks = [...pictures, ...sounds].map(({ name }): PackagedFile => {
    const [path, media_type] = [join(outDir, `${name}.mp4`), packageMediaType('.mp4')]
    return isDivided ? { name, path, media_type, is_folder: true } : { name: `${name}.mp4`, path, media_type }
  })
  const names = [
    POSTER,
    ...thumbnails.sheets.map((_, at) => sheetName(thumbnails.name, at)),
    ...written.map(({ name }) => name),
  ]
  return [...tracks, ...names.map((name) => ({ name, path: join(outDir, name), media_type: packageMediaType(name) }))]
}

async function pictureTrack(
  { plan, outDir, signal }: PackageJob,
  job: PackageJob['renditions'][number],
  cipher: TrackCipher | null,
): Promise<PictureFacts> {
  const rendition = plan.renditions.find(({ id }) => id === job.rendition)
  if (!rendition) throw new AttemptFailed('unexpected', `cannot package ${job.rendition}: it is not in the plan`)
  const tracks = await checkedChunks(job.chunks, plan, rendition)
  const { head, ...facts } = pictureHead(tracks[0]!, rendition, plan)
  const { timescale, delay, width, height } = head
  const fragments = tracks.flatMap((track, chunk) => chunkFragments(track, plan, { chunk, delay }))
  const name = pictureName(rendition.id)
  const layout = await writeTrack({
    name,
    head,
    files: job.chunks.map((path, at) => ({ path, track: tracks[at]! })),
    fragments,
    out: join(outDir, `${name}.mp4`),
    cipher,
    signal,
  })
  return { kind: 'video', name, ...facts, timescale, ...layout, width, height, fps: pictureRate(plan, fragments) }
}

async function soundTracks(
  { plan, audio, outDir, signal }: PackageJob,
  cipher: TrackCipher | null,
): Promise<SoundFacts[]> {
  if (audio === null) return []
  const tracks = (await tracksOf(audio)).filter(({ kind }) => kind === 'audio')
  const descriptions = describeSounds(plan)
  const sounds: SoundFacts[] = []
  for (const [at, track] of tracks.entries()) {
    const { segments, delay } = divideSound(track)
    if (segments.length === 0 || !canStream(track)) continue
    const { head, codecs } = soundHead(track, delay)
    const { timescale } = track
    const name = `audio-${at + 1}`
    const layout = await writeTrack({
      name,
      head,
      files: [{ path: audio, track }],
      fragments: segments.flat(),
      out: join(outDir, `${name}.mp4`),
      cipher,
      signal,
    })
    sounds.push({
      kind: 'audio',
      name,
      codecs,
      timescale,
      ...layout,
      ...descriptions[at]!,
      sample_rate: timescale,
    })
  }
  return sounds
}
