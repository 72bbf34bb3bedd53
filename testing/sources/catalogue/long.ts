/** Not nasty, only long: for meshes that are hurt while they work. Found by name; the tests of all sources leave it out. */
import { type Source, source } from '../source.ts'
import { film, STEREO_EXPECTED } from './film.ts'

/** A minute in eight chunks or so. */
const numbers = [0, 1_500] as const

export const longSources: readonly Source[] = [
  source(
    {
      name: 'minute',
      file: 'minute.mp4',
      what: '60 s of 1920 × 1080',
      steps: film({
        out: 'minute.mp4',
        numbers,
        video: ['-vf', 'scale=1920:1080:flags=neighbor', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50'],
      }),
    },
    { numbers, audio: STEREO_EXPECTED, display: { width: 1920, height: 1080 } },
  ),
]
