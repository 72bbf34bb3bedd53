/** What people's files also are: holes, joins, several films in one, other samples, awkward names. */
import { refusedSource, type Source, type Step, source } from '../source.ts'
import { FILM_EXPECTED, film, USUAL } from './film.ts'

const LINES = '1\n00:00:01,000 --> 00:00:04,000\nEins\n\n2\n00:00:05,500 --> 00:00:07,000\nZwei\nin zwei Zeilen\n'
const ODD_NAME = `-12:30 it's 100% "ok" #1 [ä] %03d.mp4`

/** Two transport streams end to end; `later` are the muxer's options of the second. */
const joinedTs = (out: string, later: readonly string[], video: readonly string[] = []): Step[] => [
  ...film({ out: 'first.ts', numbers: [0, 200], video: USUAL }),
  ...film({ out: 'second.ts', numbers: [200, 400], video: [...video, ...USUAL], output: later }),
  { do: 'join', file: out, files: ['first.ts', 'second.ts'] },
]

export const odditySources: readonly Source[] = [
  source(
    {
      name: 'audio-gap',
      file: 'audio-gap.mkv',
      what: 'three seconds in the middle without sound packets: what follows must not slide into the hole',
      steps: film({
        out: 'audio-gap.mkv',
        video: USUAL,
        audio: ['-af', 'aselect=not(between(t\\,4\\,7))', '-c:a', 'flac'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'odd-name',
      file: ODD_NAME,
      what: 'a name with quotes, spaces, colon, per cent and a dash in front',
      steps: film({ out: `./${ODD_NAME}`, video: USUAL }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'early-audio-mp4',
      file: 'early-audio.mp4',
      what: 'a picture that starts 1.7 s after the sound, by an empty edit',
      steps: [
        ...film({ out: 'plain.mp4', sounds: [{ track: 0, seconds: 16 }], video: USUAL }),
        {
          do: 'ffmpeg',
          args: [
            ...['-itsoffset', '1.7', '-i', 'plain.mp4', '-i', 'plain.mp4'],
            ...['-map', '0:v', '-map', '1:a', '-c', 'copy', 'early-audio.mp4'],
          ],
        },
      ],
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'subtitles-mp4',
      file: 'subtitles.mp4',
      what: 'two text subtitle tracks in MP4, one with line breaks',
      steps: [
        { do: 'text', file: 'subtitles.srt', text: LINES },
        ...film({
          out: 'subtitles.mp4',
          video: USUAL,
          inputs: ['-i', 'subtitles.srt', '-itsoffset', '0.5', '-i', 'subtitles.srt'],
          output: [
            ...['-map', '2:s', '-map', '3:s', '-c:s', 'mov_text'],
            ...['-metadata:s:s:0', 'language=deu', '-metadata:s:s:1', 'language=swe'],
          ],
        }),
      ],
    },
    { ...FILM_EXPECTED, subtitles: ['deu', 'swe'] },
  ),
  source(
    {
      name: 'two-videos',
      file: 'two-videos.mkv',
      what: 'a second, smaller video track: the first one is the film',
      steps: film({
        out: 'two-videos.mkv',
        video: USUAL,
        output: ['-map', '0:v', '-filter:v:1', 'scale=160:90,negate'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'tiny',
      file: 'tiny.mp4',
      what: '64 × 36: smaller than anything an encoder is tuned for',
      steps: film({ out: 'tiny.mp4', video: ['-vf', 'scale=64:36:flags=area', ...USUAL] }),
    },
    { ...FILM_EXPECTED, display: { width: 64, height: 36 } },
  ),
  source(
    {
      name: 'rgb',
      file: 'rgb.mp4',
      what: 'RGB samples, as screen recorders make them',
      steps: film({ out: 'rgb.mp4', video: ['-c:v', 'libx264rgb', '-preset', 'ultrafast', '-crf', '18', '-g', '50'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'grey',
      file: 'grey.mp4',
      what: 'H.264 without colour planes',
      steps: film({ out: 'grey.mp4', video: ['-vf', 'scale=out_range=tv,format=gray', ...USUAL] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'prores',
      file: 'prores.mov',
      what: 'ProRes, ten bits of 4:2:2, and 24-bit PCM in QuickTime',
      steps: film({ out: 'prores.mov', video: ['-c:v', 'prores_ks', '-profile:v', '1'], audio: ['-c:a', 'pcm_s24le'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'size-change',
      file: 'size-change.ts',
      what: 'a transport stream whose picture gets smaller in the middle, as television does between programmes',
      cannotOn: ['6.0'],
      steps: joinedTs('size-change.ts', ['-output_ts_offset', '8.08'], ['-vf', 'scale=256:144:flags=neighbor']),
    },
    { ...FILM_EXPECTED, numbers: [0, 400] },
  ),
  source(
    {
      name: 'jump-forward',
      file: 'jump-forward.ts',
      what: 'two recordings joined: the clock jumps 100 s ahead, which results close up',
      cannotOn: ['6.0'],
      steps: joinedTs('jump-forward.ts', ['-output_ts_offset', '108.08']),
    },
    { ...FILM_EXPECTED, numbers: [0, 400], gap: [8, 108] },
  ),
  refusedSource(
    {
      name: 'jump-back',
      file: 'jump-back.ts',
      what: 'two recordings joined: the clock starts again in the middle, so a time names two frames',
      quick: false,
      cannotOn: ['6.0'],
      steps: joinedTs('jump-back.ts', []),
    },
    /time|clock/i,
  ),
]
