/** A file that is submitted again once its film is finished, with a real disk and the ledger's model. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createBlobStore, type DiskBlobStore } from '../../blobs/blob-store.ts'
import { identityAt } from '../../files/file-hashes.ts'
import { renditionPath } from '../../protocol/artifact.ts'
import { plan, TERM } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { RecipeRefused, SourceUnsettled, UsageError } from '../../protocol/errors.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { SUBTITLE_BYTES_MAX } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Video } from '../../protocol/video.ts'
import { openDestination, openSource } from '../addresses.ts'
import { createAcceptedDeliveries } from '../host/accepted-deliveries.ts'
import { NO_SHARED_FOLDERS } from '../shared/shared-folders.ts'
import { deliveredPath } from './delivery.ts'
import { createDeliveryFolders } from './delivery-folders.ts'
import { createPendingSubmits } from './pending-submits.ts'
import { createSubmit, type SubmitRequest, type Submitted } from './submit.ts'

const self = asPeerId('12D3KooWme')
const FILMS = { '480p': 'small film', '720p': 'larger film' } as const

let dir = ''
let out = ''
let ledger: Ledger
let store: DiskBlobStore
let refusal: Error | null = null
let onCheck: () => Promise<void>
let submit: (change?: Partial<SubmitRequest>) => Promise<Submitted>

function thrown(error: Error): never {
  throw error
}

beforeEach(async () => {
  refusal = null
  onCheck = async () => {}
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-submit-'))
  out = join(dir, 'out')
  const path = join(dir, 'film.mov')
  await writeFile(path, 'a source')
  ledger = createLedgerModel({ now: () => 5, claimMs: 1_000, leaseMs: 1_000 })
  store = await createBlobStore({ dir: join(dir, 'store'), log: silentLog, isDurable: false })
  const accepted = createAcceptedDeliveries(join(dir, 'deliveries.json'))
  const submitter = createSubmit({
    self,
    ledger,
    store,
    media: { checkRecipe: () => refusal && thrown(refusal), check: () => onCheck() } as never,
    openSource,
    openDestination,
    folders: NO_SHARED_FOLDERS,
    deliveryFolders: createDeliveryFolders({ self, folders: NO_SHARED_FOLDERS, accepted, output: null }),
    accepted,
    pendingSubmits: createPendingSubmits({ mono: () => 0 }),
    hints: createHints(),
    mustBeAble: async () => {},
  })
  submit = (change) =>
    submitter({
      path,
      recipe: DEFAULT_RECIPE,
      priority: 0,
      deadline: null,
      out,
      signal: new AbortController().signal,
      ...change,
    })
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

/** The film was encoded and delivered, and this peer dropped what it had of it. */
async function finish(id: VideoId, name = 'film'): Promise<Video> {
  await ledger.startPlanning(id)
  await ledger.commitPlan(plan(id), 5)
  await ledger.startMerging(id, TERM)
  const outputs = (['480p', '720p'] as const).map((id) => {
    const sha256 = asSha256(createHash('sha256').update(FILMS[id]).digest('hex'))
    const holders = [asPeerId('12D3KooWgone')]
    return { path: renditionPath(id), media_type: 'video/mp4', sha256, bytes: FILMS[id].length, holders }
  })
  await ledger.completeVideo(id, outputs, TERM)
  await ledger.nameDelivery(id, { peer: self, dir: out, name: 'film' }, name)
  for (const rendition of ['480p', '720p'] as const) {
    await mkdir(dirname(fileOf(rendition, name)), { recursive: true })
    await writeFile(fileOf(rendition, name), FILMS[rendition])
  }
  await ledger.finishDelivery(id, { peer: self, dir: out })
  await store.drop(id)
  return (await ledger.video(id))!
}

const fileOf = (id: '480p' | '720p', name = 'film') => deliveredPath({ dir: out, name }, { path: renditionPath(id) })
const openDeliveries = ({ deliveries }: Video) =>
  deliveries.filter(({ done_at }) => done_at === null).map((one) => [one.dir, one.name])

describe('a film that is submitted', () => {
  it('has the mode of its file in its delivery, so that the results are for no more people', async () => {
    await chmod(join(dir, 'film.mov'), 0o640)
    assert.equal((await submit()).video.deliveries[0]?.mode, 0o640)
  })

  it('gets the deadline of the last submit that has one, and none that is decades away', async () => {
    const [first, later] = [await ledger.now(), (await ledger.now()) + 60_000]
    const { video } = await submit({ deadline: first })
    for (const [deadline, is] of [
      [null, first],
      [later, later],
    ] as const) {
      await submit({ deadline })
      assert.equal((await ledger.video(video._id))?.deadline, is)
    }
    await assert.rejects(submit({ deadline: later + 1e12 }), UsageError)
  })

  it('is the one that was meant, not what a link leads to that takes its place before it is read', async () => {
    const path = join(dir, 'film.mov')
    const secret = join(dir, 'private.mov')
    await writeFile(secret, 'a secret', { mode: 0o600 })
    const [identity, subtitle] = [await identityAt(path), await identityAt(secret)]
    onCheck = async () => {
      await rm(path)
      await symlink(secret, path)
    }
    await assert.rejects(submit({ identity: identity ?? '' }), SourceUnsettled)
    const beside = { path, language: '', forced: false, hearing_impaired: false }
    await assert.rejects(
      submit({ path: secret, subtitles: [{ ...beside, identity: identity ?? '' }] }),
      SourceUnsettled,
    )
    assert.deepEqual([await ledger.videos(), await store.videos()], [[], []])
    onCheck = async () => {}
    await submit({ path: secret, identity: subtitle ?? '' })
  })
})

