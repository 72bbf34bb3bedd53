/**
 * Clips as phones make them, cut out of the footage of the other benchmarks, each other than all others. Kept in the cache. Beyond the first few the
 * pictures come again under another title: the bytes differ, which is all that Reelmesh sees, and no hour is spent on making them.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { cachePath, fillFolder } from '../../testing/tools/cache.ts'
import type { Ffmpeg } from '../../testing/tools/ffmpeg.ts'
import type { Footage } from '../footage.ts'

export interface Clips {
  readonly count: number
  readonly seconds: number
  /** Pixels. */
  readonly size: { readonly width: number; readonly height: number }
}

/** Clips with pictures of their own. */
const ENCODED_MAX = 30

/** Their paths. Each begins at another place of the footage, so that the bytes differ. */
export async function makeClips({ count, seconds, size }: Clips, footage: Footage, tools: Ffmpeg): Promise<string[]> {
  const facts = JSON.stringify([basename(footage.path), count, seconds, size])
  const folder = cachePath('bench', `clips-${createHash('sha256').update(facts).digest('hex').slice(0, 12)}`)
  const step = Math.max(0, footage.seconds - seconds) / Math.min(count, ENCODED_MAX)
  const codecs = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-c:a', 'aac', '-b:a', '160k']
  const pathOf = (at: number, dir: string) => join(dir, `clip-${String(at).padStart(3, '0')}.mp4`)
  const again = (at: number, dir: string) =>
    execa(tools.ffmpeg, [
      '-nostdin', '-v', 'error', '-i', `file:${pathOf(at % ENCODED_MAX, dir)}`,
      '-c', 'copy', '-metadata', `title=clip ${at}`, pathOf(at, dir),
    ], { stdin: 'ignore' }) // biome-ignore format: groups
  const make = (at: number, dir: string) =>
    execa(tools.ffmpeg, [
      '-nostdin', '-v', 'error', '-ss', (at * step).toFixed(3), '-t', String(seconds), '-i', `file:${footage.path}`,
      '-vf', `scale=${size.width}:${size.height}`, ...codecs, pathOf(at, dir),
    ], { stdin: 'ignore' }) // biome-ignore format: groups
  const made = await readdir(folder).catch(() => [])
  if (made.length === 0)
    await fillFolder(folder, async (dir) => {
      for (let at = 0; at < count; at++) await (at < ENCODED_MAX ? make : again)(at, dir)
    })
  return (await readdir(folder)).sort().map((name) => join(folder, name))
}
