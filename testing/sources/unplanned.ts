/**
 * Whether a plan has a fate for everything that ffprobe finds in its source: streams, flags, tags, side data, programmes, chapters. And whether
 * the result has what the plan says is kept. Nothing of `media/` is used here.
 */
import { execa } from 'execa'
import type { Plan } from '../../protocol/plan.ts'
import { type Fields, fields, flagsOf, list } from './probe.ts'

export interface UnplannedJob {
  readonly source: string
  readonly output: string
  readonly plan: Pick<Plan, 'fates' | 'sounds' | 'video'>
  readonly ffprobe: string
}

/** One sentence for each part without a fate, and for each kept one that the result lacks. */
export async function unplanned({ source, output, plan, ffprobe }: UnplannedJob): Promise<string[]> {
  const [before, after] = [await read(ffprobe, source), await read(ffprobe, output)]
  const fates = new Map(plan.fates.map(({ part, fate }) => [part, fate]))
  const parts = partsOf(before)
  if (fates.size !== plan.fates.length) return ['a part has two fates']
  return [
    ...parts.filter((part) => !fates.has(part)).map((part) => `"${part}" has no fate`),
    ...lostTags(fates, before, after),
    ...lostTracks(plan, before, after),
  ]
}

/** All parts by the names that fates have. */
function partsOf(file: Fields): string[] {
  const streams = list(file['streams']).flatMap((stream) => {
    const name = `stream ${stream['index']}`
    const flags = flagsOf(stream).map((flag) => `flag ${flag} of ${name}`)
    const sides = list(stream['side_data_list']).map((data) => `side data ${data['side_data_type']} of ${name}`)
    return [name, ...flags, ...sides, ...tagsOf(stream, ` of ${name}`)]
  })
  const programmes = list(file['programs']).flatMap((each) => {
    const name = `programme ${each['program_id']}`
    return [name, ...tagsOf(each, ` of ${name}`)]
  })
  const chapters = list(file['chapters'])
  return [
    ...streams,
    ...programmes,
    ...(chapters.length > 0 ? ['chapters'] : []),
    ...new Set(chapters.flatMap((chapter) => tagsOf(chapter, ' of chapters'))),
    ...tagsOf(fields(file['format']), ''),
  ]
}

/** Tags of the file that are said to be kept: the result has one of that name, or of that value where its name is another one. */
function lostTags(fates: ReadonlyMap<string, string>, before: Fields, after: Fields): string[] {
  const got = textsOf(fields(after['format']))
  return Object.entries(textsOf(fields(before['format'])))
    .filter(([key]) => fates.get(`tag ${key}`) === 'kept' && key !== 'timecode')
    .filter(([key, value]) => got[key] === undefined && !Object.values(got).includes(value.trim()))
    .map(([key]) => `the tag ${key} is kept, but not in the result`)
}

/** Flags of audio and subtitles, and covers, that are said to be kept. */
function lostTracks({ fates: all, sounds, video }: UnplannedJob['plan'], before: Fields, after: Fields): string[] {
  const fates = new Map(all.map(({ part, fate }) => [part, fate]))
  const isTaken = (stream: Fields) => ['kept', 'converted'].includes(fates.get(`stream ${stream['index']}`) ?? '')
  return ['audio', 'subtitle', 'video'].flatMap((type) => {
    const of = (file: Fields) => list(file['streams']).filter((stream) => stream['codec_type'] === type)
    const rest = of(before).filter(isTaken).sort(byCover)
    // The picture that is encoded stands before those that are copied.
    const isFilm = ({ index }: Fields) => index === video.stream
    const taken = [...rest.filter(isFilm), ...rest.filter((stream) => !isFilm(stream))]
    // With audio renditions a track may come out more than once.
    const made = sounds?.map(({ stream }) => taken.find(({ index }) => index === stream) ?? {})
    const [wanted, got] = [type === 'audio' && made ? made : taken, of(after).sort(byCover)]
    if (wanted.length !== got.length)
      return [`${wanted.length} ${type} streams are taken, and ${got.length} in the result`]
    return wanted.flatMap((stream, at) =>
      flagsOf(stream)
        .filter((flag) => fates.get(`flag ${flag} of stream ${stream['index']}`) === 'kept')
        .filter((flag) => flag !== 'default' || wanted.indexOf(stream) === at)
        .filter((flag) => !flagsOf(got[at] ?? {}).includes(flag))
        .map((flag) => `the flag ${flag} of stream ${stream['index']} is kept, but not in the result`),
    )
  })
}

/** The picture stands before covers in a result, wherever it was. */
const byCover = (a: Fields, b: Fields): number =>
  Number(flagsOf(a).includes('attached_pic')) - Number(flagsOf(b).includes('attached_pic'))

async function read(ffprobe: string, file: string): Promise<Fields> {
  const show = ['-show_format', '-show_streams', '-show_chapters', '-show_programs', '-of', 'json']
  const { stdout } = await execa(ffprobe, ['-v', 'error', ...show, file], { stdin: 'ignore' })
  return fields(JSON.parse(stdout))
}

const textsOf = (part: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(fields(part['tags'])).map(([key, value]) => [key.toLowerCase(), String(value)]))
const tagsOf = (part: Fields, of: string): string[] => Object.keys(textsOf(part)).map((key) => `tag ${key}${of}`)
