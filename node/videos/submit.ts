/**
 * Submits a file: checks it, hashes it, records it by reference, and writes the video to the ledger. The file is never copied, moved or
 * changed. An unusable file is refused in one sentence before anything is written. A delivery that was made here before is opened again only
 * where its files are missing or changed: the mesh has removed their blobs, and would encode them all again. Another delivery of the same
 * files is made from those that lie here.
 */
import { deliveryNames } from '../../ledger/documents.ts'
import type { SubmitKey } from '../../protocol/api.ts'
import type { BlobStore } from '../../protocol/blobs.ts'
import { checkDeadline } from '../../protocol/deadline.ts'
import type { OpenDestination } from '../../protocol/destination.ts'
import { refusedAt } from '../../protocol/errors.ts'
import type { Hints } from '../../protocol/hints.ts'
import { type PeerId, videoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Media } from '../../protocol/media.ts'
import { canonicalRecipe, type Recipe } from '../../protocol/recipe.ts'
import type { SharedFolders, SharedSource } from '../../protocol/shared-folder.ts'
import { type OpenSource, readContent, type SourceContent, unsettled } from '../../protocol/source.ts'
import { isSamePlace, isUndelivered, type NewDelivery, type Video } from '../../protocol/video.ts'
import type { AcceptedDeliveries } from '../host/accepted-deliveries.ts'
import type { MustBeAble } from '../ladders/refuse-unable.ts'
import { areInPlace, takeBack } from './delivered-before.ts'
import type { DeliveryFolders } from './delivery-folders.ts'
import { readKey, withKey } from './package-key.ts'
import type { PendingSubmits } from './pending-submits.ts'
import { holdContents, type ReadSubtitle, readSubtitles, type WantedSubtitle } from './subtitle-files.ts'

/** The parts that a submit uses. */
export interface SubmitOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly media: Media
  readonly openSource: OpenSource
  readonly openDestination: OpenDestination
  readonly folders: SharedFolders
  readonly deliveryFolders: DeliveryFolders
  readonly accepted: Pick<AcceptedDeliveries, 'accept'>
  readonly pendingSubmits: PendingSubmits
  readonly hints: Pick<Hints, 'publish'>
  readonly mustBeAble: MustBeAble
}

/** One file to encode. */
export interface SubmitRequest {
  /** Absolute path of the source. */
  readonly path: string
  /** The identity of the file that is meant (`SourceFacts`): another one at the path is refused. */
  readonly identity?: string | undefined
  readonly recipe: Recipe
  /** An integer; tasks of the highest number are claimed first. */
  readonly priority: number
  /** Ms since 1970; null without one. */
  readonly deadline: number | null
  /** Absolute path of the folder to deliver to; null for none. */
  readonly out: string | null
  readonly name?: string
  /** Files of text subtitles that come along. */
  readonly subtitles?: readonly WantedSubtitle[]
  /** Encrypts the package of the recipe. */
  readonly hls_key?: SubmitKey | undefined
  /** Endpoints of its webhooks. */
  readonly webhooks?: readonly string[]
  readonly signal: AbortSignal
}

/** The video, and whether it is new (`created`), existed (`joined`) or had failed or been cancelled (`retried`). */
export type Submitted = Awaited<ReturnType<Ledger['submit']>>

/**
 * Submits a file: checks it, hashes it, records it by reference, and writes the video to the ledger. The function rejects with
 * `RecipeRefused`, `SourceRefused`, `SourceUnsettled` where the file still grows, and `LedgerUnavailable`.
 */
