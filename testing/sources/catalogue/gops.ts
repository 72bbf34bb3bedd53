/** How frames lean on each other: where a cut by stream copy loses or moves frames. */
import { type Source, source } from '../source.ts'
import { CLOSED_GOP, FILM_EXPECTED, film, h264 } from './film.ts'

const OPEN_GOP = 'keyint=50:min-keyint=50:scenecut=0:bframes=3:b-adapt=0:open-gop=1'
const RASL = [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '23', '-tag:v', 'hvc1', '-x265-params'],
  'keyint=50:min-keyint=50:scenecut=0:bframes=4:b-adapt=0:open-gop=1:log-level=error',
]

export const gopSources: readonly Source[] = [
  source(
    {
      name: 'h264-closed',
      file: 'h264-closed.mp4',
      what: 'H.264 with closed GOPs in MP4: what most files are',
      steps: film({ out: 'h264-closed.mp4', video: h264(CLOSED_GOP) }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-open',
      file: 'h264-open.mp4',
      what: 'H.264 with open GOPs: frames before a keyframe need the GOP before it',
      quick: true,
      steps: film({ out: 'h264-open.mp4', video: h264(OPEN_GOP) }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-open-ts',
      file: 'h264-open.ts',
      what: 'the same in MPEG-TS: keyframes are recovery points, times start at 1.48 s',
      quick: true,
      cannotOn: ['6.0'],
      steps: film({ out: 'h264-open.ts', video: h264(OPEN_GOP), audio: ['-c:a', 'mp2', '-b:a', '192k'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'hevc-rasl',
      file: 'hevc-rasl.mp4',
      what: 'HEVC with CRA keyframes: their RASL pictures vanish when decoding starts there',
      steps: film({ out: 'hevc-rasl.mp4', video: RASL }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'hevc-rasl-mkv',
      file: 'hevc-rasl.mkv',
      what: 'the same in Matroska: no dts, times in milliseconds',
      quick: true,
      steps: film({ out: 'hevc-rasl.mkv', video: RASL }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-one-keyframe',
      file: 'h264-one-keyframe.mp4',
      what: 'one keyframe in 60 s: every cut decodes from the start',
      steps: film({
        out: 'h264-one-keyframe.mp4',
        numbers: [0, 600],
        fps: '10',
        video: h264('keyint=infinite:scenecut=0:bframes=2'),
      }),
    },
    { ...FILM_EXPECTED, numbers: [0, 600] },
  ),
  source(
    {
      name: 'h264-intra',
      file: 'h264-intra.mp4',
      what: 'every frame a keyframe',
      steps: film({ out: 'h264-intra.mp4', video: h264('keyint=1') }),
    },
    FILM_EXPECTED,
  ),
]
