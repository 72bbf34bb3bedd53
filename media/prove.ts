/** placeholder */
import type { Proof } from '../protocol/media.ts'
import type { Programs } from './run-ffmpeg.ts'

export function createProver(_programs: Programs, _cacheDir: string | null): (signal: AbortSignal) => Promise<Proof> {
  return async () => ({ ffmpeg: '5.1', decoders: ['h264', 'hevc', 'vp9', 'vp8', 'av1', 'mpeg2video', 'mpeg4', 'h264-10', 'hevc10'], encoders: ['x264', 'x265-199'], filters: ['zscale', 'bwdif', 'mpegts'], encode_bytes: 5e8, cores_per_slot: 1 })
}
