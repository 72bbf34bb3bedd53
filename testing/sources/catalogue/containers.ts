/** Containers and codecs: missing times, odd clocks, other decoders. */
import { type Source, source } from '../source.ts'
import { FILM_EXPECTED, film, h264, USUAL } from './film.ts'

const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '3', '-g', '15', '-bf', '2']
const MP2 = ['-c:a', 'mp2', '-b:a', '192k']
const VORBIS = ['-c:a', 'libvorbis', '-q:a', '5']

export const containerSources: readonly Source[] = [
  source(
    {
      name: 'mpeg2-ts',
      file: 'mpeg2.ts',
      what: 'MPEG-2 in a transport stream whose clock starts at one hour',
      quick: true,
      cannotOn: ['6.0'],
      steps: film({ out: 'mpeg2.ts', video: MPEG2, audio: MP2, output: ['-output_ts_offset', '3600'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'mpeg2-ps',
      file: 'mpeg2.mpg',
      what: 'MPEG-2 in a program stream: some packets have no time',
      steps: film({ out: 'mpeg2.mpg', video: MPEG2, audio: MP2 }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'vp8',
      file: 'vp8.webm',
      what: 'VP8 and Vorbis in WebM: hidden alternate-reference frames, times in milliseconds',
      steps: film({
        out: 'vp8.webm',
        video: [
          '-c:v',
          'libvpx',
          '-b:v',
          '600k',
          '-g',
          '60',
          '-auto-alt-ref',
          '1',
          '-lag-in-frames',
          '12',
          '-cpu-used',
          '8',
        ],
        audio: VORBIS,
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'vp9',
      file: 'vp9.webm',
      what: 'VP9 and Opus in WebM',
      steps: film({
        out: 'vp9.webm',
        video: [
          '-c:v',
          'libvpx-vp9',
          '-b:v',
          '600k',
          '-g',
          '60',
          '-lag-in-frames',
          '12',
          '-cpu-used',
          '8',
          '-deadline',
          'realtime',
        ],
        audio: ['-c:a', 'libopus', '-b:a', '128k'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'av1',
      file: 'av1.mp4',
      what: 'AV1 in MP4: some builds list a decoder that cannot decode it',
      cannotOn: ['8.1'],
      steps: film({
        out: 'av1.mp4',
        video: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-b:v', '500k', '-g', '60'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'mpeg4-avi',
      file: 'mpeg4.avi',
      what: 'MPEG-4 ASP with B-frames and MP3 in AVI: the container knows no presentation times',
      steps: film({
        out: 'mpeg4.avi',
        video: ['-c:v', 'mpeg4', '-vtag', 'XVID', '-q:v', '3', '-bf', '2', '-g', '50'],
        audio: ['-c:a', 'libmp3lame', '-b:a', '192k'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-flv',
      file: 'h264.flv',
      what: 'H.264 and AAC in FLV: times in milliseconds',
      steps: film({ out: 'h264.flv', video: USUAL, audio: ['-c:a', 'aac', '-b:a', '128k', '-ar', '44100'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-avi',
      file: 'h264.avi',
      what: 'H.264 with B-frames in AVI: no presentation times at all; where its sound belongs is a guess',
      steps: film({ out: 'h264.avi', video: USUAL, audio: ['-c:a', 'libmp3lame', '-b:a', '192k'] }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'fragmented',
      file: 'fragmented.mp4',
      what: 'fragmented MP4: no index in the head',
      steps: film({
        out: 'fragmented.mp4',
        video: USUAL,
        output: ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'mjpeg-mov',
      file: 'mjpeg.mov',
      what: 'Motion JPEG (full range) and PCM in QuickTime, with a time-code track',
      steps: film({
        out: 'mjpeg.mov',
        video: ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'],
        audio: ['-c:a', 'pcm_s16le'],
        output: ['-timecode', '01:00:00:00'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'wmv',
      file: 'wmv.asf',
      what: 'MS MPEG-4 and WMA in ASF: WMA loses its block size in most other containers',
      steps: film({
        out: 'wmv.asf',
        video: ['-c:v', 'msmpeg4', '-q:v', '3', '-g', '50'],
        audio: ['-c:a', 'wmav2', '-b:a', '192k'],
      }),
    },
    FILM_EXPECTED,
  ),
  source(
    {
      name: 'h264-mkv',
      file: 'h264.mkv',
      what: 'H.264 with B-frames and FLAC in Matroska',
      steps: film({ out: 'h264.mkv', video: h264('keyint=120:bframes=3:b-pyramid=normal'), audio: ['-c:a', 'flac'] }),
    },
    FILM_EXPECTED,
  ),
]
