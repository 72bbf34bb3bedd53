/** The video to show: the one given, or a clip painted once and kept in the cache. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { execa } from 'execa'
import { makeClip } from '../../testing/sources/clip.ts'
import { cachePath } from '../../testing/tools/cache.ts'
import type { Ffmpeg } from '../../testing/tools/ffmpeg.ts'

export interface Source {
  readonly path: string
  /** `1:00 of 1920×1080, 30 fps, with sound`; what is not known is left out, and the run will say why. */
  readonly facts: string
  readonly seconds: number | null
}

export async function findSource(file: string | undefined, clipSeconds: number, tools: Ffmpeg): Promise<Source> {
  const path = file === undefined ? await clip(clipSeconds, tools) : resolve(file)
  return { path, ...(await factsOf(path, tools)) }
}

/** The name of the file has a hash of the code that draws it, so that it is drawn again when that changes. */
async function clip(seconds: number, { ffmpeg }: Ffmpeg): Promise<string> {
  const painters = ['clip.ts', 'digits.ts'].map((name) => `${import.meta.dirname}/../../testing/sources/${name}`)
  const hash = createHash('sha256')
  for (const painter of painters) hash.update(await readFile(painter))
  const out = cachePath('demo', hash.digest('hex').slice(0, 12), `clip-${seconds}s.mp4`)
  if (await stat(out).catch(() => null)) return out
  console.log(`painting a ${seconds} s clip with sound and a frame counter (once: ${out})`)
  await mkdir(dirname(out), { recursive: true })
  await makeClip({ out, seconds, ffmpeg })
  return out
}

interface Stream {
  readonly codec_type?: string
  readonly width?: number
  readonly height?: number
  readonly avg_frame_rate?: string
}

async function factsOf(path: string, { ffprobe }: Ffmpeg): Promise<Pick<Source, 'facts' | 'seconds'>> {
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', `file:${path}`]
  const { stdout, failed } = await execa(ffprobe, args, { reject: false, stdin: 'ignore' })
  if (failed) return { facts: '', seconds: null }
  const { streams = [], format } = JSON.parse(stdout) as { streams?: Stream[]; format?: { duration?: string } }
  const video = streams.find(({ codec_type }) => codec_type === 'video')
  const seconds = Number(format?.duration) || null
  const [frames, per] = (video?.avg_frame_rate ?? '').split('/').map(Number)
  const facts = [
    seconds !== null && `${seconds.toFixed(0)} s`,
    video?.width && `${video.width}×${video.height}`,
    frames && per && `${Number((frames / per).toFixed(2))} fps`,
    streams.some(({ codec_type }) => codec_type === 'audio') && 'sound',
  ]
  return { facts: facts.filter(Boolean).join(', '), seconds }
}
