/** The manifest of DASH, as text. Pure: the same facts give the same bytes. ISO/IEC 23009-1, on-demand profile: one file for each track. */
import { SEGMENT_NAMES, TRACK_HEADER } from '../../protocol/package.ts'
import {
  type Bandwidth,
  bandwidthOf,
  byFamily,
  type PackageFacts,
  type PictureFacts,
  type SoundFacts,
  secondsTo,
  type TextFacts,
} from './facts.ts'

/** An element with its attributes in order; `undefined` leaves one out. */
function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  children: readonly string[] = [],
): string {
  const said = Object.entries(attributes).filter(([, value]) => value !== undefined)
  const head = [name, ...said.map(([key, value]) => `${key}="${escaped(String(value))}"`)].join(' ')
  if (children.length === 0) return `<${head}/>`
  const inner = children.map((child) => child.replaceAll(/^/gm, '  ')).join('\n')
  return `<${head}>\n${inner}\n</${name}>`
}

const leaf = (name: string, text: string): string => `<${name}>${escaped(text)}</${name}>`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** How the manifest of a film that is being encoded differs: it lists what is there, and players ask for it again. */
export interface DashGrowth {
  /** Where players ask for it again, also behind the end: a name beside it. */
  readonly location: string
  /** From when on the film is available, ms since 1970: the same in all of its manifests. */
  readonly from: number
  /** Seconds, whole: no segment of the film is longer. */
  readonly longest: number
  /** Whether all is listed. */
  readonly isWhole: boolean
  /** The bandwidth of a track, from its beginning. */
  rate(track: PictureFacts | SoundFacts): Bandwidth
}

type Facts = PackageFacts & { readonly growth: DashGrowth | null }

