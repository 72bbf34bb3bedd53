/**
 * Whether a chunk is the same bytes from every build of a family and at every x86-64 CPU level. An older CPU is imitated by a small wrapper: for
 * ffmpeg's own code by `-cpuflags`, for the encoders by their parameter `asm=`, and for libvpx and libaom, which have none, by their variables.
 */
import { createHash } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Media } from '../../protocol/media.ts'
import { type CutSource, encodeChunk } from './chunks.ts'
import { type Cell, type Peer, takesAll, why } from './peer.ts'

export const CPU_LEVELS = ['own', 'none', 'sse4.2', 'avx2'] as const
type CpuLevel = (typeof CPU_LEVELS)[number]

/** How each is named to ffmpeg, x264 and x265; to SVT-AV1; and to libvpx and libaom, by the bits of their `x86.h`. */
const NAMES = {
  none: ['0', 'c', '0', '0'],
  'sse4.2': ['sse4.2', 'sse4_2', '0x3f', '0x13f'],
  avx2: ['avx2', 'avx2', '0xff', '0x1ff'],
} as const

/** Of each source: 64 encodes of all of it would take most of an hour and show nothing more. */
const CHUNKS = 2

/** A row for each level, a cell for each peer: the first digits of the hash of its chunks. All of them must be equal. */
export async function bytesRows(job: {
  cut: CutSource
  peers: readonly Peer[]
  dir: string
  report: (sentence: string) => void
}): Promise<Map<CpuLevel, Cell[]>> {
  const { cut, peers, dir, report } = job
  const rows = new Map<CpuLevel, Cell[]>()
  let first: string | null = null
  for (const level of CPU_LEVELS) {
    const cells: Cell[] = []
    for (const peer of peers) {
      if (!takesAll(peer, cut.plan)) {
        cells.push({ text: 'declined', ok: true })
        continue
      }
      const hash = await hashOf({ cut, peer, level, dir }).catch((error: unknown) => {
        report(`${cut.name} on ${peer.build.name}, CPU ${level}: ${why(error)}`)
        return null
      })
      first ??= hash
      if (hash !== null && hash !== first) report(`${cut.name} on ${peer.build.name}, CPU ${level}: other bytes`)
      cells.push({ text: hash?.slice(0, 12) ?? 'FAILED', ok: hash !== null && hash === first })
    }
    rows.set(level, cells)
  }
  return rows
}

async function hashOf(job: { cut: CutSource; peer: Peer; level: CpuLevel; dir: string }): Promise<string> {
  const { cut, peer, level, dir } = job
  const place = join(dir, `bytes-${cut.name}-${peer.build.name}-${level}`)
  const media = level === 'own' ? peer.media : await mediaAt(peer, level, `${place}.sh`)
  const hashes: string[] = []
  for (const { chunk_id } of cut.plan.chunks.slice(0, CHUNKS)) {
    const result = await encodeChunk(media, { cut, chunk_id, outDir: join(place, String(chunk_id)) })
    if (!result.ok) throw result.failure
    hashes.push(result.es_sha256)
  }
  return createHash('sha256').update(hashes.join()).digest('hex')
}

async function mediaAt(peer: Peer, level: Exclude<CpuLevel, 'own'>, path: string): Promise<Media> {
  const [asm, svt, vpx, aom] = NAMES[level]
  const script = [
    '#!/bin/sh',
    `for a; do shift; case $a in *cpu-independent=1*|*frame-threads=*) a=$a:asm=${asm} ;; lp=*:*) a=$a:asm=${svt} ;; esac; set -- "$@" "$a"; done`,
    `VPX_SIMD_CAPS=${vpx} AOM_SIMD_CAPS=${aom} exec '${peer.build.ffmpeg}' -cpuflags ${asm} "$@"`,
  ]
  await writeFile(path, `${script.join('\n')}\n`)
  await chmod(path, 0o755)
  return createFfmpegMedia({ ffmpeg: path, ffprobe: peer.build.ffprobe, clock: systemClock, rng: systemRng })
}
