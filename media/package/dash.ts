/** The manifest of DASH, as text. Pure: the same facts give the same bytes. ISO/IEC 23009-1, on-demand profile: one file for each track. */
import { SEGMENT_NAMES, TRACK_HEADER } from '../../protocol/package.ts'
import {
  bandwidthOf,
  byFamily,
  type PackageFacts,
  type PictureFacts,
  type SoundFacts,
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

/** The manifest. */
export function dashManifest(facts: PackageFacts): string {
  const { pictures, sounds, texts, thumbnails, seconds } = facts
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
      profiles: `urn:mpeg:dash:profile:isoff-${facts.isDivided ? 'live' : 'on-demand'}:2011`,
      type: 'static',
      mediaPresentationDuration: `PT${seconds.toFixed(6)}S`,
      minBufferTime: 'PT6S',
    },
    [element('Period', { id: 0, start: 'PT0S' }, numbered)],
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${mpd}\n`
}

interface AdaptationSet {
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly children: readonly string[]
}

/** Where the bytes of a track are: one file with an index, or a file for each segment. */
const addresses = (track: PictureFacts | SoundFacts, { prefix, isDivided }: PackageFacts): string[] =>
  isDivided ? [segmentTemplate(track, prefix)] : [leaf('BaseURL', `${prefix}${track.name}.mp4`), segmentBase(track)]

const segmentBase = ({ init, index, timescale }: PictureFacts | SoundFacts): string =>
  element('SegmentBase', { indexRange: `${init}-${init + index - 1}`, timescale }, [
    element('Initialization', { range: `0-${init - 1}` }),
  ])

function segmentTemplate({ name, timescale, segments }: PictureFacts | SoundFacts, prefix: string): string {
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
      initialization: `${prefix}${name}/${TRACK_HEADER}`,
      media: `${prefix}${name}/${SEGMENT_NAMES}`,
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

function pictureSet(tracks: readonly PictureFacts[], facts: PackageFacts): AdaptationSet {
  return {
    attributes: {
      contentType: 'video',
      mimeType: 'video/mp4',
      ...alignment(facts),
    },
    children: tracks.map((track) =>
      element(
        'Representation',
        {
          id: track.name,
          codecs: track.codecs,
          bandwidth: bandwidthOf(track).peak,
          width: track.width,
          height: track.height,
          sar: '1:1',
          frameRate: track.fps[1] === 1 ? track.fps[0] : track.fps.join('/'),
        },
        [...rangeOf(track), ...addresses(track, facts)],
      ),
    ),
  }
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

const soundSet = (track: SoundFacts, facts: PackageFacts): AdaptationSet => ({
  attributes: {
    contentType: 'audio',
    mimeType: 'audio/mp4',
    lang: track.language,
    ...alignment(facts),
  },
  children: [
    role(track.isDescription ? 'description' : track.isDefault ? 'main' : 'alternate'),
    leaf('Label', track.label),
    element(
      'Representation',
      {
        id: track.name,
        codecs: track.codecs,
        bandwidth: bandwidthOf(track).peak,
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
