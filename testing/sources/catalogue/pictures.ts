/** Shapes and samples: turned, anamorphic, odd-sized, interlaced, 4:4:4, ten bits, HDR. */
import { type Source, type Step, source } from '../source.ts'
import type { Turn } from '../tamper.ts'
import { FILM_EXPECTED, film, h264, USUAL } from './film.ts'

const scaled = (size: string): string[] => ['-vf', `scale=${size}:flags=neighbor`]

/** Filters that lay an upright picture on its side, so that the matrix puts it right. */
const LAID: Readonly<Record<Turn, string>> = {
  '90': 'transpose=cclock',
  '180': 'hflip,vflip',
  '270': 'transpose=clock',
  mirror: 'hflip',
  'mirror-90': 'transpose=cclock_flip',
}

/** Upright 180 × 320 (or 320 × 180), coded as a phone holds it, with a matrix that puts it right. */
function turned(matrix: Turn): Step[] {
  const file = `turned-${matrix}.mp4`
  const upright = LAID[matrix].startsWith('transpose') ? '180:320' : '320:180'
  const video = ['-vf', `scale=${upright}:flags=neighbor,setsar=1,${LAID[matrix]}`, ...USUAL]
  return [...film({ out: file, video }), { do: 'turn', file, matrix }]
}

const portrait = { width: 180, height: 320 }
const FIELDS = 'tinterlace=interleave_top,setfield=tff'
const BT709 = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv']
const HDR10 = [
  ...[
    '-vf',
    'scale=320:180,format=yuv420p10le',
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-crf',
    '20',
    '-tag:v',
    'hvc1',
  ],
  ...[
    '-color_primaries',
    'bt2020',
    '-color_trc',
    'smpte2084',
    '-colorspace',
    'bt2020nc',
    '-color_range',
    'tv',
    '-x265-params',
  ],
  'keyint=50:log-level=error:hdr-opt=1:repeat-headers=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:' +
    'max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)',
]