describe('a finished film that is submitted again', () => {
  it('is refused with a recipe that no codec can follow, before anything is written', async () => {
    refusal = new RecipeRefused('The rendition 480p asks for the codec "av9".')
    await assert.rejects(submit(), refusal)
    assert.deepEqual([await ledger.videos(), await store.videos()], [[], []])
  })

  it('is not opened again where its files are in place, so that no peer makes them again', async () => {
    const { video } = await submit()
    const before = await finish(video._id)
    const again = await submit()
    assert.equal(again.outcome, 'joined')
    assert.deepEqual([again.video.status, again.video.deliveries], ['COMPLETED', before.deliveries])
  })

  it('is not asked for where they lie under the name with its id', async () => {
    const { video } = await submit()
    await finish(video._id, `film-${video._id}`)
    assert.deepEqual(openDeliveries((await submit()).video), [])
  })

  it('is delivered again where one of its files is gone', async () => {
    const { video } = await submit()
    await finish(video._id)
    await rm(fileOf('720p'))
    assert.deepEqual(openDeliveries((await submit()).video), [[out, 'film']])
    assert.deepEqual(await store.list(video._id), [], 'it is made again')
  })

  it('is delivered again where one of its files has other bytes of the same length', async () => {
    const { video } = await submit()
    await finish(video._id)
    await writeFile(fileOf('720p'), 'l4rger film')
    assert.deepEqual(openDeliveries((await submit()).video), [[out, 'film']])
    assert.deepEqual(await store.list(video._id), [], 'it is made again')
    assert.deepEqual(await readdir(join(dir, 'store', 'scratch')), [])
  })

  it('is delivered into another folder, and under another name, as well', async () => {
    const { video } = await submit()
    await finish(video._id)
    const other = join(dir, 'other')
    await submit({ out: other })
    const { deliveries } = (await submit({ name: 'second' })).video
    assert.deepEqual(
      deliveries.map(({ done_at, ...one }) => [one.dir, one.name, done_at]),
      [
        [out, 'film', 5],
        [other, 'film', null],
        [out, 'second', null],
      ],
    )
  })

  it('is delivered elsewhere from the files that lie here, which are held before the delivery is asked for', async () => {
    const { video } = await submit()
    const { outputs } = await finish(video._id)
    const asked = ledger.submit
    let held: readonly string[] = []
    ledger.submit = async (submission) => {
      held = await store.list(video._id)
      return await asked(submission)
    }
    await submit({ name: 'second' })
    assert.deepEqual([...held].sort(), outputs.map(({ sha256 }) => sha256).sort())
    for (const { sha256 } of outputs) assert.equal(await store.verify(sha256, video._id), true)
    for (const rendition of ['480p', '720p'] as const)
      assert.equal(await readFile(fileOf(rendition), 'utf8'), FILMS[rendition])
    assert.deepEqual(await readdir(join(dir, 'store', 'scratch')), [])
  })

  it('has this peer among the holders of what it took back', async () => {
    const { video } = await submit()
    await finish(video._id)
    assert.deepEqual(
      (await submit({ name: 'second' })).video.outputs.map(({ holders }) => holders),
      [
        [asPeerId('12D3KooWgone'), self],
        [asPeerId('12D3KooWgone'), self],
      ],
    )
  })

  it('holds subtitles with the source, as part of what the video is', async () => {
    const path = join(dir, 'film.en.srt')
    await writeFile(path, 'lines')
    const subtitles = [{ path, language: 'en', forced: false, hearing_impaired: true }]
    const [bare, { video }] = [await submit(), await submit({ subtitles })]
    assert.notEqual(video._id, bare.video._id)
    const [file] = video.recipe.subtitles ?? []
    assert.deepEqual([file?.name, file?.language, file?.hearing_impaired, file?.bytes], ['film.en', 'en', true, 5])
    assert.equal(await readFile((await store.find(asSha256(file?.sha256 ?? ''), video._id)) ?? '', 'utf8'), 'lines')
    assert.equal((await submit({ subtitles })).outcome, 'joined')
    await writeFile(path, Buffer.alloc(SUBTITLE_BYTES_MAX + 1))
    await assert.rejects(submit({ subtitles }), /film\.en\.srt has \d+ bytes, and a file of subtitles may have/)
  })
})
