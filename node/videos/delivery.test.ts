/** Deliveries on a real disk: whole or not at all, under a name of their own, as often as it takes. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readlinkSync } from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test'
import { renditionPath } from '../../protocol/artifact.ts'
import type { BlobExchange } from '../../protocol/blobs.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256, type Sha256, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { isSharedPath, type SharedFolders } from '../../protocol/shared-folder.ts'
import type { Video } from '../../protocol/video.ts'
import { openDestination } from '../addresses.ts'
import { systemRng } from '../host/system-clock.ts'
import { createDeliverer, type Deliverer } from './delivery.ts'
import { createDeliveryFolders } from './delivery-folders.ts'
import { createPendingSubmits } from './pending-submits.ts'
import { aVideo } from './video.fixture.ts'

const self = asPeerId('12D3KooWme')
const id = '0123456789abcdef' as VideoId
const FILMS = { '480p': 'small film', '720p': 'larger film' } as const
const sha = (text: string): Sha256 => asSha256(createHash('sha256').update(text).digest('hex'))

let dir = ''
let out = ''
let video: Video
let deliverer: Deliverer
/** Hash → bytes that the mesh would answer. */
let blobs: Map<Sha256, string>
let fetched: number
/** Happens when the bytes are asked for. */
let onFetch: (sha256: Sha256) => Promise<void>
/** What was flushed, and what was recorded. */
let steps: string[]
let announced: number
let emitted: string[]
let isAccepted: boolean
/** The shared folder that is seen, by its id, and the leases that were asked for. */
let seen: { readonly id: string; readonly path: string } | null
let leases: string[]
/** Of the lease to deliver; null where another peer has it. */
let term: number | null
const folders: Pick<SharedFolders, 'pathOf'> = {
  pathOf: ({ folder, path }) => (seen?.id === folder && isSharedPath(path) ? join(seen.path, path) : null),
}
/** The clock, and what passes between two looks at it. */
let now: number
let passing: number
const round = () => deliverer.round(new AbortController().signal)
const delivered = (rendition: string, name = 'film') => readFile(join(out, rendition, `${name}.mp4`), 'utf8')

