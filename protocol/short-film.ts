/** Which films are encoded in other ways because they are short, and which chunks as they are the last. Pure. */
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

/** Whether the chunk of this number is one of the last of its film, beside which slots would be idle: several threads encode it. */
export const isLastChunk = ({ chunks }: Pick<Plan, 'chunks'>, chunk: number): boolean =>
  chunks.length - chunk <= CHUNKS_OF_SHORT

/** Whether a film has so few chunks that each is one of its last. */
export const isShortFilm = (plan: Pick<Plan, 'chunks'>): boolean => isLastChunk(plan, 0)
