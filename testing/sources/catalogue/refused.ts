/**
 * What must be refused, in one sentence, and what must never be opened: playlists that call themselves `.mp4` name a
 * real film beside them (`secret.ts`), so a test can see whether somebody's other files would have been read.
 */
import { refusedSource, type Source, type Step } from '../source.ts'
import { film, USUAL } from './film.ts'

export const SECRET = 'secret.ts'

const beeps: Step = { do: 'beeps', file: 'sound.wav', beeps: { track: 0, channels: 2, rate: 48_000, seconds: 4 } }
const still = (name: string): Step => ({
  do: 'ffmpeg',
  args: ['-f', 'lavfi', '-i', 'testsrc=size=320x180', '-frames:v', '1', name],
})
const secret = film({ out: SECRET, numbers: [0, 50], sounds: [], video: USUAL })
/** Every refusal is a sentence about the file; what it says beyond that is the pipeline's choice of words. */
const NO_VIDEO = /video|picture/i
const NOT_MEDIA = /not|no |cannot|could not/i

const playlist = (name: string, what: string, text: string): Source =>
  refusedSource(
    { name, file: `${name}.mp4`, what, keep: [SECRET], steps: [...secret, { do: 'text', file: `${name}.mp4`, text }] },
    NOT_MEDIA,
  )

const HLS = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n${SECRET}\n#EXT-X-ENDLIST\n`
const DASH = `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:full:2011">
<Period><AdaptationSet mimeType="video/mp2t"><Representation id="0" bandwidth="100000">
<BaseURL>${SECRET}</BaseURL></Representation></AdaptationSet></Period></MPD>
`
const SDP =
  'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'

export const refusedSources: readonly Source[] = [
  refusedSource(
    {
      name: 'audio-only',
      file: 'audio-only.m4a',
      what: 'sound alone',
      steps: [beeps, { do: 'ffmpeg', args: ['-i', 'sound.wav', '-c:a', 'aac', 'audio-only.m4a'] }],
    },
    NO_VIDEO,
  ),
  refusedSource(
    {
      name: 'mp3-cover',
      file: 'song.mp3',
      what: 'a song with cover art: its only video stream is a picture',
      steps: [
        beeps,
        still('cover.png'),
        {
          do: 'ffmpeg',
          args: [
            '-i',
            'sound.wav',
            '-i',
            'cover.png',
            '-map',
            '0',
            '-map',
            '1',
            '-c:v',
            'copy',
            '-disposition:v',
            'attached_pic',
            'song.mp3',
          ],
        },
      ],
    },
    NO_VIDEO,
  ),
  refusedSource(
    {
      name: 'still-jpeg',
      file: 'still-jpeg.mp4',
      what: 'a JPEG picture named .mp4',
      steps: [
        still('still.jpg'),
        { do: 'ffmpeg', args: ['-i', 'still.jpg', '-c', 'copy', '-f', 'image2pipe', 'still-jpeg.mp4'] },
      ],
    },
    NOT_MEDIA,
  ),
  refusedSource(
    {
      name: 'still-png',
      file: 'still-png.mp4',
      what: 'a PNG picture named .mp4',
      steps: [
        still('still.png'),
        { do: 'ffmpeg', args: ['-i', 'still.png', '-c', 'copy', '-f', 'image2pipe', 'still-png.mp4'] },
      ],
    },
    NOT_MEDIA,
  ),
  refusedSource(
    {
      name: 'not-media',
      file: 'not-media.mp4',
      what: 'a text named .mp4',
      steps: [{ do: 'text', file: 'not-media.mp4', text: 'This is not a film.\n'.repeat(500) }],
    },
    NOT_MEDIA,
  ),
  refusedSource(
    { name: 'empty', file: 'empty.mp4', what: 'no bytes at all', steps: [{ do: 'text', file: 'empty.mp4', text: '' }] },
    /empty|not|no |cannot/i,
  ),
  refusedSource(
    {
      name: 'noise',
      file: 'noise.mp4',
      what: 'random bytes',
      steps: [{ do: 'noise', file: 'noise.mp4', bytes: 200_000 }],
    },
    NOT_MEDIA,
  ),
  refusedSource(
    {
      name: 'no-moov',
      file: 'no-moov.mp4',
      what: 'an MP4 whose index, at the end, never arrived',
      steps: [
        ...film({ out: 'no-moov.mp4', numbers: [0, 100], video: USUAL }),
        { do: 'truncate', file: 'no-moov.mp4', keep: 0.7 },
      ],
    },
    NOT_MEDIA,
  ),
  playlist('hls', 'an HLS playlist named .mp4', HLS),
  playlist('dash', 'a DASH manifest named .mp4', DASH),
  playlist('ffconcat', 'an ffconcat script named .mp4', `ffconcat version 1.0\nfile ${SECRET}\n`),
  playlist('sdp', 'a session description named .mp4: it would open a network port', SDP),
]
