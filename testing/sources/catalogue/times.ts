/** Clocks: rates, gaps, wraps, edit lists, and films shorter than a chunk. */
import { type Source, source } from '../source.ts'
import { CLOSED_GOP, FILM_EXPECTED, film, h264, USUAL } from './film.ts'

/** Holds the picture for 3.1 s and 2.4 s; between them frames come 30 times a second, every third one 9 ms late. */
const GAPS = 'settb=1/90000,setpts=(N/30+0.009*eq(mod(N\\,3)\\,1)+3.1*gte(N\\,120)+2.4*gte(N\\,250))/TB'
const VFR = ['-vf', GAPS, '-enc_time_base', '1:90000']
/** 33 bits of 90 kHz end at 95,443.72 s: eight seconds into the film. */
const NEAR_WRAP_S = 95_435

export const timeSources: readonly Source[] = [
  source(
    {
      name: 'ts-wrap',
      file: 'ts-wrap.ts',
      what: 'a transport stream whose 33-bit clock wraps in the middle',
      quick: true,
      cannotOn: ['6.0'],
      steps: film({ out: 'ts-wrap.ts', video: USUAL, output: ['-output_ts_offset', String(NEAR_WRAP_S)] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'vfr',
      file: 'vfr.mp4',
      what: 'a variable frame rate with pauses of three seconds, in MP4',
      steps: film({ out: 'vfr.mp4', fps: '30', sounds: [{ track: 0, seconds: 17 }], video: [...VFR, ...USUAL] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'vfr-mkv',
      file: 'vfr.mkv',
      what: 'the same in Matroska: the last frame has no duration',
      quick: true,
      steps: film({ out: 'vfr.mkv', fps: '30', sounds: [{ track: 0, seconds: 17 }], video: [...VFR, ...USUAL] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'f23976-mkv',
      file: 'f23976.mkv',
      what: '23.976 frames a second in Matroska: times rounded to milliseconds',
      steps: film({ out: 'f23976.mkv', fps: '24000/1001', video: USUAL }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'f2997',
      file: 'f2997.mp4',
      what: '29.97 frames a second',
      steps: film({ out: 'f2997.mp4', numbers: [0, 420], fps: '30000/1001', video: USUAL }),
    },
    { ...FILM_EXPECTED, numbers: [0, 420] },
  ),
  source(
    {
      name: 'f11988',
      file: 'f11988.mp4',
      what: '119.88 frames a second',
      steps: film({ out: 'f11988.mp4', numbers: [0, 1500], fps: '120000/1001', video: h264('keyint=240:bframes=3') }),
    },
    { ...FILM_EXPECTED, numbers: [0, 1500] },
  ),
  source(
    {
      name: 'edit-list',
      file: 'edit-list.mp4',
      what: 'an edit list that starts in the middle of a GOP: the frames before are in the file and must not be shown',
      quick: true,
      steps: [
        ...film({ out: 'whole.mp4', numbers: [0, 400], video: h264(CLOSED_GOP) }),
        { do: 'ffmpeg', args: ['-ss', '1.28', '-i', 'whole.mp4', '-map', '0', '-c', 'copy', 'edit-list.mp4'] },
      ],
    },
    { ...FILM_EXPECTED, numbers: [32, 400] },
  ),
  source(
    {
      name: 'negative-cts',
      file: 'negative-cts.mp4',
      what: 'composition offsets below zero in place of an edit list',
      steps: film({ out: 'negative-cts.mp4', video: USUAL, output: ['-movflags', '+negative_cts_offsets'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'short',
      file: 'short.mp4',
      what: 'one second: shorter than a chunk',
      steps: film({ out: 'short.mp4', numbers: [0, 25], video: USUAL }),
    },
    { ...FILM_EXPECTED, numbers: [0, 25] },
  ),
  source(
    {
      name: 'one-frame',
      file: 'one-frame.mp4',
      what: 'a film of one frame',
      steps: film({ out: 'one-frame.mp4', numbers: [7, 8], sounds: [], video: USUAL }),
    },
    { numbers: [7, 8] },
  ),
]
