/**
 * Which coordinators should plan a video: a plan names an encoder of each rendition, which is one of the planner's own, as it makes the trial frame.
 * So that the plan follows what the workers have and not what one coordinator happens to have, those come first that have the encoders which the
 * workers of the mesh call for.
 */
import { chooseEncoder } from '../../media/codecs/choose-encoder.ts'
import type { Capability } from '../../protocol/capability.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { WorkerAbility } from '../../protocol/media.ts'
import { type Presence, presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import type { Video } from '../../protocol/video.ts'

/** A peer that can plan, with the encoders of its ffmpeg. */
export interface Planner {
  readonly peer: PeerId
  readonly encoders: readonly string[]
}

/** Who may plan, for whom, and who has the source. */
export interface PlannersView {
  readonly planners: readonly Planner[]
  readonly holders: readonly PeerId[]
  readonly workers: readonly WorkerAbility[]
}

/**
 * The planners that have each encoder which all of them together would name, those with the source first. Empty where no one has all of these, where one
 * that has the source does, and where all do: then the encoders decide nothing. Of encoders that are as good those of a holder are named. Pure.
 */
export function bestPlanners(renditions: readonly Rendition[], { planners, holders, workers }: PlannersView): PeerId[] {
  const holds = ({ peer }: Planner): number => Number(holders.includes(peer))
  const ordered = planners.toSorted((a, b) => holds(b) - holds(a) || (a.peer < b.peer ? -1 : 1))
  const encoders = [...new Set(ordered.flatMap((planner) => planner.encoders))]
  if (ordered.every((planner) => planner.encoders.length === encoders.length)) return []
  const wanted = renditions.flatMap((rendition) => chooseEncoder(rendition, encoders, workers) ?? [])
  const best = ordered.filter((planner) => wanted.every((word) => planner.encoders.includes(word)))
  const [first] = best
  return first === undefined || holds(first) || best.length === ordered.length ? [] : best.map(({ peer }) => peer)
}

/** The capability of this peer, which grows while its trial runs go on, and the peers that it hears. */
export interface PlannersModules extends Presence {
  readonly slots: number
  readonly capability: Capability
}

/** Makes the question which coordinators should plan a video, by what this peer hears now: `bestPlanners`. */
export function createPlanners({ self, slots, capability, peers, clock }: PlannersModules) {
  return ({ recipe, source }: Pick<Video, 'recipe' | 'source'>): readonly PeerId[] => {
    const heard = presentPeers(peers, clock.mono()).filter(({ beat }) => takesWork(beat))
    const others = heard.flatMap(({ peer, beat: { roles, encoders } }) =>
      roles.includes('coordinator') ? [{ peer, encoders }] : [],
    )
    const workers = [{ slots, ...capability }, ...heard.map(({ beat }) => beat)]
    const planners = [{ peer: self, encoders: capability.encoders }, ...others]
    return bestPlanners(recipe.renditions, { planners, holders: source.holders, workers })
  }
}
