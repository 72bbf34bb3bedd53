/** Who can encode a recipe, and what the others lack. Pure. */
import { chooseEncoder } from '../../media/codecs/choose-encoder.ts'
import { encoderWords, usedPreset } from '../../media/codecs/codecs.ts'
import { allowsRendition } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import type { Rendition, RenditionId } from '../../protocol/rendition.ts'
import { codecText } from '../../protocol/settings-text.ts'

/** A peer of the mesh as it says what it is, in its heartbeat or in `status`. */
export type KnownPeer = Pick<Heartbeat, 'name' | 'slots' | 'speeds'> & {
  readonly roles: readonly string[]
  readonly encoders: readonly string[]
  readonly renditions: 'all' | readonly RenditionId[]
}

/** A part of a recipe, with the workers that can encode it, and what each other one lacks. */
export interface WhoCan {
  /** Id of a rendition; `sound` for what not every build encodes of it. */
  readonly part: RenditionId
  /** What an encoder must be able to write: `hevc 10 bit`. */
  readonly codec: string
  /** The encoder that a plan would name now, with its build family; null where no worker has one, and for sound. */
  readonly encoder: string | null
  /** Names of peers. */
  readonly able: readonly string[]
  /** `lacks`: a phrase, such as `has no encoder for av1`. */
  readonly unable: readonly { readonly name: string; readonly lacks: string }[]
}

type Wanted = Pick<Recipe, 'renditions' | 'audio'>

/** The workers that can encode each rendition, and sound that not every build encodes. */
export function whoCan({ renditions, audio = [] }: Wanted, peers: readonly KnownPeer[]): WhoCan[] {
  const workers = peers.filter(({ slots }) => slots > 0)
  const opus = audio.some(({ codec }) => codec === 'opus')
  const planners = peers.filter(({ roles }) => roles.includes('coordinator'))
  const own = new Set((planners.length > 0 ? planners : workers).flatMap(({ encoders }) => encoders))
  return [
    ...renditions.map((each) => {
      const chosen = chooseEncoder(each, [...own], workers)
      const encoder = chosen !== undefined && workers.some(({ encoders }) => encoders.includes(chosen)) ? chosen : null
      return partOf({ part: each.id, codec: codecText(each), encoder }, workers, (peer) => lackOf(peer, each, encoder))
    }),
    ...(opus
      ? [
          partOf({ part: 'sound', codec: 'opus', encoder: null }, workers, ({ encoders }) =>
            encoders.includes('opus') ? null : noEncoder('opus'),
          ),
        ]
      : []),
  ]
}

/** A sentence for each rendition that the encoder of a plan would make at another preset than it asks for, as its build shows wrong pictures at that. */
export const heldPresets = ({ renditions }: Wanted, parts: readonly WhoCan[]): string[] =>
  renditions.flatMap((rendition) => {
    const { encoder = null } = parts.find(({ part }) => part === rendition.id) ?? {}
    const used = encoder === null ? rendition.preset : usedPreset(rendition, encoder)
    if (used === rendition.preset) return []
    return [`${rendition.id} is encoded at preset ${used}, as ${encoder} shows wrong blocks at ${rendition.preset}.`]
  })

function partOf(
  part: Pick<WhoCan, 'part' | 'codec' | 'encoder'>,
  workers: readonly KnownPeer[],
  lack: (peer: KnownPeer) => string | null,
): WhoCan {
  const found = workers.map((peer) => ({ name: peer.name, lacks: lack(peer) }))
  return {
    ...part,
    able: found.filter(({ lacks }) => lacks === null).map(({ name }) => name),
    unable: found.flatMap(({ name, lacks }) => (lacks === null ? [] : [{ name, lacks }])),
  }
}

const noEncoder = (codec: string): string => `no encoder for ${codec}`

function lackOf(peer: KnownPeer, rendition: Rendition, encoder: string | null): string | null {
  const [own] = encoderWords(peer.encoders, rendition)
  if (own === undefined) return noEncoder(codecText(rendition))
  if (encoder !== null && !peer.encoders.includes(encoder)) return `${own}, and not ${encoder}`
  return allowsRendition(peer, rendition.id) ? null : `no leave of its owner (\`renditions\`) for ${rendition.id}`
}

/** Most peers that a sentence names for one reason. */
const NAMED_MAX = 4

/**
 * Why no peer of these can do the recipe, as a sentence: a rendition that no worker can encode, or no coordinator that can plan it with the
 * builds of the workers. Null where it can be done, and where there is no worker: one may come.
 */
export function whyNobody(wanted: Wanted, peers: readonly KnownPeer[]): string | null {
  const workers = peers.filter(({ slots }) => slots > 0)
  const missing = workers.length > 0 && whoCan(wanted, peers).find(({ able }) => able.length === 0)
  if (missing) {
    const whose = missing.part === 'sound' ? `the sound as ${missing.codec}` : `the rendition ${missing.part}`
    return `No peer of this mesh can encode ${whose}: ${lacksText(missing.unable)}.`
  }
  const coordinators = peers.filter(({ roles }) => roles.includes('coordinator'))
  const unable = coordinators.map((peer) => ({ name: peer.name, lacks: planLackOf(peer, wanted, workers) }))
  if (unable.length === 0 || unable.some(({ lacks }) => lacks === null)) return null
  return `No coordinator of this mesh can plan this ladder: ${lacksText(unable.map(({ name, lacks }) => ({ name, lacks: lacks! })))}.`
}

/** What a coordinator lacks to encode the trial frames of a plan: an encoder, or one of the build of a worker. */
function planLackOf({ encoders }: KnownPeer, { renditions }: Wanted, workers: readonly KnownPeer[]): string | null {
  for (const rendition of renditions) {
    const own = encoderWords(encoders, rendition)
    if (own.length === 0) return noEncoder(codecText(rendition))
    const shared = workers.filter((worker) =>
      encoderWords(worker.encoders, rendition).some((word) => own.includes(word)),
    )
    if (workers.length > 0 && !shared.some((worker) => allowsRendition(worker, rendition.id)))
      return `${own.join(' or ')}, and no worker has that build`
  }
  return null
}

/** `a and b have no encoder for av1; c has …`: peers by what they lack. */
function lacksText(unable: WhoCan['unable']): string {
  const byLack = Map.groupBy(unable, ({ lacks }) => lacks)
  return [...byLack].map(([lacks, peers]) => `${namesText(peers.map(({ name }) => name))} ${lacks}`).join('; ')
}

function namesText(names: readonly string[]): string {
  const [some, more] = [names.slice(0, NAMED_MAX), names.length - NAMED_MAX]
  if (more > 0) return `${some.join(', ')} and ${more} more have`
  return names.length === 1 ? `${names[0]} has` : `${some.slice(0, -1).join(', ')} and ${some.at(-1)} have`
}
