/** The bit depth of a pixel format, by its name, and the name of a decoder in a task's class. Pure. */

/** Bits per component: `yuv420p10le` 10, `p010le` 10, `rgb48le` 16, `yuv420p` 8. */
export function depthOf(pixelFormat: string): number {
  if (/(?:48|64|f32)(?:le|be)$/.test(pixelFormat)) return 16
  return Number(/(9|10|12|14|16)(?:le|be)$/.exec(pixelFormat)?.[1] ?? 8)
}

/** Codecs of which some builds decode only 8 bits; of the others a build decodes every depth or none. */
const OFTEN_SHALLOW = new Set(['h264', 'hevc', 'vp9', 'av1'])

/**
 * The name of a decoder in a class: `h264`, `hevc10`; with a dash where the name of the codec ends in a digit: `h264-10`, `vp9-10`. All depths
 * above 8 bits have the same name: no build is known that decodes 10 and not 12.
 */
export function decoderName(codec: string, bitDepth: number): string {
  if (bitDepth === 8 || !OFTEN_SHALLOW.has(codec)) return codec
  return /\d$/.test(codec) ? `${codec}-10` : `${codec}10`
}
