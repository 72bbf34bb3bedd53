/**
 * The tracks of sound of the results: what the audio renditions of a recipe make of the tracks of a source. Pure.
 *
 * A film is never silent by its recipe: where a source has none of the languages asked for, all tracks come along, and what cannot be copied
 * is encoded as AAC; notes say so.
 */
import type { Packaging } from '../protocol/artifact.ts'
import type { AudioRendition } from '../protocol/audio-rendition.ts'
import type { AudioFacts, Fate, SoundPlan } from '../protocol/plan.ts'
import type { Recipe } from '../protocol/recipe.ts'
import { nearestLayout, opusLayout } from './commands/audio.ts'
import { languageOf } from './probe/language.ts'

/**
 * The codecs that every build writes into a container, of those that every build decodes, and what it is called. FLAC in MP4 is an experiment before
 * ffmpeg 6.
 */
const HELD: Readonly<Record<Packaging, { readonly name: string; readonly codecs: RegExp }>> = {
  mp4: { name: 'MP4', codecs: /^(?:aac|ac3|eac3|dts|mp[23])$/ },
  mkv: { name: 'Matroska', codecs: /^(?:aac|ac3|eac3|dts|mp[23]|flac|vorbis|pcm_(?:u8|[sf]\d+le))$/ },
}

/** The tracks of a source that any audio rendition asks for, and the fates of the others. */
export function askedTracks(
  audio: readonly AudioFacts[],
  renditions: Recipe['audio'],
): { readonly audio: readonly AudioFacts[]; readonly fates: readonly Fate[] } {
  const asked = audio.filter((track) => renditions === undefined || renditions.some((each) => isAsked(track, each)))
  const languages = [...new Set((renditions ?? []).flatMap((each) => each.languages ?? []))].join(', ')
  if (asked.length === 0 && audio.length > 0) {
    const note = `No audio track has one of the languages asked for (${languages}): all are kept.`
    return { audio, fates: [{ part: 'languages of the sound', fate: 'kept', note }] }
  }
  const fates = audio
    .filter((track) => !asked.includes(track))
    .map((track): Fate => {
      const note = `Audio track ${described(track)} is left out: its language is none of those asked for (${languages}).`
      return { part: `stream ${track.stream}`, fate: 'left_out', note }
    })
  return { audio: asked, fates }
}

function isAsked({ language }: AudioFacts, { languages }: AudioRendition): boolean {
  return languages === undefined || languages.some((tag) => languageOf({ tags: { language: tag } }).code === language)
}

/** The tracks of the results of a recipe with audio renditions, and what is to be said of them. `audio`: as tried. */
export function planSounds(
  recipe: Pick<Recipe, 'audio' | 'audio_kbps' | 'packaging'>,
  audio: readonly AudioFacts[],
): { readonly sounds: readonly SoundPlan[]; readonly fates: readonly Fate[] } {
  const { audio: renditions = [] } = recipe
  const planned = renditions.flatMap((rendition) => {
    const own = audio.filter((track) => isAsked(track, rendition))
    return own.map((track) => ({ rendition, track, sound: soundOf(track, rendition, recipe) }))
  })
  const all = planned.length > 0 ? planned : audio.map((track) => plain(track, renditions[0]!, recipe))
  const kept = all.filter((each, at) => !all.some((other, before) => repeats(each, other, before < at)))
  return {
    sounds: withDefault(kept.map(({ sound }) => sound)),
    fates: all.flatMap(({ rendition, track, sound }) => copyFate({ rendition, track, sound }, recipe)),
  }
}

interface Planned {
  readonly rendition: AudioRendition
  readonly track: AudioFacts
  readonly sound: SoundPlan
}

type Wanted = Pick<Recipe, 'audio_kbps' | 'packaging'>

const plain = (track: AudioFacts, rendition: AudioRendition, recipe: Wanted): Planned => ({
  rendition,
  track,
  sound: soundOf(track, rendition, recipe),
})

/** Whether a track of the results would hold the same as another: a rendition that asks for more channels than the source has, or an encode in place of a copy. */
function repeats({ rendition, sound }: Planned, other: Planned, isEarlier: boolean): boolean {
  const isSame =
    sound.stream === other.sound.stream && sound.codec === other.sound.codec && sound.layout === other.sound.layout
  const isExact = rendition.channels === sound.channels
  return (
    isSame &&
    other.rendition !== rendition &&
    (isExact ? isEarlier && sound.kbps === other.sound.kbps : isEarlier || other.rendition.channels === sound.channels)
  )
}

function soundOf(track: AudioFacts, { codec, channels, kbps }: AudioRendition, recipe: Wanted): SoundPlan {
  const { stream, flags } = track
  if (codec === 'copy' && canCopy(track, recipe.packaging))
    return { stream, codec, channels: track.source_channels, layout: track.layout, kbps: 0, flags }
  const mixed = channels === undefined || track.channels <= channels ? track : nearestLayout(channels)
  const { layout, channels: count } = codec === 'opus' ? opusLayout(mixed) : mixed
  const rate = kbps === undefined || channels === undefined ? recipe.audio_kbps * count : (kbps * count) / channels
  return { stream, codec: codec === 'copy' ? 'aac' : codec, channels: count, layout, kbps: rate, flags }
}

/** Whether the container holds the packets of a track, and the trial has shown a copy to be the same. */
const canCopy = ({ codec, extra }: AudioFacts, packaging: Packaging): boolean =>
  HELD[packaging].codecs.test(codec) && (extra === 'copied' || extra === 'none')

/** Of the tracks of one of the source only the first is a default; where a filter has left the default out it is the first of all. */
function withDefault(sounds: readonly SoundPlan[]): SoundPlan[] {
  const isFirst = ({ stream }: SoundPlan, at: number) => sounds.findIndex((each) => each.stream === stream) === at
  const isDefault = ({ flags }: SoundPlan) => flags.includes('default')
  const none = !sounds.some(isDefault)
  return sounds.map((sound, at) => {
    const others = sound.flags.filter((flag) => flag !== 'default')
    const isKept = none ? at === 0 : isDefault(sound) && isFirst(sound, at)
    return { ...sound, flags: isKept ? ['default', ...others] : others }
  })
}

function copyFate({ track, rendition, sound }: Planned, { packaging }: Wanted): Fate[] {
  if (rendition.codec !== 'copy') return []
  const part = `stream ${track.stream}`
  if (sound.codec === 'copy') return [{ part, fate: 'kept', note: null }]
  const { name, codecs } = HELD[packaging]
  const why = codecs.test(track.codec) ? ', as its copy does not decode to the same sound' : ` into ${name}`
  const note = `Audio track ${described(track)} cannot be copied${why}: it is encoded as AAC.`
  return [{ part, fate: 'converted', note }]
}

const described = ({ stream, codec, language }: AudioFacts): string =>
  `${stream} (${codec || 'unknown'}${language && `, ${language}`})`
