/** docs/ladders.md: its tables are made from the schemas and the built-in ladders. `scripts/docs.ts` writes it, and a structure test compares. */
import { stringify } from 'yaml'
import { z } from 'zod'
import { codecs } from '../../media/codecs/codecs.ts'
import { ladderSchema } from '../../protocol/ladder.ts'
import { builtInLadders } from '../../protocol/ladders.ts'
import { audioText, codecText, rateText } from '../../protocol/settings-text.ts'
import { fields, rows, type Schema } from './status-page.ts'

/** Repository path of the page. */
export const LADDERS_PAGE = 'docs/ladders.md'

const EXAMPLE = {
  description: 'Two codecs at one height.',
  keyframe_s: 2,
  renditions: [
    { id: '720p', box: '1280x720', codec: 'h264', crf: 23, maxrate_kbps: 4500, bufsize_kb: 4500, preset: 'medium' },
    { id: '720p-hevc', box: '1280x720', codec: 'hevc', crf: 25, preset: 'medium' },
  ],
  audio: [{ codec: 'aac', channels: 2, kbps: 128 }],
} as const

const INTRODUCTION = `# Ladders

<!-- Made by \`sh scripts/node.sh scripts/docs.ts\` from testing/docs/ladders-page.ts, protocol/ladder.ts and protocol/ladders.ts: do not edit. -->

A ladder says what a video is made into: its renditions, their keyframes and their sound. It is named, or it is a file:

\`\`\`sh
reelmesh ladders                            # those that there are, with what they cost
reelmesh run film.mp4 --ladder web
reelmesh ladders web --yaml > mine.yaml     # one of them as a file to start from
reelmesh ladder check mine.yaml             # whether it is right, who can encode it, and what it costs
reelmesh submit film.mp4 --ladder mine.yaml
\`\`\`

\`--ladder\` stands instead of \`--renditions\`, \`--preset\`, \`--crf\` and \`--codec\`. A text with a \`/\` or the ending \`.yaml\`, \`.yml\` or \`.json\` is
a file, any other a name. \`ladders\` in \`reelmesh.yaml\` names more, each as a ladder or as a file; \`submit\` and the API know those of the node
that takes the video, \`run\` those of its own configuration. \`input_ladder\` is the ladder of a watched folder.

\`\`\`yaml
ladders:
  mine: /etc/reelmesh/mine.yaml
  preview:
    renditions:
      - {id: 360p, box: 640x360, codec: h264, crf: 28, preset: veryfast}
\`\`\`

- **Keyframes** are those of the whole ladder, forced at the same times in every rendition (\`keyframe_s\`, seconds from the first picture): a player
  can go from one to another only where both have one.
- **Trimming**: a rendition is left out where the source already fits the next smaller box; those of the smallest box are always made.
  \`--upscale\` makes all.
- **The id of a video** follows from what its ladder says, not from its name or its file: the same renditions are the same video.
- **Who can encode it**: a ladder with a rendition that no worker can encode (its trial runs lack the encoder, or its owner does not let it), or that no
  coordinator can plan with a build of the workers, is refused at submit, with who lacks what. A peer that is known and silent at the moment
  counts: the video is taken, waits for it, and \`status\` says so. Within 10 s of its own start a node waits for others before it refuses. Nothing is
  refused where no worker is known yet, and where the mesh starts workers by itself. A watched folder leaves the file where it is and tries again.
- **What is wrong** with a ladder is one sentence with file, line and what is allowed, exit code 2, and nothing is queued. A file has at most
  64 KiB.

## The file

YAML, or JSON with the same names. One kb is 1,000 bits.

`

const leasts = (): string =>
  codecs()
    .map(({ name, leastKbps }) => `${leastKbps} kb/s for ${name}`)
    .join(', ')

const BOUNDS = `
What a codec has is checked too: its presets, crf, bits and profiles. A bit rate or cap is refused where it is below what the encoder can
get to at that size, so that a slip (6 for 6000) is found: for each megapixel of the box ${leasts()}. That is what the largest
crf takes of a calm street at 12.5 fps in 1080p, the least of all that was measured (\`leastKbps\` in \`media/codecs/\`). A cap is not below the average.

## The built-in ladders
`

const SOURCES = `
The figures of \`web\` follow Apple's [HLS authoring specification](https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices)
and its table of average rates for H.264 at 16:9 (kb/s: 416×234 145, 640×360 365, 768×432 730 and 1,100, 960×540 2,000, 1280×720 3,000 and
4,500, 1920×1080 6,000 and 7,800): High profile rather than Main, a keyframe every 2 s, stereo AAC of 32 to 160 kb/s, and a peak of at most twice the
average. Quality is constant, and the rate is capped: at twice the table's average where pictures are small (240p, 360p), at the table's higher average
for 720p and 1080p, and between those of 432p and 540p for 480p. So easy films are smaller, and none has an average above what Apple asks for.

Buffers are one second of the cap. Each chunk of 6 to 8 s is encoded with a full buffer, so that a chunk may exceed its cap by the buffer once: by
about 15 % over its length, where two seconds would allow 30 %.

\`uhd\` has HEVC Main 10 above 1080p, which televisions decode; its caps are figures of the same table for HDR (2560×1440 9,700, the higher one for 3840×2160 20,000), which we
read in copies of it and not on Apple's page. A source of 1080p or less gets the H.264 renditions alone. These need a peer whose x265 writes 10 bits.

\`av1\` is for pages that offer both: AV1 at 360p, 720p and 1080p, capped at about 60 % of what \`web\` has at that size, and H.264 at 360p and 720p for
players without AV1. 10 bits are part of AV1's Main profile, so that every decoder has them. SVT-AV1 makes it, or libaom where no worker has that: then files of
the same quality are about a quarter larger.

\`mobile\` trades quality for size (a crf of 26 to 28, Main profile), for viewers who pay for data.
`

/** The whole page. */
export function laddersPage(): string {
  const schema = z.toJSONSchema(ladderSchema, { io: 'input', target: 'draft-2020-12' }) as Schema & {
    $defs: Readonly<Record<string, Schema>>
  }
  return [
    INTRODUCTION,
    `\`\`\`yaml\n${stringify(EXAMPLE)}\`\`\`\n\n`,
    rows('key | type | meaning', fields(inlined(schema, schema.$defs), {})),
    BOUNDS,
    ...Object.entries(builtInLadders()).map(([name, { description, keyframe_s, renditions, audio }]) =>
      [
        `\n### ${name}\n\n${description} Keyframes every ${keyframe_s} s; sound: ${audioText(audio)}.\n\n`,
        rows(
          'id | box | codec | rate | preset',
          renditions.map((each) => [
            each.id,
            `${each.box.width}×${each.box.height}`,
            codecText(each),
            rateText(each.rate),
            each.preset,
          ]),
        ),
      ].join(''),
    ),
    SOURCES,
  ].join('')
}

/** A schema with what it refers to in its place. */
function inlined(schema: Schema, known: Readonly<Record<string, Schema>>): Schema {
  const { $ref, properties, items, ...rest } = schema
  if ($ref !== undefined) return inlined(known[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}, known)
  return {
    ...rest,
    ...(items && { items: inlined(items, known) }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inlined(one, known)])),
    }),
  }
}
