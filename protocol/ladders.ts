/**
 * The built-in ladders, as people would write them. docs/ladders.md says where the figures come from.
 *
 * A buffer is one second of its cap: chunks are encoded one by one, each with a full buffer, so that a larger one would let the first seconds
 * of each chunk exceed the cap by more.
 */
import { type Ladder, type LadderText, ladderSchema } from './ladder.ts'
import { DEFAULT_ENCODING, DEFAULT_HEIGHTS } from './recipe.ts'
import { boxOfHeight } from './rendition.ts'

type RenditionText = LadderText['renditions'][number]

/** Constant quality that never takes more than this: kb/s. */
const capped = (crf: number, maxrate_kbps: number) => ({ crf, maxrate_kbps, bufsize_kb: maxrate_kbps })

/** A 16:9 rendition of this height, in pixels. */
function lines(height: number, rest: Omit<RenditionText, 'id' | 'box'>, suffix = ''): RenditionText {
  const { width } = boxOfHeight(height)
  return { id: `${height}p${suffix}`, box: `${width}x${height}`, ...rest }
}

const h264 = { codec: 'h264', preset: DEFAULT_ENCODING.preset } as const
const high = { ...h264, profile: 'high' } as const
const main = { ...h264, profile: 'main' } as const
const stereo = [{ codec: 'aac', channels: 2, kbps: 128 }] as const

const av1 = { codec: 'av1', preset: 8, bit_depth: 10 } as const
const hevc10 = { codec: 'hevc', preset: 'medium', bit_depth: 10 } as const

/** The built-in ladders by name, as they are written. */
export const LADDER_TEXTS = {
  default: {
    description: 'Three files for any player, H.264 of constant quality: 480p, 720p and 1080p.',
    keyframe_s: 3,
    renditions: DEFAULT_HEIGHTS.map((height) => lines(height, { ...h264, ...DEFAULT_ENCODING.rate })),
  },
  web: {
    description: 'Streaming to browsers and phones: H.264 from 240p to 1080p, with rates capped as HLS asks for.',
    keyframe_s: 2,
    renditions: [
      lines(240, { ...high, ...capped(25, 290) }),
      lines(360, { ...high, ...capped(24, 730) }),
      lines(480, { ...high, ...capped(23, 1_500) }),
      lines(720, { ...high, ...capped(23, 4_500) }),
      lines(1080, { ...high, ...capped(23, 7_800) }),
    ],
    audio: stereo,
  },
  uhd: {
    description: 'Up to 2160p for television: HEVC in 10 bits above 1080p, H.264 up to it.',
    keyframe_s: 2,
    renditions: [
      lines(480, { ...high, ...capped(23, 1_500) }),
      lines(720, { ...high, ...capped(22, 4_500) }),
      lines(1080, { ...high, ...capped(22, 7_800) }),
      lines(1440, { ...hevc10, ...capped(21, 9_700) }),
      lines(2160, { ...hevc10, ...capped(21, 20_000) }),
    ],
  },
  av1: {
    description: 'AV1 in 10 bits for players that have it, at about 60 % of the rate, and H.264 for all others.',
    keyframe_s: 2,
    renditions: [
      lines(360, { ...high, ...capped(24, 730) }),
      lines(720, { ...high, ...capped(23, 4_500) }),
      lines(360, { ...av1, ...capped(35, 450) }, '-av1'),
      lines(720, { ...av1, ...capped(34, 2_700) }, '-av1'),
      lines(1080, { ...av1, ...capped(34, 4_700) }, '-av1'),
    ],
    audio: stereo,
  },
  mobile: {
    description: 'Small files for phones: H.264 (Main) from 240p to 720p, at tightly capped rates.',
    keyframe_s: 2,
    renditions: [
      lines(240, { ...main, ...capped(28, 200) }),
      lines(360, { ...main, ...capped(27, 450) }),
      lines(480, { ...main, ...capped(26, 900) }),
      lines(720, { ...main, ...capped(26, 2_000) }),
    ],
    audio: [{ codec: 'aac', channels: 2, kbps: 96 }],
  },
} as const satisfies Readonly<Record<string, LadderText>>

let builtIn: Readonly<Record<string, Ladder>> | undefined

/** The built-in ladders by name. They are checked when they are first asked for: few runs of the program name any. */
export const builtInLadders = (): Readonly<Record<string, Ladder>> =>
  (builtIn ??= Object.fromEntries(Object.entries(LADDER_TEXTS).map(([name, text]) => [name, ladderSchema.parse(text)])))
