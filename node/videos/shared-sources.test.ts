/** Sources in a shared folder on a real disk: held by each peer that sees the same file, and by none that sees another. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { createBlobStore, type DiskBlobStore } from '../../blobs/blob-store.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { SharedFolders } from '../../protocol/shared-folder.ts'
import { wholeVideoTask } from '../../protocol/task.ts'
import { openSource } from '../addresses.ts'
import { systemClock as clock, systemRng as rng } from '../host/system-clock.ts'
import { createKnownIds } from '../shared/known-ids.ts'
import { createSharedFolders } from '../shared/shared-folders.ts'
import { createSharedSources, type SharedSources } from './shared-sources.ts'

const ME = asPeerId('12D3KooWme')
const OTHER = asPeerId('12D3KooWother')
const ID = '0123456789abcdef' as VideoId
const { signal } = new AbortController()
const sha = (text: string) => asSha256(createHash('sha256').update(text).digest('hex'))

let dir = ''
let film = ''
let ledger: Ledger
let store: DiskBlobStore
let folders: SharedFolders
let reads: number
let sources: SharedSources

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-sources-'))
  await mkdir(join(dir, 'films', 'in'), { recursive: true })
  film = join(dir, 'films', 'in', 'a.mov')
  await writeFile(film, 'a film')
  // A time that can be set again exactly.
  await utimes(film, new Date(86_400_000), new Date(86_400_000))
  ledger = createLedgerModel({ now: () => 5, claimMs: 1_000, leaseMs: 1_000 })
  store = await createBlobStore({ dir: join(dir, 'store'), log: silentLog, isDurable: false })
  const settings = [{ name: 'films', path: join(dir, 'films') }]
  folders = createSharedFolders({ settings, clock, rng, known: createKnownIds(join(dir, 'known.json')) })
  await folders.look()
  reads = 0
  sources = madeSources(true)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

function madeSources(coordinates: boolean): SharedSources {
  const counted = (address: string) => {
    const source = openSource(address)
    const read: typeof source.read = (...given) => {
      reads++
      return source.read(...given)
    }
    return { ...source, read }
  }
  const isPresent = () => true
  return createSharedSources({
    self: ME, ledger, store, folders, openSource: counted, clock, log: silentLog, hints: createHints(), coordinates, isPresent,
  }) // biome-ignore format: one call
}

/** The film, as another peer has submitted it. */
async function submitted(path = 'in/a.mov'): Promise<void> {
  const { mtimeMs } = await stat(film)
  const [{ id: folder } = { id: '' }] = folders.seen()
  const shared = { folder, path, mtime_ms: Math.trunc(mtimeMs) }
  const source = { sha256: sha('a film'), bytes: 6, holders: [OTHER], shared }
  await ledger.submit({
    _id: ID,
    name: 'a',
    recipe: DEFAULT_RECIPE,
    priority: 0,
    deadline: null,
    source,
    delivery: null,
  })
}
const holders = async () => (await ledger.video(ID))?.source.holders
const round = () => sources.round(signal)
const problems = () => sources.problems().map(({ video, text }) => `${video}: ${text}`)

it('the same file is hashed once, referred to where it lies, and this peer is a holder', async () => {
  await submitted()
  await round()
  await round()
  assert.deepEqual([await holders(), reads], [[OTHER, ME], 1])
  assert.equal((await store.reference(ID))?.path, film)
  assert.deepEqual(problems(), [])
})

it('another file of its name, size and time is not held, and is read again only when it changes', async () => {
  await submitted()
  const { atime, mtime } = await stat(film)
  await writeFile(film, 'b film')
  await utimes(film, atime, mtime)
  for (let n = 0; n < 3; n++) await round()
  assert.deepEqual([await holders(), reads], [[OTHER], 1])
  assert.match(
    problems().join(),
    /^0123456789abcdef: films\/in\/a\.mov is another file: its bytes are not those of the source; mount/,
  )
  await writeFile(`${film}.new`, 'a film')
  await utimes(`${film}.new`, atime, mtime)
  await rename(`${film}.new`, film)
  await round()
  assert.deepEqual([await holders(), sources.problems().length], [[OTHER, ME], 0])
})

it('a file of another size or time is not read at all', async () => {
  await submitted()
  await utimes(film, new Date(0), new Date(0))
  await round()
  assert.deepEqual([await holders(), reads], [[OTHER], 0])
  assert.match(problems().join(), /its size or time is not that of the source/)
})

it('a file that vanished is said to be missing, and held once it is back', async () => {
  await submitted()
  await rename(film, `${film}.away`)
  await round()
  assert.match(problems().join(), /is missing/)
  await rename(`${film}.away`, film)
  await round()
  assert.deepEqual([await holders(), sources.problems().length], [[OTHER, ME], 0])
})

it('a peer whose held source is gone, with its folder or alone, is no holder until it is back', async () => {
  await submitted()
  await round()
  const films = join(dir, 'films')
  const task = taskId(ID, 'audio')
  const input = { sha256: sha('a film'), bytes: 6, holders: [OTHER, ME], start_pts: 0, end_pts: 1, time_base: '1/1' }
  const of = { _id: ID, priority: 0, due: 0, created_at: 0 }
  await ledger.insertTasks([{ ...wholeVideoTask(of, 'audio'), input }])
  for (const [gone, away, problem] of [
    [film, `${film}.away`, /^0123456789abcdef: films\/in\/a\.mov is missing/],
    [films, `${films}.away`, /^null: films at \S+: it is not there$/],
  ] as const) {
    await rename(gone, away)
    await round()
    assert.deepEqual(await holders(), [OTHER])
    assert.deepEqual((await ledger.task(task))?.input?.holders, [OTHER])
    assert.match(problems().join(), problem)
    await rename(away, gone)
    await round()
    assert.deepEqual([await holders(), problems(), reads], [[OTHER, ME], [], 1])
  }
})

it('a peer with a copy is a holder whatever became of the folder', async () => {
  await submitted()
  await writeFile(join(dir, 'copy'), 'a film')
  await store.put(ID, join(dir, 'copy'))
  await round()
  await rename(join(dir, 'films'), join(dir, 'away'))
  await round()
  assert.deepEqual(await holders(), [OTHER, ME])
})

it('where another file took the place of a held source the last holder stays one, whose next attempt says so', async () => {
  await submitted()
  await round()
  await writeFile(film, 'another film')
  await round()
  assert.deepEqual(await holders(), [OTHER])
  assert.match(problems().join(), /is another file/)
  await ledger.addVideoHolder(ID, sha('a film'), ME)
  await ledger.removeSourceHolder(ID, sha('a film'), OTHER)
  await round()
  assert.deepEqual(await holders(), [ME])
})

it('no link and no path that leads out of the folder is followed', async () => {
  await writeFile(join(dir, 'outside.mov'), 'a film')
  await symlink(join(dir, 'outside.mov'), join(dir, 'films', 'link.mov'))
  for (const path of ['link.mov', '../outside.mov']) {
    await submitted(path)
    await round()
    assert.deepEqual([await holders(), reads], [[OTHER], 0], path)
  }
})

it('a peer that only encodes takes a source that its tasks read straight, and no other', async () => {
  sources = madeSources(false)
  await submitted()
  await round()
  assert.deepEqual([await holders(), reads], [[OTHER], 0])
})
