/**
 * Finds an ffmpeg and an ffprobe that Reelmesh can work with, or installs them through the system's package manager
 * where this user may. REELMESH_FFMPEG and REELMESH_FFPROBE name others than those on the path.
 */
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { installPackage, onPath } from './system-packages.ts'

export interface Ffmpeg {
  /** Absolute paths. */
  readonly ffmpeg: string
  readonly ffprobe: string
  /** As it names itself: `5.1.9-0+deb12u1`. */
  readonly version: string
}

/** `-fps_mode` came with 5.1; the recipe for pixels is exact from there on. */
const VERSION_MIN = [5, 1] as const
const MINIMUM = VERSION_MIN.join('.')

type Answer = { readonly found: Ffmpeg } | { readonly missing: string } | { readonly unfit: string }

/** Throws one sentence that says what to install where there is none that will do. */
export async function ensureFfmpeg(): Promise<Ffmpeg> {
  const first = await findFfmpeg()
  if ('found' in first) return first.found
  if ('unfit' in first) throw new Error(`${first.unfit}. ${advice()}`)
  console.error(`reelmesh: ${first.missing}; installing ffmpeg`)
  const packageName = 'ffmpeg'
  const installed = await installPackage({
    apt: packageName,
    dnf: packageName,
    apk: packageName,
    pacman: packageName,
    brew: packageName,
  })
  const second = await findFfmpeg()
  if ('found' in second) return second.found
  const why = installed.done
    ? 'unfit' in second
      ? second.unfit
      : second.missing
    : `${first.missing}: ${installed.why}`
  throw new Error(`${why}. ${advice()}`)
}

function advice(): string {
  return `Install ffmpeg ${MINIMUM} or newer with libx264 (on Debian or Ubuntu: apt-get install ffmpeg), or set REELMESH_FFMPEG and REELMESH_FFPROBE.`
}

async function findFfmpeg(): Promise<Answer> {
  const ffmpeg = await locate('ffmpeg', process.env.REELMESH_FFMPEG)
  if (!ffmpeg) return { missing: 'ffmpeg is not on the path' }
  const beside = process.env.REELMESH_FFMPEG && join(dirname(ffmpeg), 'ffprobe')
  const ffprobe = (await locate('ffprobe', process.env.REELMESH_FFPROBE || beside)) ?? (await locate('ffprobe'))
  if (!ffprobe) return { missing: 'ffprobe is not on the path' }
  const version = await versionOf(ffmpeg)
  if (!version) return { unfit: `${ffmpeg} does not run` }
  if (!isNewEnough(version)) return { unfit: `${ffmpeg} is version ${version}, older than ${MINIMUM}` }
  if (!(await versionOf(ffprobe))) return { unfit: `${ffprobe} does not run` }
  const { stdout } = await execa(ffmpeg, ['-hide_banner', '-encoders'], { reject: false, stdin: 'ignore' })
  if (!/\blibx264\b/.test(stdout)) return { unfit: `${ffmpeg} is built without libx264` }
  return { found: { ffmpeg, ffprobe, version } }
}

async function locate(name: string, named?: string): Promise<string | null> {
  if (!named) return await onPath(name)
  return named.includes('/') ? named : await onPath(named)
}

async function versionOf(program: string): Promise<string | null> {
  const { stdout } = await execa(program, ['-version'], { reject: false, stdin: 'ignore' })
  return /^ff\w+ version (\S+)/.exec(String(stdout ?? ''))?.[1] ?? null
}

/** `5.1.9-0+deb12u1`, `n7.1`; a development build (`N-118193-g…`, `git-2025-…`) has no number and is taken for new. */
export function isNewEnough(version: string): boolean {
  const [, major, minor = '0'] = /^n?(\d+)(?:\.(\d+))?/.exec(version) ?? []
  if (!major || Number(major) > 1_000) return true
  return Number(major) > VERSION_MIN[0] || (Number(major) === VERSION_MIN[0] && Number(minor) >= VERSION_MIN[1])
}
