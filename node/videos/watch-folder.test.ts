/** A folder in a shared one is watched by one peer at a time, and the next one goes on where the last one ended. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import { systemClock as clock, systemRng as rng } from '../host/system-clock.ts'
import { createKnownIds } from '../shared/known-ids.ts'
import { createSharedFolders } from '../shared/shared-folders.ts'
import type { SubmitRequest, Submitted } from './submit.ts'
import { createWatchFolder, type WatchFolder } from './watch-folder.ts'

let dir = ''
let ledger: Ledger
let watches: WatchFolder[]
/** `<peer> <file>`, for each submit. */
let submitted: string[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-watch-'))
  await mkdir(join(dir, 'films', 'in'), { recursive: true })
  ledger = createLedgerModel({ now: () => clock.mono(), claimMs: 1_000, leaseMs: 5_000 })
  watches = []
  submitted = []
})
afterEach(async () => {
  for (const watch of watches) await watch.stop()
  await rm(dir, { recursive: true, force: true })
})

async function peer(name: string): Promise<WatchFolder> {
  const settings = [{ name: 'films', path: join(dir, 'films') }]
  const folders = createSharedFolders({ settings, clock, rng, known: createKnownIds(join(dir, `${name}.json`)) })
  await folders.look()
  const submit = async ({ path }: SubmitRequest): Promise<Submitted> => {
    submitted.push(`${name} ${path.slice(join(dir, 'films', 'in').length + 1)}`)
    return { outcome: 'created', video: { _id: '0123456789abcdef' } } as unknown as Submitted
  }
  const watch = createWatchFolder({
    self: asPeerId(`12D3KooW${name}`),
    input: join(dir, 'films', 'in'),
    output: join(dir, 'films', 'out'),
    stateFile: join(dir, `${name}-state.json`),
    recipe: DEFAULT_RECIPE,
    clock,
    rng,
    log: silentLog,
    ledger,
    hints: createHints(),
    folders,
    submit,
  })
  watch.start()
  watches.push(watch)
  return watch
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = clock.mono() + 20_000; !holds(); await sleep(50)) assert.ok(clock.mono() < end, submitted.join(', '))
}

it('each file is submitted by one of them, and by none again when another takes over', {
  timeout: 60_000,
}, async () => {
  const first = await peer('ann')
  await writeFile(join(dir, 'films', 'in', 'a.mp4'), 'a film')
  await until(() => submitted.length === 1)
  await peer('bob')
  await first.stop()
  await writeFile(join(dir, 'films', 'in', 'b.mp4'), 'b film')
  await until(() => submitted.length === 2)
  assert.deepEqual(submitted, ['ann a.mp4', 'bob b.mp4'])
  assert.deepEqual(
    (await readdir(dir)).filter((name) => name.endsWith('-state.json')),
    [],
    'what was taken is in the ledger',
  )
})

it('a shared folder that is away is not watched, nor made', { timeout: 60_000 }, async () => {
  await peer('ann').then((watch) => watch.stop())
  await rename(join(dir, 'films'), join(dir, 'away'))
  await peer('ann')
  await sleep(2_000)
  assert.deepEqual((await readdir(dir)).includes('films'), false)
})
