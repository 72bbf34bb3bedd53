/** Writes the file of one track: its beginning, the index of its segments, and its fragments, with bytes copied from files that are encoded already. */
import { open } from 'node:fs/promises'
import type { Track } from '../mp4.ts'
import { readStretch, stretchesOf } from '../sample-bytes.ts'
import type { Range } from './facts.ts'
import { indexBytes, indexOf, initOf, type TrackHead } from './init.ts'
import { type Fragment, segmentSizes } from './layout.ts'
import { createSink, type Sink, type TrackCipher, type Written } from './track-sink.ts'

/** A track to write: what its beginning says, the files that hold its samples, and its fragments in order. */
export interface TrackJob {
  /** Its name in the package. */
  readonly name: string
  readonly head: TrackHead
  /** Absolute paths, with the tables of each: `Fragment.file` counts them. */
  readonly files: readonly { readonly path: string; readonly track: Track }[]
  /** At least one. */
  readonly fragments: readonly Fragment[]
  readonly out: string
  /** Null: nothing is encrypted. */
  readonly cipher: TrackCipher | null
  readonly signal: AbortSignal
}

/** Where everything lies in the file. */
export interface TrackLayout {
  /** Bytes of the beginning, and of the index after it. */
  readonly init: number
  readonly index: number
  readonly segments: readonly Range[]
  /** Each fragment up to the end of its first sample. */
  readonly keyframes: readonly Range[]
}

/** Writes the file and answers where everything lies in it. Rejects with `AttemptFailed('verify_failed')` where a file is shorter than its tables say, and as `createSink`. */
export async function writeTrack({
  name,
  head,
  files,
  fragments,
  out,
  cipher,
  signal,
}: TrackJob): Promise<TrackLayout> {
  const sizes = segmentSizes(fragments, head.timescale)
  const index = indexBytes(sizes.length)
  const to = await open(out, 'w')
  try {
    const sink = createSink(to, { name, init: initOf(head), last: lastOf(fragments, sizes), cipher })
    const init = sink.init.length
    await to.write(sink.init)
    await to.write(Buffer.alloc(index))
    const written: Written[] = []
    for (const [file, { path, track }] of files.entries()) {
      signal.throwIfAborted()
      const own = fragments.filter((fragment) => fragment.file === file)
      if (own.length > 0) written.push(...(await copyFragments(sink, own, { path, track })))
    }
    const ranges = rangesOf(fragments, written, init + index)
    const segments = grouped(ranges, sizes)
    const { timescale } = head
    // What is encrypted has its size only now.
    await to.write(indexOf(segments, { timescale, start: fragments[0]!.start }), 0, index, init)
    const keyframes = ranges.map((range, at) => ({ ...range, bytes: written[at]!.keyBytes }))
    return { init, index, segments, keyframes }
  } finally {
    await to.close()
  }
}

/** Where each fragment lies. It lasts until the next one begins: a picture that no decoder could read leaves no hole. */
function rangesOf(fragments: readonly Fragment[], written: readonly Written[], from: number): Range[] {
  let offset = from
  return fragments.map(({ start, end }, at) => {
    const { bytes } = written[at]!
    const range = { offset, bytes, start, duration: (fragments[at + 1]?.start ?? end) - start }
    offset += bytes
    return range
  })
}

function grouped(ranges: readonly Range[], sizes: readonly number[]): Range[] {
  let at = 0
  return sizes.map((size) => {
    const group = ranges.slice(at, at + size)
    at += size
    const sum = (of: 'bytes' | 'duration') => group.reduce((total, range) => total + range[of], 0)
    return { offset: group[0]!.offset, bytes: sum('bytes'), start: group[0]!.start, duration: sum('duration') }
  })
}

/** The last fragment of each segment. */
function lastOf(fragments: readonly Fragment[], sizes: readonly number[]): ReadonlySet<Fragment> {
  let end = 0
  return new Set(
    sizes.map((size) => {
      end += size
      return fragments[end - 1]!
    }),
  )
}

async function copyFragments(
  to: Sink,
  fragments: readonly Fragment[],
  { path, track }: { readonly path: string; readonly track: Track },
): Promise<Written[]> {
  const from = await open(path, 'r')
  const written: Written[] = []
  try {
    for (const fragment of fragments) {
      const { head, from: first, to: end } = fragment
      await to.write(head)
      for (const stretch of stretchesOf(track, first, end)) await readStretch(from, stretch, (bytes) => to.write(bytes))
      written.push(await to.wrote(fragment))
    }
    return written
  } finally {
    await from.close()
  }
}
