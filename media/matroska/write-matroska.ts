/**
 * Writes a Matroska file from packets that lie in other files. Not ffmpeg's: its files differ between builds in a dozen places, begin later by what an
 * encoder of sound has added before the first sample, and have random numbers; these have the same bytes whoever writes them.
 *
 * Times are whole ms, as nearly all files have them: a scale of ns holds no rate such as 30,000/1,001 exactly either, and players seek by ms. All positions are
 * known before the first byte is written, so that the index (Cues) stands in front of the packets.
 */
import { open } from 'node:fs/promises'
import { blockHead, type Cluster, clustersOf, durationOf, type WrittenTrack } from './clusters.ts'
import { element, float, head, ID, string, uint, vint } from './elements.ts'
import { Out, Sources, WINDOW_BYTES } from './files.ts'
import type { Attached } from './read-matroska.ts'

/** A file to write. The first track is the picture. */
export interface WrittenFile {
  readonly tracks: readonly WrittenTrack[]
  /** ms. */
  readonly duration: number
  /** '' where the film has none. */
  readonly title: string
  readonly attached: readonly Attached[]
  /** The elements Chapters and Tags; empty where there are none. */
  readonly chapters: Buffer
  readonly tags: Buffer
}

/** Writes the file. Rejects with the signal's reason and the error of the file system. `onProgress`: a share, 0–1. */
export async function writeMatroska(
  path: string,
  file: WrittenFile,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress?: ((done: number) => void) | undefined },
): Promise<void> {
  const clusters = clustersOf(file.tracks)
  const out = new Out(await open(path, 'w'))
  const sources = new Sources()
  try {
    const attachments = attachmentHeads(file.attached)
    await out.write(headOf(file, clusters, attachments))
    for (const [at, attached] of file.attached.entries()) {
      await out.write(attachments.heads[at]!)
      for (let done = 0; done < attached.size; done += WINDOW_BYTES) {
        const size = Math.min(WINDOW_BYTES, attached.size - done)
        await out.write(await sources.read(attached.path, attached.offset + done, size))
      }
    }
    await out.write(tailOf(file, clusters, attachments))
    for (const [number, cluster] of clusters.entries()) {
      signal.throwIfAborted()
      await out.write(Buffer.concat([head(ID.cluster, cluster.length), uint(ID.timestamp, cluster.time)]))
      for (const placed of cluster.packets) {
        const { files, file: own, offsets, sizes } = file.tracks[placed.track]!.packets
        const source = files[own?.[placed.at] ?? 0]!
        await out.write(blockHead(file.tracks, placed, cluster.time))
        await out.write(await sources.read(source, offsets[placed.at]!, sizes[placed.at]!))
        const duration = durationOf(file.tracks, placed)
        if (duration !== null) await out.write(uint(ID.blockDuration, duration))
      }
      onProgress?.((number + 1) / clusters.length)
    }
    await out.flush()
  } finally {
    await sources.close()
    await out.close()
  }
}

interface Attachments {
  /** All that stands before the bytes of each file. */
  readonly heads: readonly Buffer[]
  /** Bytes of the whole element; 0 without files. */
  readonly length: number
}

function attachmentHeads(files: readonly Attached[]): Attachments {
  const bodies = files.map(({ name, type, size }, at) =>
    Buffer.concat([
      string(ID.fileName, name), string(ID.fileType, type), uint(ID.fileUid, at + 1), head(ID.fileData, size),
    ]),
  ) // biome-ignore format: groups
  const own = bodies.map((body, at) => Buffer.concat([head(ID.attachedFile, body.length + files[at]!.size), body]))
  const inner = own.reduce((sum, body, at) => sum + body.length + files[at]!.size, 0)
  if (files.length === 0) return { heads: [], length: 0 }
  const all = head(ID.attachments, inner)
  const [first, ...others] = own
  return { heads: [Buffer.concat([all, first!]), ...others], length: all.length + inner }
}

