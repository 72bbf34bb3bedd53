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

/** Whether several threads encode the chunk of this number, as slots are idle beside it: one of the last, or one of those that are encoded one at a time. */
export const hasThreads = (plan: Pick<Plan, 'chunks' | 'one_at_a_time'>, chunk: number): boolean =>
  plan.one_at_a_time === true || plan.chunks.length - chunk <= CHUNKS_OF_SHORT

/** Whether a film has so few chunks that each is one of its last. */
export const isShortFilm = ({ chunks }: Pick<Plan, 'chunks'>): boolean => chunks.length <= CHUNKS_OF_SHORT