export const pictureSources: readonly Source[] = [
  source(
    {
      name: 'turned-90',
      file: 'turned-90.mp4',
      what: 'a phone held upright: coded on its side, turned by the display matrix',
      quick: true,
      steps: turned('90'),
    },
    { ...FILM_EXPECTED, display: portrait },
  ),
  source({ name: 'turned-180', file: 'turned-180.mp4', what: 'upside down', steps: turned('180') }, FILM_EXPECTED),
  source(
    { name: 'turned-270', file: 'turned-270.mp4', what: 'the other side up', steps: turned('270') },
    { ...FILM_EXPECTED, display: portrait },
  ),
  source(
    {
      name: 'turned-mirror',
      file: 'turned-mirror.mp4',
      what: 'a front camera: mirrored by the display matrix',
      steps: turned('mirror'),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'turned-mirror-90',
      file: 'turned-mirror-90.mp4',
      what: 'mirrored and on its side',
      steps: turned('mirror-90'),
    },
    { ...FILM_EXPECTED, display: portrait },
  ),
  source(
    {
      name: 'turned-anamorphic',
      file: 'turned-anamorphic.mp4',
      what: 'on its side and with wide pixels: which turn into tall ones',
      steps: [
        ...film({
          out: 'turned-anamorphic.mp4',
          video: ['-vf', `scale=180:320:flags=neighbor,${LAID['90']},scale=300:180,setsar=16/15`, ...USUAL],
        }),
        { do: 'turn', file: 'turned-anamorphic.mp4', matrix: '90' },
      ],
    },
    { ...FILM_EXPECTED, display: portrait },
  ),
  source(
    {
      name: 'anamorphic',
      file: 'anamorphic.mp4',
      what: 'pixels 4:3 wide: 960 × 720 samples shown as 1280 × 720, in two renditions',
      quick: true,
      steps: film({ out: 'anamorphic.mp4', video: ['-vf', 'scale=960:720:flags=neighbor,setsar=4/3', ...USUAL] }),
    },
    { ...FILM_EXPECTED, display: { width: 1280, height: 720 } },
  ),
  source(
    {
      name: 'odd-420',
      file: 'odd-420.webm',
      what: '321 × 241 in 4:2:0: half a chroma sample at each edge',
      steps: film({
        out: 'odd-420.webm',
        video: [...scaled('321:241'), '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '600k'],
        audio: ['-c:a', 'libopus', '-b:a', '128k'],
      }),
    },
    { ...FILM_EXPECTED, display: { width: 321, height: 241 } },
  ),
  source(
    {
      name: 'odd-444',
      file: 'odd-444.mp4',
      what: '321 × 241 in 4:4:4',
      steps: film({ out: 'odd-444.mp4', video: ['-vf', 'scale=321:241:flags=neighbor,format=yuv444p', ...USUAL] }),
    },
    { ...FILM_EXPECTED, display: { width: 321, height: 241 } },
  ),
  source(
    {
      name: 'scope',
      file: 'scope.mp4',
      what: '1920 × 800: wider than every box',
      steps: film({
        out: 'scope.mp4',
        video: [...scaled('1920:800'), '-c:v', 'libx264', '-preset', 'ultrafast', ...BT709],
      }),
    },
    { ...FILM_EXPECTED, display: { width: 1920, height: 800 } },
  ),
  source(
    {
      name: 'portrait',
      file: 'portrait.mp4',
      what: '1080 × 1920, coded upright: boxes are turned',
      steps: film({ out: 'portrait.mp4', video: [...scaled('1080:1920'), '-c:v', 'libx264', '-preset', 'ultrafast'] }),
    },
    { ...FILM_EXPECTED, display: { width: 1080, height: 1920 } },
  ),
  source(
    {
      name: 'yuv444',
      file: 'yuv444.mp4',
      what: '4:4:4: what most players cannot show',
      steps: film({ out: 'yuv444.mp4', video: ['-pix_fmt', 'yuv444p', ...USUAL] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'ten-bit',
      file: 'ten-bit.mkv',
      what: 'ten bits of H.264 without HDR',
      steps: film({ out: 'ten-bit.mkv', video: ['-pix_fmt', 'yuv420p10le', ...USUAL, ...BT709] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'hdr10',
      file: 'hdr10.mp4',
      what: 'HDR10: BT.2020 and PQ; unmapped it looks grey, mapped wrong it looks dark',
      cannotOn: ['8.1'],
      steps: film({ out: 'hdr10.mp4', video: HDR10 }),
    },
    { ...FILM_EXPECTED, hdr: true },
  ),
  source(
    {
      name: 'full-range',
      file: 'full-range.mp4',
      what: 'full-range samples, as phones and screen recorders make them',
      steps: film({ out: 'full-range.mp4', video: ['-vf', 'scale=out_range=pc,format=yuvj420p', ...USUAL] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-interlaced',
      file: 'h264-interlaced.mp4',
      what: 'interlaced H.264, top field first',
      quick: true,
      steps: film({
        out: 'h264-interlaced.mp4',
        fps: '50',
        fields: true,
        sounds: [{ track: 0, seconds: 14 }],
        video: ['-vf', FIELDS, '-flags', '+ilme+ildct', ...h264('keyint=50:bframes=2:tff=1')],
      }),
    },
    { ...FILM_EXPECTED, interlaced: true },
  ),
  source(
    {
      name: 'mpeg2-interlaced',
      file: 'mpeg2-interlaced.ts',
      what: 'interlaced MPEG-2 in a transport stream: what television sends',
      cannotOn: ['6.0'],
      steps: film({
        out: 'mpeg2-interlaced.ts',
        fps: '50',
        fields: true,
        sounds: [{ track: 0, seconds: 14 }],
        video: ['-vf', FIELDS, '-flags', '+ilme+ildct', '-c:v', 'mpeg2video', '-q:v', '3', '-g', '15', '-bf', '2'],
        audio: ['-c:a', 'ac3', '-b:a', '192k'],
      }),
    },
    { ...FILM_EXPECTED, interlaced: true },
  ),
]
