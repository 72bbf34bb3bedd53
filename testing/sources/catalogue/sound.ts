/** Sound, subtitles, chapters, covers: what comes along with the picture, and when it starts. */
import { type Source, type Step, source } from '../source.ts'
import { FILM_EXPECTED, film, STEREO_EXPECTED, USUAL } from './film.ts'

const SUBTITLES = '1\n00:00:01,000 --> 00:00:03,500\nGuten Morgen\n\n2\n00:00:08,000 --> 00:00:10,000\nGute Nacht\n'
const CHAPTERS =
  ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=6000\ntitle=Erster Akt\n' +
  '[CHAPTER]\nTIMEBASE=1/1000\nSTART=6000\nEND=14000\ntitle=Second act; with = signs\n'.replace(
    '; with =',
    '\\; with \\=',
  )
const COVER: Step = {
  do: 'ffmpeg',
  args: ['-f', 'lavfi', '-i', 'color=red:size=200x200', '-frames:v', '1', '-pix_fmt', 'yuvj420p', 'cover.jpg'],
}

/** The film with a cover beside it. */
const covered = (out: string): Step[] => [
  COVER,
  ...film({ out: 'plain.mp4', video: USUAL }),
  {
    do: 'ffmpeg',
    args: [
      '-i',
      'plain.mp4',
      '-i',
      'cover.jpg',
      '-map',
      '0',
      '-map',
      '1',
      '-c',
      'copy',
      '-disposition:v:1',
      'attached_pic',
      out,
    ],
  },
]

export const soundSources: readonly Source[] = [
  source(
    {
      name: 'no-audio',
      file: 'no-audio.mp4',
      what: 'a film without sound',
      steps: film({ out: 'no-audio.mp4', sounds: [], video: USUAL }),
    },
    { numbers: FILM_EXPECTED.numbers },
  ),
  source(
    {
      name: 'multi',
      file: 'multi.mkv',
      what: 'two languages, German subtitles and chapters in Matroska',
      quick: true,
      steps: [
        { do: 'text', file: 'subtitles.srt', text: SUBTITLES },
        { do: 'text', file: 'chapters.txt', text: CHAPTERS },
        ...film({
          out: 'multi.mkv',
          sounds: [{ track: 0 }, { track: 1, channels: 1 }],
          video: USUAL,
          audio: ['-c:a', 'aac', '-b:a', '128k', '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra'],
          inputs: ['-i', 'subtitles.srt', '-i', 'chapters.txt'],
          output: ['-map', '3:s', '-c:s', 'srt', '-metadata:s:s:0', 'language=deu', '-map_chapters', '4'],
        }),
      ],
    },
    {
      ...FILM_EXPECTED,
      audio: [
        { language: 'eng', channels: 2, beep: 0 },
        { language: 'fra', channels: 1, beep: 1 },
      ],
      subtitles: ['deu'],
      chapters: ['Erster Akt', 'Second act; with = signs'],
    },
  ),
  source(
    {
      name: 'bitmap-subtitles',
      file: 'bitmap-subtitles.mkv',
      what: 'Blu-ray bitmap subtitles: MP4 cannot hold them, and a note must name them',
      steps: [
        {
          do: 'bitmap-subtitles',
          file: 'subtitles.sup',
          times: [
            [1, 3],
            [8, 10],
          ],
        },
        ...film({
          out: 'bitmap-subtitles.mkv',
          video: USUAL,
          inputs: ['-i', 'subtitles.sup'],
          output: ['-map', '2:s', '-c:s', 'copy', '-metadata:s:s:0', 'language=deu'],
        }),
      ],
    },
    FILM_EXPECTED,
  ),
  source(
    { name: 'cover-mp4', file: 'cover.mp4', what: 'cover art in MP4', steps: covered('cover.mp4') },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'cover-first',
      file: 'cover-first.mp4',
      what: 'cover art that comes as stream 0: the first video stream is not the film',
      steps: [...covered('cover-first.mp4'), { do: 'cover-first', file: 'cover-first.mp4' }],
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'cover-mkv',
      file: 'cover.mkv',
      what: 'cover art as a Matroska attachment',
      steps: [
        COVER,
        ...film({
          out: 'cover.mkv',
          video: USUAL,
          output: ['-attach', 'cover.jpg', '-metadata:s:t', 'mimetype=image/jpeg'],
        }),
      ],
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'surround',
      file: 'surround.mp4',
      what: '5.1 sound: six channels in their order',
      steps: film({
        out: 'surround.mp4',
        sounds: [{ track: 0, channels: 6 }],
        video: USUAL,
        audio: ['-c:a', 'aac', '-b:a', '384k'],
      }),
    },
    { ...FILM_EXPECTED, audio: [{ language: 'und', channels: 6, beep: 0 }] },
  ),
  source(
    {
      name: 'opus-mkv',
      file: 'opus.mkv',
      what: 'Opus in Matroska: 312 samples to throw away at the start',
      steps: film({ out: 'opus.mkv', video: USUAL, audio: ['-c:a', 'libopus', '-b:a', '128k'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'late-audio',
      file: 'late-audio.mp4',
      what: 'sound that starts 2.3 s after the picture',
      steps: film({ out: 'late-audio.mp4', sounds: [{ track: 0, seconds: 11.7, delay_s: 2.3 }], video: USUAL }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'early-audio',
      file: 'early-audio.mkv',
      what: 'sound that starts 1.7 s before the picture',
      steps: [
        ...film({ out: 'plain.mkv', sounds: [{ track: 0, seconds: 16 }], video: USUAL }),
        {
          do: 'ffmpeg',
          args: [
            '-itsoffset',
            '1.7',
            '-i',
            'plain.mkv',
            '-i',
            'plain.mkv',
            '-map',
            '0:v',
            '-map',
            '1:a',
            '-c',
            'copy',
            'early-audio.mkv',
          ],
        },
      ],
    },
    { ...FILM_EXPECTED, audio: STEREO_EXPECTED },
  ),
  source(
    {
      name: 'long-audio',
      file: 'long-audio.mp4',
      what: 'sound that goes on for four seconds after the picture',
      steps: film({ out: 'long-audio.mp4', sounds: [{ track: 0, seconds: 18 }], video: USUAL }),
    },
    FILM_EXPECTED,
  ),
]
