/** Which films are encoded in other ways because they are short. Pure. */
import { CHUNKS_OF_SHORT } from './limits.ts'
import type { Plan } from './plan.ts'

/** Number of channels of sound that every build encodes alike. */
const COMMON_CHANNELS = 8

/** Whether one ffmpeg may make all of the film at once: one chunk, and its pictures and sound are read from the source itself. */
export const isOneEncode = ({ chunks, cut_format, audio }: Pick<Plan, 'chunks' | 'cut_format' | 'audio'>): boolean =>
  chunks.length === 1 &&
  cut_format === 'none' &&
  audio.length > 0 &&
  audio.every(({ extra, channels }) => extra === 'none' && channels <= COMMON_CHANNELS)

/** Whether a film has so few chunks that slots would be idle while its last ones are encoded. */
export const isShortFilm = ({ chunks }: Pick<Plan, 'chunks'>): boolean => chunks.length <= CHUNKS_OF_SHORT
