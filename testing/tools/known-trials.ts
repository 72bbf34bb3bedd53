/** What the trial runs of an ffmpeg show that a test wraps: they take 5 s of a core, and show what those of the real one do. */
import { copyFile } from 'node:fs/promises'
import { createRunner } from '../../media/run-ffmpeg.ts'
import { createSelfTester, reportFile } from '../../media/self-tester.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { cachePath } from './cache.ts'
import { ensureFfmpeg } from './ffmpeg.ts'

/** Puts the report of the real ffmpeg, made once, where starts with `wrapper`, its path, look for one. */
export async function knowTrials(wrapper: string): Promise<void> {
  const real = await ensureFfmpeg()
  const folder = cachePath('self-tests')
  const run = createRunner({ clock: systemClock, sandbox: 'off' })
  await createSelfTester({ ...real, clock: systemClock, rng: systemRng, run }, folder).whole(
    AbortSignal.timeout(120_000),
  )
  await copyFile(await reportFile(folder, real), await reportFile(folder, { ...real, ffmpeg: wrapper }))
}
