/** Not nasty, only long: for meshes that are hurt while they work. Found by name; the tests of all sources leave it out. */
import { type Source, source } from '../source.ts'
import { film, STEREO_EXPECTED } from './film.ts'

/** A chunk has 8 s or so. */
const long = (name: string, seconds: number): Source => {
  const [file, numbers] = [`${name}.mp4`, [0, 25 * seconds] as const]
  const video = ['-vf', 'scale=1920:1080:flags=neighbor', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50']
  return source(
    { name, file, what: `${seconds} s of 1920 × 1080`, steps: film({ out: file, numbers, video }) },
    { numbers, audio: STEREO_EXPECTED, display: { width: 1920, height: 1080 } },
  )
}

export const longSources: readonly Source[] = [long('minute', 60), long('forty-seconds', 40)]
