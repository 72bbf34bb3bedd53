/** The sound of the results, as a part of the plan: which tracks there are, and what encodes them. */
import { formatKindClass } from './capability.ts'
import type { AudioFacts, Plan, SoundPlan } from './plan.ts'

/** The tracks of sound of the results, in order. */
export const soundsOf = ({
  audio,
  audio_kbps,
  sounds,
}: Pick<Plan, 'audio' | 'audio_kbps' | 'sounds'>): readonly SoundPlan[] =>
  sounds ??
  audio.map(({ stream, channels, layout, flags }) => {
    return { stream, codec: 'aac', channels, layout, kbps: audio_kbps * Math.max(1, channels), flags }
  })

/** What the source says of the track of each of `soundsOf`, with the flags that it has in the results. */
export const soundFacts = (plan: Parameters<typeof soundsOf>[0]): AudioFacts[] =>
  soundsOf(plan).map(({ stream, flags }) => ({ ...plan.audio.find((track) => track.stream === stream)!, flags }))

/** The class of the task that encodes the sound: its kind, and what not every build encodes. */
export const soundClass = ({ sounds = [] }: Pick<Plan, 'sounds'>, kind: string): string =>
  formatKindClass(kind, sounds.some(({ codec }) => codec === 'opus') ? ['opus'] : [])
