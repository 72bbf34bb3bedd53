/** Elements of Matroska (RFC 9559) by name, and their bytes. Pure. */

/** The numbers (ids) of the elements that are read and written here. */
export const ID = {
  ebml: 0x1a45dfa3, version: 0x4286, readVersion: 0x42f7, idLength: 0x42f2, sizeLength: 0x42f3, docType: 0x4282,
  docVersion: 0x4287, docReadVersion: 0x4285, segment: 0x18538067, seekHead: 0x114d9b74, seek: 0x4dbb, seekId: 0x53ab,
  seekPosition: 0x53ac, info: 0x1549a966, scale: 0x2ad7b1, duration: 0x4489, title: 0x7ba9, muxer: 0x4d80, writer: 0x5741,
  tracks: 0x1654ae6b, trackEntry: 0xae, trackNumber: 0xd7, trackUid: 0x73c5, trackType: 0x83, isDefault: 0x88, isForced: 0x55aa,
  isForDeaf: 0x55ab, isForBlind: 0x55ac, isDescriptions: 0x55ad, isOriginal: 0x55ae, isCommentary: 0x55af, hasLacing: 0x9c,
  frameDuration: 0x23e383, name: 0x536e, language: 0x22b59c, codecId: 0x86, codecPrivate: 0x63a2, codecDelay: 0x56aa,
  seekPreRoll: 0x56bb, video: 0xe0, interlaced: 0x9a, pixelWidth: 0xb0, pixelHeight: 0xba, projection: 0x7670, yaw: 0x7673, roll: 0x7675, audio: 0xe1,
  color: 0x55b0, matrix: 0x55b1, range: 0x55b9, transfer: 0x55ba, primaries: 0x55bb, maxCll: 0x55bc, maxFall: 0x55bd,
  mastering: 0x55d0, redX: 0x55d1, redY: 0x55d2, greenX: 0x55d3, greenY: 0x55d4, blueX: 0x55d5, blueY: 0x55d6, whiteX: 0x55d7,
  whiteY: 0x55d8, luminanceMax: 0x55d9, luminanceMin: 0x55da,
  cluster: 0x1f43b675, timestamp: 0xe7, simpleBlock: 0xa3, blockGroup: 0xa0, block: 0xa1, blockDuration: 0x9b, reference: 0xfb,
  cues: 0x1c53bb6b, cuePoint: 0xbb, cueTime: 0xb3, cuePlace: 0xb7, cueTrack: 0xf7, cueCluster: 0xf1,
  attachments: 0x1941a469, attachedFile: 0x61a7, fileName: 0x466e, fileType: 0x4660, fileData: 0x465c, fileUid: 0x46ae,
  chapters: 0x1043a770, edition: 0x45b9, atom: 0xb6, chapterUid: 0x73c4, atomStart: 0x91, atomEnd: 0x92, display: 0x80,
  chapterTitle: 0x85, chapterLanguage: 0x437c, tags: 0x1254c367, tag: 0x7373, targets: 0x63c0, tagTrack: 0x63c5,
  simpleTag: 0x67c8, tagName: 0x45a3, tagText: 0x4487,
} as const // biome-ignore format: groups

/** A length or a track as a number of variable length: in 1 to 8 bytes, or in so many (`bytes`). */
export function vint(value: number, bytes = vintLength(value)): Buffer {
  const out = Buffer.alloc(bytes)
  let left = value
  for (let at = bytes - 1; at >= 0; at--) {
    out[at] = left % 256
    left = Math.floor(left / 256)
  }
  out[0]! |= 0x80 >> (bytes - 1)
  return out
}

/** Bytes of the shortest form of a number; all ones would be an unknown length. */
export function vintLength(value: number): number {
  let bytes = 1
  while (value >= 2 ** (7 * bytes) - 1) bytes++
  return bytes
}

/** The number of a kind of element (`id`), as it stands in a file. */
export function idBytes(id: number): Buffer {
  const length = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1
  const out = Buffer.alloc(length)
  out.writeUIntBE(id, 0, length)
  return out
}

/** The head of an element of the kind `id` with a body of so many bytes (`length`). */
export const head = (id: number, length: number): Buffer => Buffer.concat([idBytes(id), vint(length)])

/** An element of the kind `id`, a number, with a body of these parts. */
export function element(id: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([head(id, length), ...parts])
}

/** An unsigned number (`value`) in the fewest bytes, or in so many (`bytes`); `id`: the number of its kind. */
export function uint(id: number, value: number, bytes?: number): Buffer {
  let length = bytes ?? 1
  while (bytes === undefined && value >= 256 ** length) length++
  const out = Buffer.alloc(length)
  let left = value
  for (let at = length - 1; at >= 0; at--) {
    out[at] = left % 256
    left = Math.floor(left / 256)
  }
  return element(id, out)
}

/** A number (`value`) of 8 bytes; `id`: the number of its kind. */
export function float(id: number, value: number): Buffer {
  const out = Buffer.alloc(8)
  out.writeDoubleBE(value)
  return element(id, out)
}

/** A text; `id`: the number of its kind. */
export const string = (id: number, text: string): Buffer => element(id, Buffer.from(text, 'utf8'))
