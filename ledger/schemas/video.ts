/** The schema of a video. */

import { PACKAGINGS } from '../../protocol/artifact.ts'
import {
  AUDIO_CODECS,
  AUDIO_RENDITIONS_MAX,
  type AudioRendition,
  CHANNEL_COUNTS,
} from '../../protocol/audio-rendition.ts'
import { FILE_MODE } from '../../protocol/destination.ts'
import { PACKAGE_FORMATS, type PackageKey, type PackageRecipe } from '../../protocol/package.ts'
import type { Recipe, SubtitleFile } from '../../protocol/recipe.ts'
import { RENDITIONS_MAX, type Rendition } from '../../protocol/rendition.ts'
import type { SharedPlace, SharedSource } from '../../protocol/shared-folder.ts'
import { type Delivery, VIDEO_STATUSES, type Video, type VideoSource } from '../../protocol/video.ts'
import { either, type Fields, list, nullable, object, oneOf, optional, textLike } from './check.ts'
import {
  absolutePath, artifact, count, countTo, finite, flag, heldBlob, integer, LIST_MAX, partName, peerId, positive, relativePath, sha256, sharedPath, text, videoId, webhookUrl, word,
} from './values.ts' // biome-ignore format: a list of words

const SUBTITLES_MAX = 1_000

const cap = { maxrate_kbps: optional(finite), bufsize_kb: optional(finite) }

/** How a rendition is encoded; what its codec cannot do is found before it is encoded (`whyRefused`). */
export const encoding = {
  id: partName,
  codec: word,
  rate: either(object({ crf: finite, ...cap }), object({ kbps: finite, ...cap })),
  preset: word,
  bit_depth: oneOf([8, 10]),
  profile: optional(word),
}

const rendition = object({
  ...encoding,
  box: object({ width: positive, height: positive }),
} satisfies Fields<Rendition>)

const subtitle = object({
  sha256,
  bytes: count,
  name: text,
  language: text,
  forced: flag,
  hearing_impaired: flag,
} satisfies Fields<SubtitleFile>)

const sound = object({
  codec: oneOf(AUDIO_CODECS),
  channels: optional(oneOf(CHANNEL_COUNTS)),
  kbps: optional(positive),
  languages: optional(list(word, LIST_MAX)),
} satisfies Fields<AudioRendition>)

const recipe = object({
  version: oneOf([2]),
  renditions: list(rendition, RENDITIONS_MAX),
  upscale: flag,
  keyframe_s: finite,
  audio_kbps: positive,
  audio: optional(list(sound, AUDIO_RENDITIONS_MAX)),
  packaging: oneOf(PACKAGINGS),
  package: optional(
    object({
      formats: list(oneOf(PACKAGE_FORMATS), PACKAGE_FORMATS.length),
      url_prefix: optional(text),
      only: optional(flag),
      segments: optional(flag),
      key: optional(
        object({ sha256, bytes: count, url: text, method: optional(oneOf(['cbcs'])) } satisfies Fields<PackageKey>),
      ),
    } satisfies Fields<PackageRecipe>),
  ),
  subtitles: optional(list(subtitle, SUBTITLES_MAX)),
  strict: optional(flag),
} satisfies Fields<Recipe>)

const place = {
  folder: textLike(/^[0-9a-f]{1,64}$/, ' is no id of a folder'),
  path: sharedPath,
} satisfies Fields<SharedPlace>

const source = object({
  ...heldBlob,
  shared: optional(
    object({
      ...place,
      mtime_ms: integer,
      subtitles: optional(list(sharedPath, SUBTITLES_MAX)),
    } satisfies Fields<SharedSource>),
  ),
} satisfies Fields<VideoSource>)

const delivery = object({
  peer: peerId,
  dir: absolutePath,
  name: relativePath,
  done_at: nullable(integer),
  shared: optional(object(place)),
  mode: optional(countTo(FILE_MODE)),
  term: optional(count),
} satisfies Fields<Delivery>)

/** A document of the collection `videos`. */
export const videoSchema = object({
  _id: videoId,
  name: text,
  created_at: integer,
  due: integer,
  deadline: nullable(integer),
  priority: integer,
  recipe,
  source,
  status: oneOf(VIDEO_STATUSES),
  plan: nullable(object({ sha256, tasks: count })),
  outputs: list(artifact, LIST_MAX),
  deliveries: list(delivery, LIST_MAX),
  webhooks: list(webhookUrl, LIST_MAX),
  failure: nullable(text),
  ended_at: nullable(integer),
  coordinator_term: count,
} satisfies Fields<Video>)