/** What the store was asked to verify. */
let verified: Sha256[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-delivery-'))
  out = join(dir, 'out')
  verified = []
  emitted = []
  isAccepted = true
  seen = null
  leases = []
  term = 1
  now = 0
  passing = 60_000
  blobs = new Map(Object.values(FILMS).map((text) => [sha(text), text]))
  fetched = 0
  onFetch = async () => {}
  steps = []
  announced = 0
  video = finished()
  const hints = createHints()
  hints.on(['video'], () => announced++)
  const ledger = fakeLedger()
  deliverer = createDeliverer({
    self,
    ledger,
    undelivered: () => ledger.undeliveredVideos(),
    store: { verify: async (sha256: Sha256) => verified.push(sha256) > 0 } as never,
    exchange,
    openDestination,
    deliveryFolders: createDeliveryFolders({ self, folders, accepted: { has: async () => isAccepted }, output: null }),
    lookAtFolders: async () => {},
    underLease: async (folder, act, signal) => {
      leases.push(folder)
      if (term !== null) await act(term, signal)
      return term !== null
    },
    // Long enough for a delivery that failed to be tried again.
    clock: { mono: () => (now += passing) },
    rng: systemRng,
    emit: createEmitter({ ledger, log: silentLog }),
    pendingSubmits: createPendingSubmits({ mono: () => 0 }),
    hints,
  })
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

function finished(): Video {
  const outputs = (['480p', '720p'] as const).map((id) => {
    const text = FILMS[id]
    return { path: renditionPath(id), media_type: 'video/mp4', sha256: sha(text), bytes: text.length, holders: [] }
  })
  const deliveries = [{ peer: self, dir: out, name: 'film', done_at: null }]
  return aVideo({ _id: id, status: 'COMPLETED', outputs, deliveries, ended_at: 0 })
}

function fakeLedger(): Ledger {
  const ledger: Partial<Ledger> = {
    undeliveredVideos: async () => [structuredClone(video)],
    addEvent: async ({ what, text }) => void emitted.push(`${what}: ${text}`),
    nameDelivery: async (_, wanted, name) => {
      steps.push('named')
      for (const each of video.deliveries) if (each.name === wanted.name) each.name = name
      return 'changed'
    },
    finishDelivery: async (_, { name }) => {
      steps.push('recorded')
      for (const each of video.deliveries) if (each.name === name) each.done_at = 1
      return 'changed'
    },
  }
  return ledger as Ledger
}

const exchange = {
  async fetch({ sha256 }) {
    fetched++
    await onFetch(sha256)
    const bytes = blobs.get(sha256)
    if (bytes === undefined) throw new BlobMissing(sha256)
    const path = join(dir, sha256)
    await writeFile(path, bytes)
    return path
  },
} as Partial<BlobExchange> as BlobExchange

/** Another node delivers a 720p file of this name while the bytes of ours are fetched. */
function anotherIsFirst(bytes: string): void {
  onFetch = async (sha256) => {
    if (sha256 !== sha(FILMS['720p'])) return
    await mkdir(join(out, '720p'), { recursive: true })
    await writeFile(join(out, '720p', 'film.mp4'), bytes)
  }
}

/** The name of an artifact while it is copied. */
const partOf = (rendition: '480p' | '720p') => `.${id}-${sha(FILMS[rendition]).slice(0, 16)}-D3KooWme.part`

/** Notes in `steps` what below the output folder is flushed from now on, and whether a part's film has its name by then. */
async function recordFlushes(t: TestContext): Promise<void> {
  const file = await open(dir)
  const prototype = Object.getPrototypeOf(file) as FileHandle
  await file.close()
  const { sync } = prototype
  t.mock.method(prototype, 'sync', function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`)
    const isNameless = path.endsWith('.part') && !existsSync(join(dirname(path), 'film.mp4'))
    steps.push(`${relative(out, path) || 'out'}${isNameless ? ', no film.mp4' : ''}`)
    return sync.call(this)
  })
}

describe('a delivery', () => {
  it('puts every rendition in its folder and is recorded', async () => {
    await round()
    assert.deepEqual([await delivered('480p'), await delivered('720p')], Object.values(FILMS))
    assert.deepEqual([video.deliveries[0]?.done_at, announced, deliverer.problems().size], [1, 1, 0])
  })

  it('is for no more people than the source', async () => {
    for (const each of video.deliveries) each.mode = 0o600
    await round()
    assert.equal((await stat(join(out, '480p', 'film.mp4'))).mode & 0o777, 0o600)
  })

  it('does nothing twice', async () => {
    await round()
    const before = await stat(join(out, '480p', 'film.mp4'))
    video.deliveries[0]!.done_at = null
    await round()
    assert.equal(fetched, 2)
    assert.equal((await stat(join(out, '480p', 'film.mp4'))).ino, before.ino)
  })

  it('continues where it was interrupted', async () => {
    blobs.delete(sha(FILMS['720p']))
    await round()
    assert.equal(await delivered('480p'), FILMS['480p'])
    assert.equal(video.deliveries[0]?.done_at, null)
    assert.match(deliverer.problems().get(id) ?? '', /^film could not be written to .*: no peer that answered holds/)
    blobs.set(sha(FILMS['720p']), FILMS['720p'])
    await round()
    assert.deepEqual([await delivered('720p'), deliverer.problems().size], [FILMS['720p'], 0])
  })

  it('tries again after growing waits, and emits each reason once', async () => {
    blobs.clear()
    passing = 0
    const missing = /^delivery_failed: film could not be written to .*: no peer that answered holds/
    for (const [at, tries] of [[0, 1], [500, 1], [2_250, 2], [2_500, 2], [6_750, 3], [60_000, 4], [61_000, 4], [120_000, 5]] as const) {
      now = at
      await round()
      assert.equal(fetched, tries, `after ${at} ms`)
    } // biome-ignore format: times and tries
    assert.deepEqual([emitted.length, missing.test(emitted[0] ?? '')], [1, true])
    await rm(out, { recursive: true })
    await writeFile(out, 'file')
    now = 180_000
    await round()
    assert.match(emitted[1] ?? '', /^delivery_failed: .* is not a folder/)
  })

  it('of one name that fails delays no other name in the same folder, and each has its own event', async () => {
    passing = 0
    await mkdir(out)
    await writeFile(join(out, '480p'), 'a file where a folder should be')
    video.deliveries.push({ peer: self, dir: out, name: 'deeper/film', done_at: null })
    await round()
    const tries = () => emitted.filter((each) => each.startsWith('delivery_failed')).length
    assert.equal(tries(), 2)
    await rm(join(out, '480p'))
    await mkdir(join(out, '480p'))
    await writeFile(join(out, '480p', 'deeper'), 'still in the way of one')
    for (now = 60_000; now < 180_000; now += 60_000) await round()
    assert.deepEqual(
      video.deliveries.map(({ done_at }) => done_at),
      [1, null],
    )
    assert.match(deliverer.problems().get(id) ?? '', /is not a folder/)
  })

  it('that takes its own name and then fails emits one event, and waits', async () => {
    passing = 0
    await mkdir(join(out, '480p'), { recursive: true })
    await writeFile(join(out, '480p', 'film.mp4'), 'of somebody else')
    blobs.clear()
    await round()
    assert.equal(video.deliveries[0]?.name, `film-${id}`)
    now = 500
    await round()
    now = 3_000
    await round()
    assert.deepEqual([emitted.length, fetched], [1, 2])
  })

  it('begins no copy that does not fit', async () => {
    const before = video.outputs[0]!.bytes
    video.outputs[0]!.bytes = Number.MAX_SAFE_INTEGER
    await round()
    assert.match(deliverer.problems().get(id) ?? '', /the disk is full$/)
    assert.deepEqual(await readdir(join(out, '480p')), [])
    video.outputs[0]!.bytes = before
    await round()
    assert.equal(await delivered('480p'), FILMS['480p'])
  })

  it('leaves a file of other bytes alone and takes a name with the video’s id for all renditions', async () => {
    await mkdir(join(out, '720p'), { recursive: true })
    await writeFile(join(out, '720p', 'film.mp4'), 'a film of somebody else')
    await round()
    assert.equal(await delivered('720p'), 'a film of somebody else')
    assert.deepEqual(
      [await delivered('480p', `film-${id}`), await delivered('720p', `film-${id}`)],
      Object.values(FILMS),
    )
    assert.deepEqual(await readdir(join(out, '480p')), [`film-${id}.mp4`])
    assert.equal(video.deliveries[0]?.name, `film-${id}`)
  })

  it('leaves nothing partial where the bytes read are not those named', async () => {
    blobs.set(sha(FILMS['480p']), 'corrupt')
    await round()
    assert.deepEqual(await readdir(join(out, '480p')), [])
    assert.match(deliverer.problems().get(id) ?? '', /not those that were verified/)
    assert.deepEqual(verified, [sha(FILMS['480p'])], 'the store verifies the corrupt blob')
  })

  it('flushes each file before it has its name, and the name before it is recorded: a power cut takes neither', async (t) => {
    await mkdir(out)
    await recordFlushes(t)
    await round()
    assert.deepEqual(steps, [
      'out',
      `480p/${partOf('480p')}, no film.mp4`,
      '480p',
      'out',
      `720p/${partOf('720p')}, no film.mp4`,
      '720p',
      'recorded',
    ])
    steps = []
    video.deliveries[0]!.done_at = null
    await round()
    assert.deepEqual(steps, ['480p/film.mp4', '480p', '720p/film.mp4', '720p', 'recorded'])
  })

  it('replaces no file that another node delivers under its name meanwhile: all renditions take a name of their own', async () => {
    anotherIsFirst('a film of another node')
    await round()
    assert.equal(await delivered('720p'), 'a film of another node')
    assert.deepEqual(await readdir(join(out, '480p')), [`film-${id}.mp4`])
    assert.deepEqual((await readdir(join(out, '720p'))).sort(), [`film-${id}.mp4`, 'film.mp4'])
    for (const rendition of ['480p', '720p'] as const)
      assert.equal(await delivered(rendition, `film-${id}`), FILMS[rendition])
    assert.deepEqual(video.deliveries, [{ peer: self, dir: out, name: `film-${id}`, done_at: 1 }])
    assert.deepEqual(steps, ['named', 'recorded'])
  })

  it('is content with the same bytes where another node delivers them meanwhile', async () => {
    anotherIsFirst(FILMS['720p'])
    await round()
    assert.deepEqual(await readdir(join(out, '720p')), ['film.mp4'])
    assert.deepEqual(video.deliveries, [{ peer: self, dir: out, name: 'film', done_at: 1 }])
  })

  it('replaces an older result of the same video under the name with its id', async () => {
    video.deliveries[0]!.name = `film-${id}`
    await mkdir(join(out, '480p'), { recursive: true })
    await writeFile(join(out, '480p', `film-${id}.mp4`), 'an older result')
    await round()
    assert.equal(await delivered('480p', `film-${id}`), FILMS['480p'])
  })

  it('does not write into a file that a kill left with two names', async () => {
    await round()
    const part = join(out, '480p', partOf('480p'))
    await link(join(out, '480p', 'film.mp4'), part)
    await rename(join(out, '480p', 'film.mp4'), join(out, '480p', 'kept.mp4'))
    blobs.set(sha(FILMS['480p']), 'corrupt')
    video.deliveries[0]!.done_at = null
    await round()
    assert.equal(await delivered('480p', 'kept'), FILMS['480p'])
    assert.deepEqual(await readdir(join(out, '480p')), ['kept.mp4'])
  })

  it('says that the folder is a file', async () => {
    await writeFile(out, 'file')
    await round()
    assert.match(
      deliverer.problems().get(id) ?? '',
      /the output folder .*out is not a folder; choose another with --out/,
    )
    assert.equal(await readFile(out, 'utf8'), 'file')
  })

  it('says that the folder cannot be written to, also where root may write anywhere', async () => {
    // Nobody, root included, can make a folder below /proc.
    video.deliveries[0]!.dir = '/proc/reelmesh'
    await round()
    assert.match(deliverer.problems().get(id) ?? '', /cannot be written to/)
  })

  it('is left to the peer that owns the folder, and to a video that is done', async () => {
    video.deliveries[0]!.peer = asPeerId('12D3KooWother')
    await round()
    assert.equal(fetched, 0)
  })

  it('delays no other delivery when it fails', async () => {
    const blocked = join(dir, 'blocked')
    await writeFile(blocked, '')
    video.deliveries.unshift({ peer: self, dir: blocked, name: 'film', done_at: null })
    await round()
    assert.equal(await delivered('480p'), FILMS['480p'])
  })
})

describe('an output folder', () => {
  it('is made, however deep', async () => {
    await openDestination(join(dir, 'a', 'b', 'c')).prepare()
    assert.ok((await stat(join(dir, 'a', 'b', 'c'))).isDirectory())
  })

  it('below a file is refused in a sentence', async () => {
    await writeFile(join(dir, 'file'), '')
    await assert.rejects(openDestination(join(dir, 'file', 'deep')).prepare(), /the output folder .* is not a folder/)
  })
})

describe('a delivery that this peer did not accept', () => {
  it('is not made, and says what to do', async () => {
    isAccepted = false
    await round()
    assert.deepEqual([existsSync(out), steps, fetched], [false, [], 0])
    assert.match(
      deliverer.problems().get(id) ?? '',
      /^nobody asked this peer to deliver to .*; submit the film again with --out/,
    )
    isAccepted = true
    await round()
    assert.deepEqual([await delivered('480p'), deliverer.problems().size], [FILMS['480p'], 0])
  })

  it('nor one whose folder leads elsewhere, accepted or not', async () => {
    for (const folder of ['relative', `${out}/../elsewhere`]) {
      video.deliveries[0]!.dir = folder
      await round()
      assert.deepEqual([existsSync(join(dir, 'elsewhere')), steps], [false, []], folder)
    }
  })
})

describe('a delivery into a shared folder', () => {
  const folder = 'a'.repeat(32)
  beforeEach(() => {
    seen = { id: folder, path: join(dir, 'mounted') }
    const shared = { folder, path: 'outputs' }
    video.deliveries = [{ peer: asPeerId('12D3KooWother'), dir: '/there/outputs', name: 'film', done_at: null, shared }]
  })
  const there = (rendition: string) => readFile(join(dir, 'mounted', 'outputs', rendition, 'film.mp4'), 'utf8')

  it('is made by any peer that sees it, under the lease, and leaves no bytes of an earlier one', async () => {
    isAccepted = false
    await mkdir(join(dir, 'mounted', 'outputs', '480p'), { recursive: true })
    const left = join(dir, 'mounted', 'outputs', '480p', `.${id}-${sha(FILMS['480p']).slice(0, 16)}-12345678.part`)
    await writeFile(left, 'half')
    await round()
    assert.deepEqual(leases, [folder])
    assert.deepEqual([await there('480p'), await there('720p')], [FILMS['480p'], FILMS['720p']])
    assert.equal(existsSync(left), false)
    assert.equal(video.deliveries[0]?.done_at, 1)
  })

  it('is left to the peer that has the lease', async () => {
    term = null
    await round()
    assert.deepEqual([leases, existsSync(join(dir, 'mounted')), steps], [[folder], false, []])
  })

  it('is not made where the folder is not seen, nor outside it', async () => {
    seen = null
    await round()
    seen = { id: folder, path: join(dir, 'mounted') }
    video.deliveries[0]!.shared = { folder, path: '../elsewhere' }
    await round()
    assert.deepEqual([leases, steps, existsSync(join(dir, 'elsewhere'))], [[], [], false])
  })

  it('is not done where the folder vanished meanwhile', async () => {
    onFetch = async () => {
      seen = null
    }
    await round()
    assert.deepEqual([steps.includes('recorded'), video.deliveries[0]?.done_at], [false, null])
    assert.match(deliverer.problems().get(id) ?? '', /is not seen here now/)
  })
})