export function createSubmit(options: SubmitOptions): (request: SubmitRequest) => Promise<Submitted> {
  const { self, ledger, store, media, pendingSubmits } = options
  return async ({ path, priority, deadline, out, signal, ...request }) => {
    if (deadline !== null) checkDeadline(deadline, await ledger.now())
    const key =
      request.hls_key && (await readKey(request.hls_key, options.openSource, signal).catch(refusedAt('hls_key.path')))
    const asked = withKey(request.recipe, key)
    media.checkRecipe(asked)
    await options.mustBeAble(asked, signal)
    const source = options.openSource(path)
    await media.check(await source.input(), signal)
    const content = await readContent(source, signal)
    if (content.identity !== (request.identity ?? content.identity)) throw unsettled(source)
    const { sha256, bytes } = content
    const subtitles = await readSubtitles(request.subtitles ?? [], options.openSource, signal)
    const recipe = withSubtitles(asked, subtitles)
    const id = videoId(sha256, canonicalRecipe(recipe))
    const name = request.name ?? source.name
    pendingSubmits.begin(id)
    try {
      await source.hold(content, id, store, signal)
      await holdContents([...subtitles, ...(key ? [key] : [])], id, store)
      const shared = await sharedSource(path, content, request.subtitles ?? [], options.folders)
      const wanted = out === null ? null : { ...(await deliveryTo(out, name, options)), mode: content.mode }
      // Before the ledger has it: a delivery that this peer did not accept is not made.
      if (wanted && (await options.deliveryFolders.folderOf(id, wanted)) === 'refused')
        await options.accepted.accept({ video: id, dir: wanted.dir, name })
      const known = wanted && (await ledger.video(id))
      const delivery = known ? await stillWanted(known, wanted, options, signal) : wanted
      const submitted = await ledger.submit({
        _id: id,
        name,
        recipe,
        priority,
        deadline,
        source: { sha256, bytes, holders: [self], ...(shared && { shared }) },
        delivery,
        ...(request.webhooks && { webhooks: request.webhooks }),
      })
      if (submitted.outcome !== 'created' && deadline !== null) await ledger.setDeadline(id, deadline)
      if (!submitted.video.source.holders.includes(self)) await ledger.addVideoHolder(id, sha256, self)
      pendingSubmits.confirmed(id)
      options.hints.publish({ what: 'video', video: id })
      return submitted
    } catch (error) {
      pendingSubmits.unanswered(id)
      throw error
    }
  }
}

/** Where the source and its subtitles lie in a shared folder, while the file is the one that was read; null where in none. */
async function sharedSource(
  path: string,
  { identity }: Pick<SourceContent, 'identity'>,
  subtitles: readonly WantedSubtitle[],
  folders: SharedFolders,
): Promise<SharedSource | null> {
  const place = await folders.placeOf(path)
  const file = place && (await folders.file(place))
  if (file?.identity !== identity) return null
  const beside = await Promise.all(subtitles.map((each) => folders.placeOf(each.path)))
  const paths = beside.map((each) => (each?.folder === place!.folder ? each.path : ''))
  return { ...place!, mtime_ms: file.mtime_ms, ...(paths.length > 0 && { subtitles: paths }) }
}

/** The delivery into a folder of this machine, with its place where it lies in a shared one. */
async function deliveryTo(dir: string, name: string, { self, folders }: SubmitOptions): Promise<NewDelivery> {
  const shared = await folders.placeOf(dir)
  return { peer: self, dir, name, ...(shared && { shared }) }
}

const withSubtitles = (recipe: Recipe, subtitles: readonly ReadSubtitle[]): Recipe =>
  subtitles.length === 0 ? recipe : { ...recipe, subtitles: subtitles.map(({ file }) => file) }

/** The delivery to ask for: none where it was made before and its files are still there. */
async function stillWanted(
  video: Video,
  wanted: NewDelivery,
  options: SubmitOptions,
  signal: AbortSignal,
): Promise<NewDelivery | null> {
  if (video.status !== 'COMPLETED') return wanted
  const names = deliveryNames(video._id, wanted.name)
  const before = video.deliveries.filter((one) => isSamePlace(one, wanted) && names.includes(one.name))
  if (
    before.length > 0 &&
    !isUndelivered({ deliveries: before }) &&
    (await areInPlace(
      video,
      before.map(({ name }) => ({ dir: wanted.dir, name })),
      options.openDestination,
      signal,
    ))
  )
    return null
  // While another delivery is open the mesh retains the results.
  if (!isUndelivered(video)) await takeBack(video, options, signal)
  return wanted
}
