/** VMAF of a rendition against its source at the source's size, by an ffmpeg that has libvmaf; nothing where there is none. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { cachePath } from '../testing/tools/cache.ts'

/** Every so many frames: enough for a mean, a fifth of the time. */
const SUBSAMPLE = 5

/** REELMESH_FFMPEG_VMAF, else the given one, else one of those that the tests have brought. */
export async function findVmaf(ffmpeg: string): Promise<string | null> {
  const builds = await readdir(cachePath('ffmpeg')).catch(() => [])
  const candidates = [
    process.env.REELMESH_FFMPEG_VMAF,
    ffmpeg,
    ...builds.map((build) => cachePath('ffmpeg', build, 'ffmpeg')),
  ]
  for (const candidate of candidates) {
    if (!candidate) continue
    const { stdout } = await execa(candidate, ['-hide_banner', '-filters'], { reject: false, stdin: 'ignore' })
    if (/ libvmaf /.test(String(stdout))) return candidate
  }
  return null
}

export async function vmafOf(job: { ffmpeg: string; file: string; source: string }): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-vmaf-'))
  try {
    const log = `libvmaf=n_threads=2:n_subsample=${SUBSAMPLE}:log_fmt=json:log_path=vmaf.json`
    const graph = `[0:v:0]scale=1920:1080:flags=bicubic,setpts=PTS-STARTPTS[d];[1:v:0]setpts=PTS-STARTPTS[r];[d][r]${log}`
    const args = [
      '-nostdin',
      '-v',
      'error',
      '-i',
      `file:${job.file}`,
      '-i',
      `file:${job.source}`,
      '-lavfi',
      graph,
      '-f',
      'null',
      '-',
    ]
    await execa(job.ffmpeg, args, { cwd: dir, stdin: 'ignore' })
    const report = JSON.parse(await readFile(join(dir, 'vmaf.json'), 'utf8')) as {
      pooled_metrics: { vmaf: { mean: number } }
    }
    return report.pooled_metrics.vmaf.mean
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
