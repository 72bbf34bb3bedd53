/** A short film of a test picture and a tone: what most tests need that ask for no more. */
import { writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import { ensureFfmpeg } from '../tools/ffmpeg.ts'

/** The film. */
export interface TestFilm {
  /** A path that ends in `.mp4`. */
  readonly out: string
  readonly seconds: number
  /** Subtitles, as SRT. */
  readonly words?: string
  /** More arguments of ffmpeg: how it is encoded. */
  readonly args?: readonly string[]
}

/** Pictures per second. */
export const TEST_FPS = 25

/** Makes it: 320x180 in H.264, every picture at a time of its own, with AAC. */
export async function makeTestFilm({ out, seconds, words, args = [] }: TestFilm): Promise<void> {
  const srt = `${out}.srt`
  if (words !== undefined) await writeFile(srt, words)
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, [
    ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${TEST_FPS}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=duration=${seconds}:r=48000`],
    ...(words === undefined ? [] : ['-i', srt, '-c:s', 'mov_text']),
    ...['-c:v', 'libx264', '-preset', 'ultrafast', ...args, '-c:a', 'aac', out],
  ])
}
