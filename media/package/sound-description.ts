/** What manifests say of tracks of sound for people to choose by, from the plan alone. Pure. */
import type { AudioFacts, Plan, SoundPlan } from '../../protocol/plan.ts'
import { soundFacts, soundsOf } from '../../protocol/sound-plan.ts'
import type { SoundFacts } from './facts.ts'
import { type Labelled, labelled } from './labels.ts'

/** What a plan says of a track. */
export type SoundDescription = Pick<SoundFacts, 'language' | 'label' | 'channels' | 'isDefault' | 'isDescription'>

/** The tracks of sound of the results, in order. */
export function describeSounds(plan: Pick<Plan, 'audio' | 'audio_kbps' | 'sounds'>): SoundDescription[] {
  const planned = soundsOf(plan)
  const labels = soundLabels(planned, soundFacts(plan))
  return planned.map(({ channels, flags }, at) => ({
    ...labels[at]!,
    channels,
    isDefault: isDefault(planned, at),
    isDescription: flags.includes('visual_impaired') || flags.includes('descriptions'),
  }))
}

/** The labels of tracks of sound: unique among those of one codec, as players offer only those at once. */
function soundLabels(planned: readonly SoundPlan[], facts: readonly AudioFacts[]): Labelled[] {
  const labels: Labelled[] = []
  for (const places of Map.groupBy(planned.keys(), (at) => planned[at]!.codec).values()) {
    const own = labelled(places.map((at) => facts[at]!))
    for (const [number, at] of places.entries()) labels[at] = own[number]!
  }
  return labels
}

/** Of each codec the first track that the source marks as its default, else the first. */
function isDefault(planned: readonly SoundPlan[], at: number): boolean {
  const same = planned.filter(({ codec }) => codec === planned[at]!.codec)
  return planned[at] === (same.find(({ flags }) => flags.includes('default')) ?? same[0])
}
