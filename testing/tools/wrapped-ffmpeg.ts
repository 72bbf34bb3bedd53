/** An ffmpeg that a test wraps. Its trial runs take 5 s of a core, and show what those of the real one do: they are taken over. */
import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'
import { reportFile } from '../../media/self-tester.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { cachePath } from './cache.ts'
import { ensureFfmpeg } from './ffmpeg.ts'

/** Writes the wrapper, and puts the report of the real ffmpeg, made once, where starts with it look for one. */
export async function writeWrapper(path: string, script: string): Promise<void> {
  await writeFile(path, script)
  await chmod(path, 0o755)
  const real = await ensureFfmpeg()
  const cacheDir = cachePath('self-tests')
  const media = createFfmpegMedia({ ...real, clock: systemClock, rng: systemRng, cacheDir })
  await media.selfTest(AbortSignal.timeout(120_000))
  await copyFile(await reportFile(cacheDir, real), await reportFile(cacheDir, { ...real, ffmpeg: path }))
}
