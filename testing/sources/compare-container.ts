/**
 * What the tags of a finished file must say: shape, colours, languages, titles. Pure: probes in, sentences out.
 */
import { type Container, filmStream, type Stream, streamsOf } from './probe.ts'
import type { Expected } from './source.ts'

export interface Box {
  readonly width: number
  readonly height: number
}

/** Sizes, aspect, turn, colour, languages, chapters and subtitles of the finished file. */
export function compareContainer(
  expect: Expected,
  files: { source: Container; output: Container },
  box: Box,
  bitDepth = 8,
): string[] {
  const { output } = files
  const [source, film] = [filmStream(files.source), filmStream(output)]
  if (!film) return ['no video stream']
  return [
    ...compareShape(expect, film, box),
    ...comparePixels(expect, source, film, bitDepth),
    ...compareList(
      'audio languages',
      expect.audio.map((track) => track.language),
      streamsOf(output, 'audio').map((track) => track.language),
    ),
    ...compareList(
      'audio channels',
      expect.audio.map((track) => track.channels),
      streamsOf(output, 'audio').map((track) => track.channels),
    ),
    ...compareList(
      'subtitles',
      expect.subtitles,
      streamsOf(output, 'subtitle').map((track) => track.language),
    ),
    ...compareList(
      'chapters',
      expect.chapters,
      output.chapters.map((chapter) => chapter.title),
    ),
    ...(streamsOf(output, 'video').filter(({ isCover }) => !isCover).length > 1 ? ['more than one video stream'] : []),
  ]
}

function compareShape(expect: Expected, film: Stream, box: Box): string[] {
  const { width, height } = film
  const upright = expect.display.height > expect.display.width ? { width: box.height, height: box.width } : box
  const scale = Math.min(1, upright.width / expect.display.width, upright.height / expect.display.height)
  const [wantedWidth, wantedHeight] = [expect.display.width * scale, expect.display.height * scale]
  const problems: string[] = []
  if (width % 2 || height % 2) problems.push(`odd size ${width}x${height}`)
  if (width > upright.width || height > upright.height)
    problems.push(`${width}x${height} is outside ${upright.width}x${upright.height}`)
  if (Math.abs(width - wantedWidth) > 2 || Math.abs(height - wantedHeight) > 2) {
    problems.push(`${width}x${height} in place of ${wantedWidth.toFixed(1)}x${wantedHeight.toFixed(1)}`)
  }
  if (film.sampleAspect !== '1:1') problems.push(`pixel aspect ${film.sampleAspect || 'not said'}`)
  if (film.rotation !== 0) problems.push(`turned by ${film.rotation}°`)
  if (film.fieldOrder !== 'progressive') problems.push(`field order ${film.fieldOrder || 'not said'}`)
  return problems
}

/**
 * What the source says of its colours must still be said, RGB and HDR in 8 bits as the BT.709 they became, full range as the
 * limited one.
 * Where the source has no colour tags, the result must have none: a player then guesses as before. An unspecified range is the limited one.
 */
function comparePixels(expect: Expected, source: Stream | undefined, film: Stream, bitDepth: number): string[] {
  const isMapped = expect.hdr && bitDepth === 8
  const format = bitDepth === 8 ? 'yuv420p' : `yuv420p${bitDepth}le`
  const problems = film.pixelFormat === format ? [] : [`pixel format ${film.pixelFormat}`]
  const colors = Object.entries(source?.color ?? {}).flatMap(([tag, said]) => {
    const got = film.color[tag as keyof Stream['color']]
    const sdr = isMapped || said === 'gbr' ? 'bt709' : said
    const wanted = tag === 'range' ? 'tv' : sdr
    const isSilent = said === '' || said === 'unknown'
    const isUnlisted = got === '' || got === 'unknown'
    if (got === wanted || (isUnlisted && (isSilent || tag === 'range'))) return []
    return [`color ${tag} is ${got || 'not said'} in place of ${isSilent ? 'nothing' : wanted}`]
  })
  return [...problems, ...colors]
}

function compareList(what: string, wanted: readonly unknown[], got: readonly unknown[]): string[] {
  return wanted.join() === got.join()
    ? []
    : [`${what}: ${got.join(', ') || 'none'} in place of ${wanted.join(', ') || 'none'}`]
}
