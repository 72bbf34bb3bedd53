/**
 * An audio rendition: one way in which the sound is encoded, as a document of the recipe. Every result of a video holds the tracks of all of
 * them, in the order of the recipe.
 */
import { z } from 'zod'

/** What encodes a track; `copy`: nothing, its packets stay as they are. */
export const AUDIO_CODECS = ['aac', 'opus', 'copy'] as const
/** Numbers of channels that tracks are mixed down to: mono, stereo, 5.1 and 7.1. */
export const CHANNEL_COUNTS = [1, 2, 6, 8] as const

/** One way in which the sound is encoded. */
export interface AudioRendition {
  readonly codec: (typeof AUDIO_CODECS)[number]
  /** The most channels that a track has: those with more are mixed down. Absent: as many as the source, as far as the codec holds them. */
  readonly channels?: (typeof CHANNEL_COUNTS)[number] | undefined
  /**
   * kb/s of a track with all of `channels`; one with fewer has its share. Only beside `channels`: where tracks have any number of them a rate
   * of each channel fits, which is the recipe's `audio_kbps`, and that of a track with no `kbps`.
   */
  readonly kbps?: number | undefined
  /** The languages of its tracks, as ISO 639-2 or BCP 47, of which the language counts; `und` is a track of none. Absent: all. */
  readonly languages?: readonly string[] | undefined
}

/** Number of audio renditions of a recipe. */
export const AUDIO_RENDITIONS_MAX = 8
/** kb/s of one channel, at least and at most. */
export const [CHANNEL_KBPS_MIN, CHANNEL_KBPS_MAX] = [16, 256] as const
/** A language as a recipe names it, such as `deu`, `de` or `pt-BR`. */
export const LANGUAGE = /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}$/

/** An audio rendition as people and programs may give it. */
export const audioRenditionSchema = z
  .strictObject({
    codec: z.enum(AUDIO_CODECS).describe('`aac`, `opus`, or `copy`: the packets of the source as they are'),
    channels: z
      .union(
        CHANNEL_COUNTS.map((count) => z.literal(count)),
        'must be 1, 2, 6 or 8',
      )
      .optional()
      .describe('the most channels of a track: one with more is mixed down; absent: as many as the source'),
    kbps: z
      .number()
      .int()
      .optional()
      .describe('kb/s of a track with all of `channels`, one with fewer has its share; absent: `audio_kbps` a channel'),
    languages: z
      .array(z.string().regex(LANGUAGE, 'must be a language such as deu, de or pt-BR'))
      .min(1)
      .max(32)
      .readonly()
      .optional()
      .describe('ISO 639-2 or BCP 47, of which the language counts; `und` for tracks of none; absent: all tracks'),
  })
  .superRefine(({ codec, channels, kbps }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message })
    if (codec === 'copy' && (channels !== undefined || kbps !== undefined))
      refuse('sound that is copied keeps its channels and its rate: leave out channels and kbps')
    else if (kbps !== undefined && channels === undefined)
      refuse('kbps is the rate of a track with all of its channels: give channels too')
    else if (kbps !== undefined && channels !== undefined && !isSense(kbps, channels))
      refuse(`kbps must be ${CHANNEL_KBPS_MIN * channels} to ${CHANNEL_KBPS_MAX * channels} for ${channels} channels`)
  })
  .meta({ id: 'AudioRendition', description: 'One way in which the sound is encoded.' })

const isSense = (kbps: number, channels: number): boolean =>
  kbps >= CHANNEL_KBPS_MIN * channels && kbps <= CHANNEL_KBPS_MAX * channels

/** A list of audio renditions as people and programs may give it. */
export const audioRenditionsSchema = z.array(audioRenditionSchema).min(1).max(AUDIO_RENDITIONS_MAX).readonly()
