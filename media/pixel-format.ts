/** The bit depth of a pixel format, by its name, and the name of a decoder in a task's class. Pure. */

/** Bits per component: `yuv420p10le` 10, `p010le` 10, `rgb48le` 16, `yuv420p` 8. */
export function depthOf(pixelFormat: string): number {
  if (/(?:48|64|f32)(?:le|be)$/.test(pixelFormat)) return 16
  return Number(/(9|10|12|14|16)(?:le|be)$/.exec(pixelFormat)?.[1] ?? 8)
}

/** Codecs whose decoders may stop at 8 bits; of the others every depth comes in one piece. */
const OFTEN_SHALLOW = new Set(['h264', 'hevc', 'vp9', 'av1'])

/**
 * `h264`, `hevc10`; a dash where the codec's own name ends in a digit: `h264-10`, `vp9-10`. All beyond 8 bits are one
 * word: no build is known that has 10 and not 12.
 */
export function decoderName(codec: string, bitDepth: number): string {
  if (bitDepth === 8 || !OFTEN_SHALLOW.has(codec)) return codec
  return /\d$/.test(codec) ? `${codec}-10` : `${codec}10`
}
