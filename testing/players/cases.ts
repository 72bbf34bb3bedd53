/** Films as sites have them, and what is asked of each: the rows of the table of players and cases in docs/streaming.md. */

/** A film and how it is packaged. */
export interface StreamCase {
  readonly name: string
  /** Arguments of ffmpeg that make the source, without its path. */
  readonly film: readonly string[]
  /** The text of a file of subtitles, the last input of the film. */
  readonly words?: string
  /** More arguments of `run`. */
  readonly args?: readonly string[]
  /** Renditions of a ladder file, instead of 90p in H.264. */
  readonly ladder?: readonly string[]
  /** Number of tracks of sound. */
  readonly sounds: number
  /** Whether Chromium decodes it. */
  readonly plays: boolean
  /** Whether the server answers no ranges. */
  readonly isPlainServer?: boolean
  /** How it is encrypted. By `aes-128` only its HLS is made; samples (`cbcs`) hls.js decrypts none of. */
  readonly encryption?: 'aes-128' | 'cbcs'
}

const picture = (seconds: number, rate = '25', size = '160x90') => [
  '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`,
] // biome-ignore format: groups
const tone = (seconds: number, layout = '') => ['-f', 'lavfi', '-i', `sine=440:d=${seconds}:r=48000${layout}`]
const SURROUND = ',pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0'
const BOTH = ['-map', '0', '-map', '1']
const FAST = ['-preset', 'ultrafast', '-bf', '3', '-g', '60', '-c:a', 'aac']
const plain = [...picture(12), ...tone(12), ...BOTH, ...FAST]
const rendition = (codec: string, more: string) => `{id: 90p-${codec}, box: 160x90, codec: ${codec}, crf: 40, ${more}}`
const AV1 = rendition('av1', 'preset: 12')

/** The cue of a film whose first word comes after five minutes. */
export const LATE_CUE = { startTime: 305.25, endTime: 307.5, text: 'A late word' }

/** All of them. */
export const STREAM_CASES: readonly StreamCase[] = [
  {
    name: '29.97 pictures per second',
    film: [...picture(12, '30000/1001'), ...tone(12), ...BOTH, ...FAST],
    sounds: 1,
    plays: true,
  },
  {
    name: 'a variable rate',
    film: [
      ...picture(12, '50'), ...tone(12), ...BOTH, '-vf', "select='not(mod(n\\,3))+gt(mod(n\\,50)\\,30)'", '-fps_mode', 'vfr', ...FAST,
    ], // biome-ignore format: groups
    sounds: 1,
    plays: true,
  },
  {
    name: 'one picture behind the last keyframe',
    film: [...picture(24.04), ...tone(24.04), ...BOTH, ...FAST],
    sounds: 1,
    plays: true,
  },
  { name: 'no sound', film: [...picture(12), ...FAST], sounds: 0, plays: true },
  {
    name: 'two languages in 5.1',
    film: [
      ...picture(12), ...tone(12, SURROUND), ...tone(12, SURROUND), ...BOTH, '-map', '2', ...FAST,
      '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra',
    ], // biome-ignore format: groups
    sounds: 2,
    plays: true,
  },
  {
    name: 'no subtitles before minute 5',
    film: [...picture(310, '2'), ...tone(310), ...BOTH, '-map', '2', ...FAST, '-c:s', 'srt'],
    words: `1\n00:05:05,250 --> 00:05:07,500\n${LATE_CUE.text}\n`,
    ladder: ['{id: 90p, box: 160x90, codec: h264, crf: 30, preset: ultrafast}'],
    sounds: 1,
    plays: true,
  },
  { name: 'one picture', film: [...picture(0.04), ...FAST], sounds: 0, plays: true },
  {
    name: 'portrait',
    film: [...picture(12, '25', '90x160'), ...tone(12), ...BOTH, ...FAST],
    sounds: 1,
    plays: true,
  },
  {
    name: 'HEVC in 10 bits',
    film: plain,
    ladder: [rendition('hevc', 'preset: ultrafast, bit_depth: 10')],
    sounds: 1,
    plays: false,
  },
  { name: 'AV1', film: plain, ladder: [AV1], sounds: 1, plays: true },
  { name: 'VP9', film: plain, ladder: [rendition('vp9', 'preset: 5')], sounds: 1, plays: true },
  {
    name: 'H.264 and AV1 in one ladder',
    film: plain,
    ladder: ['{id: 72p, box: 128x72, codec: h264, crf: 30, preset: ultrafast}', AV1],
    sounds: 1,
    plays: true,
  },
  {
    name: 'segments as files, from a server without ranges',
    film: [...picture(24.04), ...tone(24.04), ...BOTH, ...FAST],
    args: ['--segments'],
    sounds: 1,
    plays: true,
    isPlainServer: true,
  },
  {
    name: 'encrypted segments',
    film: [...picture(24.04), ...tone(24.04), ...BOTH, ...FAST],
    encryption: 'aes-128',
    sounds: 1,
    plays: true,
  },
  {
    name: 'encrypted samples',
    film: [...picture(24.04), ...tone(24.04), ...BOTH, ...FAST],
    encryption: 'cbcs',
    sounds: 1,
    plays: true,
  },
]