/** The manifest. */
export function dashManifest(of: PackageFacts, growth: DashGrowth | null = null): string {
  const facts = { ...of, growth }
  const { pictures, sounds, texts, thumbnails } = facts
  const sets = [
    ...byFamily(pictures).map(([, tracks]) => pictureSet(tracks, facts)),
    ...sounds.map((track) => soundSet(track, facts)),
    ...texts.map((track) => textSet(track, facts)),
    ...(thumbnails ? [thumbnailSet(thumbnails, facts)] : []),
  ]
  const numbered = sets.map(({ attributes, children }, at) =>
    element('AdaptationSet', { id: at, ...attributes }, children),
  )
  const mpd = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      'xmlns:cenc': facts.key === null ? undefined : 'urn:mpeg:cenc:2013',
      profiles: `urn:mpeg:dash:profile:isoff-${facts.isDivided ? 'live' : 'on-demand'}:2011`,
      ...timesOf(facts),
      minBufferTime: 'PT6S',
    },
    [
      ...(growth && !growth.isWhole ? [leaf('Location', growth.location)] : []),
      element('Period', { id: 0, start: 'PT0S', duration: expectedDuration(facts) }, numbered),
      ...(growth && !growth.isWhole ? [clockOf(facts, growth)] : []),
    ],
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${mpd}\n`
}

const duration = (seconds: number): string => `PT${seconds.toFixed(6)}S`

/** How soon a player asks again, s. */
const UPDATE_S = 2
/** Seconds that a player may take to begin: until then it begins with the first picture. */
const BEGIN_S = 10

/** Players of what is live begin behind its end by what the manifest suggests, and not before its beginning: so all of them begin there. */
function timesOf({ growth, seconds, ...tracks }: Facts): AdaptationSet['attributes'] {
  if (!growth || growth.isWhole) return { type: 'static', mediaPresentationDuration: duration(seconds) }
  const listed = listedSeconds(tracks)
  return {
    type: 'dynamic',
    availabilityStartTime: new Date(growth.from).toISOString(),
    publishTime: clockAt(growth, listed),
    minimumUpdatePeriod: duration(UPDATE_S),
    suggestedPresentationDelay: duration(listed + BEGIN_S),
    maxSegmentDuration: duration(growth.longest),
  }
}

/** Shaka Player takes a file of text for as long as the period, and for nothing where that has no end. */
const expectedDuration = ({ growth, seconds }: Facts): string | undefined =>
  growth && !growth.isWhole ? duration(seconds) : undefined

/** The clock of the manifest is at the end of what is listed: all of that is available, whatever the clock of a player says, and every node answers the same. */
const clockOf = (facts: Facts, growth: DashGrowth): string =>
  element('UTCTiming', {
    schemeIdUri: 'urn:mpeg:dash:utc:direct:2014',
    value: clockAt(growth, listedSeconds(facts)),
  })

const clockAt = ({ from }: DashGrowth, seconds: number): string => new Date(from + 1_000 * seconds).toISOString()

const listedSeconds = ({ pictures, sounds }: Pick<PackageFacts, 'pictures' | 'sounds'>): number =>
  Math.max(...[...pictures, ...sounds].map(secondsTo))

interface AdaptationSet {
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly children: readonly string[]
}

/** Where the bytes of a track are: one file with an index, or a file for each segment. */
const addresses = (track: PictureFacts | SoundFacts, facts: Facts): string[] => {
  const { prefix, isDivided } = facts
  return isDivided
    ? [segmentTemplate(track, facts)]
    : [leaf('BaseURL', `${prefix}${track.name}.mp4`), segmentBase(track)]
}

const segmentBase = ({ init, index, timescale }: PictureFacts | SoundFacts): string =>
  element('SegmentBase', { indexRange: `${init}-${init + index - 1}`, timescale }, [
    element('Initialization', { range: `0-${init - 1}` }),
  ])

function segmentTemplate({ name, timescale, segments }: PictureFacts | SoundFacts, { prefix, growth }: Facts): string {
  const runs: { start: number; duration: number; more: number }[] = []
  for (const { start, duration } of segments) {
    const last = runs.at(-1)
    if (last?.duration === duration) last.more++
    else runs.push({ start, duration, more: 0 })
  }
  const timeline = runs.map(({ start, duration, more }) =>
    element('S', { t: start, d: duration, r: more === 0 ? undefined : more }),
  )
  return element(
    'SegmentTemplate',
    {
      timescale,
      initialization: growth ? `${name}-init.mp4` : `${prefix}${name}/${TRACK_HEADER}`,
      media: growth ? `${name}-$Number$.m4s` : `${prefix}${name}/${SEGMENT_NAMES}`,
      startNumber: 1,
    },
    [element('SegmentTimeline', {}, timeline)],
  )
}

/** How the tracks of a set may be changed between: at their segments, which an index or the manifest lists. */
const alignment = ({ isDivided }: PackageFacts): AdaptationSet['attributes'] =>
  isDivided
    ? { segmentAlignment: 'true', startWithSAP: 1 }
    : { segmentAlignment: 'true', subsegmentAlignment: 'true', subsegmentStartsWithSAP: 1, startWithSAP: 1 }

function pictureSet(tracks: readonly PictureFacts[], facts: Facts): AdaptationSet {
  return {
    attributes: {
      contentType: 'video',
      mimeType: 'video/mp4',
      ...alignment(facts),
    },
    children: [
      ...protection(facts),
      ...tracks.map((track) =>
        element(
          'Representation',
          {
            id: track.name,
            codecs: track.codecs,
            bandwidth: (facts.growth?.rate ?? bandwidthOf)(track).peak,
            width: track.width,
            height: track.height,
            sar: '1:1',
            frameRate: track.fps[1] === 1 ? track.fps[0] : track.fps.join('/'),
          },
          [...rangeOf(track), ...addresses(track, facts)],
        ),
      ),
    ],
  }
}

/** Which key encrypts samples, and that players need nothing but this key. ISO/IEC 23001-7; the second is that of the W3C, https://dashif.org/identifiers/content_protection/ */
function protection({ key }: Facts): string[] {
  if (key === null) return []
  const [, ...parts] = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(key.id)!
  const common = { schemeIdUri: 'urn:mpeg:dash:mp4protection:2011', value: 'cbcs', 'cenc:default_KID': parts.join('-') }
  const clear = { schemeIdUri: 'urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e', value: 'ClearKey1.0' }
  return [common, clear].map((attributes) => element('ContentProtection', attributes))
}

/** Numbers of transfer functions, ISO/IEC 23091-2, of pictures with a high dynamic range. */
const TRANSFERS = { PQ: 16, HLG: 18 } as const

const rangeOf = ({ range }: PictureFacts): string[] =>
  range === 'SDR'
    ? []
    : [
        element('SupplementalProperty', {
          schemeIdUri: 'urn:mpeg:mpegB:cicp:TransferCharacteristics',
          value: TRANSFERS[range],
        }),
      ]

const soundSet = (track: SoundFacts, facts: Facts): AdaptationSet => ({
  attributes: {
    contentType: 'audio',
    mimeType: 'audio/mp4',
    lang: track.language,
    ...alignment(facts),
  },
  children: [
    ...protection(facts),
    role(track.isDescription ? 'description' : track.isDefault ? 'main' : 'alternate'),
    leaf('Label', track.label),
    element(
      'Representation',
      {
        id: track.name,
        codecs: track.codecs,
        bandwidth: (facts.growth?.rate ?? bandwidthOf)(track).peak,
        audioSamplingRate: track.sample_rate,
      },
      [
        element('AudioChannelConfiguration', {
          schemeIdUri: 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011',
          value: track.channels,
        }),
        ...addresses(track, facts),
      ],
    ),
  ],
})

const role = (value: string): string => element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value })

const textSet = (track: TextFacts, { prefix }: PackageFacts): AdaptationSet => ({
  attributes: { contentType: 'text', mimeType: 'text/vtt', lang: track.language },
  children: [
    role(track.isForced ? 'forced-subtitle' : track.isForDeaf ? 'caption' : 'subtitle'),
    leaf('Label', track.label),
    element('Representation', { id: track.name, bandwidth: TEXT_BANDWIDTH }, [
      leaf('BaseURL', `${prefix}${track.name}.vtt`),
    ]),
  ],
})

/** Bits per second of text: the attribute must be there, and no player uses it. */
const TEXT_BANDWIDTH = 1_000

function thumbnailSet(
  { name, width, height, columns, rows, interval, sheets }: NonNullable<PackageFacts['thumbnails']>,
  { prefix }: PackageFacts,
): AdaptationSet {
  const duration = columns * rows * interval
  return {
    attributes: { contentType: 'image', mimeType: 'image/jpeg' },
    children: [
      element('SegmentTemplate', {
        media: `${prefix}${name}-$Number%05d$.jpg`,
        duration,
        startNumber: 1,
        timescale: 1,
      }),
      element(
        'Representation',
        {
          id: name,
          bandwidth: Math.ceil((Math.max(...sheets) * 8) / duration),
          width: width * columns,
          height: height * rows,
        },
        [
          element('EssentialProperty', {
            schemeIdUri: 'http://dashif.org/guidelines/thumbnail_tile',
            value: `${columns}x${rows}`,
          }),
        ],
      ),
    ],
  }
}
