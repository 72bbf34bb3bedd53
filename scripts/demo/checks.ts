/**
 * Looks at finished files from outside: ffmpeg decodes them whole, and what it says is held against the source decoded the same
 * way and against what the mesh claims. Nothing here trusts the mesh's own verification.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { execa } from 'execa'
import type { Ffmpeg } from '../../testing/tools/ffmpeg.ts'
import type { Delivered, DeliveredFile } from './events.ts'

export interface Check {
  readonly ok: boolean
  readonly text: string
}

export interface CheckedFile extends DeliveredFile {
  readonly checks: readonly Check[]
}

interface Decoded {
  readonly frames: number
  /** What ffmpeg warned of, one a line. */
  readonly warnings: readonly string[]
}

/** A stream's own length may be rounded to the next tick of a coarse clock. */
const DURATION_SLACK_S = 0.005

export async function checkFiles(job: {
  source: string
  delivered: Delivered
  tools: Ffmpeg
  signal: AbortSignal
}): Promise<CheckedFile[]> {
  const { source, delivered, tools, signal } = job
  const wanted = (await decode(source, tools, signal)).frames
  const checked: CheckedFile[] = []
  for (const file of delivered.files) {
    const [decoded, seconds, sha256] = [
      await decode(file.path, tools, signal),
      await secondsOf(file.path, tools),
      await hash(file.path),
    ]
    const checks = [
      same('frames', decoded.frames, wanted),
      { ok: Math.abs(seconds - delivered.seconds) <= DURATION_SLACK_S, text: `${seconds.toFixed(3)} s` },
      {
        ok: decoded.warnings.length === 0,
        text: decoded.warnings.length === 0 ? 'decodes clean' : `decoder: ${decoded.warnings[0]}`,
      },
      { ok: sha256 === file.sha256, text: `sha256 ${sha256.slice(0, 8)}…` },
    ]
    checked.push({ ...file, checks })
  }
  return checked
}

const same = (what: string, have: number, want: number): Check =>
  have === want ? { ok: true, text: `${have} ${what}` } : { ok: false, text: `${have} ${what}, the source has ${want}` }

async function decode(path: string, { ffmpeg }: Ffmpeg, signal: AbortSignal): Promise<Decoded> {
  const args = ['-nostdin', '-v', 'warning', '-nostats', '-progress', 'pipe:1', '-i', `file:${path}`]
  const { stdout, stderr, exitCode } = await execa(
    ffmpeg,
    [...args, '-map', '0:v:0', '-map', '0:a?', '-fps_mode', 'passthrough', '-f', 'null', '-'],
    { reject: false, stdin: 'ignore', cancelSignal: signal },
  )
  signal.throwIfAborted()
  const warnings = stderr.split('\n').filter(Boolean)
  if (exitCode !== 0) warnings.unshift(`ffmpeg ended with exit code ${exitCode}`)
  return {
    frames: Number(
      stdout
        .match(/^frame=\s*(\d+)/gm)
        ?.at(-1)
        ?.split('=')[1] ?? 0,
    ),
    warnings,
  }
}

async function secondsOf(path: string, { ffprobe }: Ffmpeg): Promise<number> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=duration',
    '-of',
    'default=nk=1:nw=1',
    `file:${path}`,
  ]
  return Number((await execa(ffprobe, args, { reject: false, stdin: 'ignore' })).stdout) || 0
}

async function hash(path: string): Promise<string> {
  const sum = createHash('sha256')
  await pipeline(createReadStream(path), sum)
  return sum.digest('hex')
}