const EBML = element(
  ID.ebml,
  uint(ID.version, 1), uint(ID.readVersion, 1), uint(ID.idLength, 4), uint(ID.sizeLength, 8),
  string(ID.docType, 'matroska'), uint(ID.docVersion, 4), uint(ID.docReadVersion, 2),
) // biome-ignore format: groups

/** The elements in front of the attachments. */
function frontOf({ tracks, duration, title }: WrittenFile): Buffer[] {
  return [
    element(
      ID.info,
      uint(ID.scale, 1_000_000), float(ID.duration, duration), ...(title === '' ? [] : [string(ID.title, title)]),
      string(ID.muxer, 'Reelmesh'), string(ID.writer, 'Reelmesh'),
    ),
    element(ID.tracks, ...tracks.map(({ entry }, at) => element(ID.trackEntry, uint(ID.trackNumber, at + 1), uint(ID.trackUid, at + 1), entry))),
  ] // biome-ignore format: groups
}

/** Everything up to the attachments: the segment, and where each of its elements lies. */
function headOf(file: WrittenFile, clusters: readonly Cluster[], attachments: Attachments): Buffer {
  const [info, tracks] = frontOf(file) as [Buffer, Buffer]
  const cues = cuesOf(clusters, 0, file.tracks)
  const parts = [
    { id: ID.info, length: info.length },
    { id: ID.tracks, length: tracks.length },
    { id: ID.attachments, length: attachments.length },
    { id: ID.chapters, length: file.chapters.length },
    { id: ID.tags, length: file.tags.length },
    { id: ID.cues, length: cues.length },
  ]
  const seekHead = (at: number) => seekHeadOf(parts, at)
  const index = seekHead(seekHead(0).length)
  const length = index.length + parts.reduce((sum, part) => sum + part.length, 0) + clustersLength(clusters)
  return Buffer.concat([EBML, head8(ID.segment, length), index, info, tracks])
}

/** The elements after the attachments, up to the clusters. */
function tailOf(file: WrittenFile, clusters: readonly Cluster[], attachments: Attachments): Buffer {
  const start = headOf(file, clusters, attachments).length - EBML.length - head8(ID.segment, 0).length
  const { chapters, tags } = file
  const before = start + attachments.length + chapters.length + tags.length
  const cues = cuesOf(clusters, 0, file.tracks)
  return Buffer.concat([chapters, tags, cuesOf(clusters, before + cues.length, file.tracks)])
}

/** A head whose length has 8 bytes. */
const head8 = (id: number, length: number): Buffer => Buffer.concat([head(id, 0).subarray(0, -1), vint(length, 8)])

const clusterLength = ({ length }: Cluster): number => head(ID.cluster, length).length + length
const clustersLength = (clusters: readonly Cluster[]): number =>
  clusters.reduce((sum, each) => sum + clusterLength(each), 0)

/** `start`: bytes from the beginning of the segment's body to the end of this element. */
function seekHeadOf(parts: readonly { readonly id: number; readonly length: number }[], start: number): Buffer {
  let at = start
  const seeks = parts.flatMap(({ id, length }) => {
    const place = at
    at += length
    if (length === 0) return []
    return element(ID.seek, element(ID.seekId, head(id, 0).subarray(0, -1)), uint(ID.seekPosition, place, 8))
  })
  return element(ID.seekHead, ...seeks)
}

/** The index: where each cluster lies that begins with a whole picture. `start`: bytes from the beginning of the segment's body to the first cluster. */
function cuesOf(clusters: readonly Cluster[], start: number, tracks: readonly WrittenTrack[]): Buffer {
  const points: Buffer[] = []
  let place = start
  for (const cluster of clusters) {
    const first = cluster.packets.find(({ track }) => track === 0)
    const { times, keys } = tracks[0]!.packets
    if (first && keys[first.at] === 1) {
      const where = element(ID.cuePlace, uint(ID.cueTrack, 1), uint(ID.cueCluster, place, 8))
      points.push(element(ID.cuePoint, uint(ID.cueTime, times[first.at]!), where))
    }
    place += clusterLength(cluster)
  }
  return points.length === 0 ? Buffer.alloc(0) : element(ID.cues, ...points)
}
