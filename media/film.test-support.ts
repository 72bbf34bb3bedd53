/** Tiny films for tests of `media/`, made by the ffmpeg of this host (or of `REELMESH_FFMPEG`, `REELMESH_FFPROBE`). */
import { join } from 'node:path'
import { systemClock } from '../node/host/system-clock.ts'
import { createRunner, runOrFail } from './run-ffmpeg.ts'

export const FFMPEG = process.env['REELMESH_FFMPEG'] ?? '/usr/bin/ffmpeg'
export const FFPROBE = process.env['REELMESH_FFPROBE'] ?? '/usr/bin/ffprobe'

export const run = createRunner({ clock: systemClock, sandbox: 'off' })
export const { signal } = new AbortController()

/** What ffmpeg said at level `warning`. Rejects where it failed. */
export const ffmpeg = (...args: string[]): Promise<string> =>
  runOrFail(run, { program: FFMPEG, args: ['-nostdin', '-v', 'warning', '-y', ...args], signal }, 'making a film')

/** A moving picture of 160×90 at 10 frames a second, a keyframe every 2 s, with a tone. `more` are options of the output. */
export async function film(path: { dir: string; name: string }, seconds: number, ...more: string[]): Promise<string> {
  const file = join(path.dir, path.name)
  await ffmpeg(
    '-f', 'lavfi', '-i', `testsrc2=s=160x90:r=10:d=${seconds}`,
    '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`,
    '-g', '20', '-preset', 'ultrafast', '-shortest', ...more, `file:${file}`,
  ) // biome-ignore format: groups
  return file
}
