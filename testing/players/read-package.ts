/** Reads a delivered package with parsers that others wrote (m3u8-parser, mpd-parser, mp4box), and with ffmpeg. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { Parser } from 'm3u8-parser'
import { createFile, MP4BoxBuffer } from 'mp4box'
import { parse } from 'mpd-parser'

/** A playlist, parsed. */
export async function playlist(path: string) {
  const parser = new Parser()
  parser.push(await readFile(path, 'utf8'))
  parser.end()
  return parser.manifest
}

/** The manifest of DASH, parsed. */
export const manifest = async (path: string) =>
  parse(await readFile(path, 'utf8'), { manifestUri: 'https://example.org/manifest.mpd' })

/** Length of a media playlist, seconds; its ranges lie behind one another. */
export async function checkedLength(path: string): Promise<number> {
  const { segments, endList, targetDuration } = await playlist(path)
  assert.equal(endList, true)
  let at: number | null = null
  for (const { byterange, duration } of segments) {
    if (byterange && at !== null) assert.equal(byterange.offset, at)
    if (byterange) at = byterange.offset + byterange.length
    assert.ok(Math.round(duration) <= targetDuration)
  }
  return segments.reduce((sum: number, { duration }: { duration: number }) => sum + duration, 0)
}

/** The bytes of a track of a package: of its file, or of the files of its folder. */
async function bytesOf(folder: string, track: string): Promise<Buffer> {
  const files = (await readdir(join(folder, track)).catch(() => [`../${track}.mp4`])).sort()
  const media = files.filter((name) => !name.endsWith('.sidx'))
  return Buffer.concat(await Promise.all(media.map((name) => readFile(join(folder, track, name)))))
}

/** What mp4box reads of a track: its codec, and when each sample is shown, seconds, in order. */
export async function boxesOf(folder: string, track: string): Promise<{ codec: string; times: number[] }> {
  const bytes = await bytesOf(folder, track)
  const file = createFile()
  const buffer = MP4BoxBuffer.fromArrayBuffer(new Uint8Array(bytes).buffer, 0)
  file.appendBuffer(buffer, true)
  file.flush()
  const [info] = file.getInfo().tracks
  assert.ok(info && file.getInfo().isFragmented)
  const delay = info.edits?.[0]?.media_time ?? 0
  const times = file.getTrackSamplesInfo(info.id).map(({ cts }) => (cts - delay) / info.timescale)
  return { codec: info.codec, times: times.sort((a, b) => a - b) }
}

/** When ffmpeg shows each picture of a file or playlist, seconds from the first, in order. */
export async function picturesOf(ffprobe: string, path: string): Promise<number[]> {
  const isPlaylist = path.endsWith('.m3u8')
  const { stdout } = await execa(ffprobe, [
    '-v', 'error', ...(isPlaylist ? ['-allowed_extensions', 'ALL', '-protocol_whitelist', 'file,crypto,data,http,tcp'] : []), '-select_streams', 'v:0', '-show_entries', 'frame=pts_time',
    '-of', 'csv=p=0', path,
  ]) // biome-ignore format: groups
  const times = stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseFloat(line)]))
  return times.map((time) => time - times[0]!)
}
