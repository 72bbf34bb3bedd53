/** What the leader reads repeatedly while it fetches outputs, and what it drops. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { part } from '../../protocol/conformance/ledger/parts.ts'
import { BOB, CAT, chunk, claim, output, peer, sha, theTask, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import { createHints } from '../../protocol/hints.ts'
import type { Sha256, TaskId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS, SILENCE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import { wholeVideoTask } from '../../protocol/task.ts'
import type { TermContext } from '../duty.ts'
import { createOpenVideos } from '../open-videos.ts'
import { createReplicateToLeader } from './replicate-to-leader.ts'

/** A RUNNING video of two chunks, of which the first is done, and a leader that collects. */
async function stage(wanted: Parameters<typeof videoIn>[2] = {}) {
  const at = { now: 1_000_000 }
  const away = new Set<Sha256>()
  const asked = { completed: 0, bytes: [] as Sha256[] }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING', wanted)
  const [first, second] = [chunk(video, 0), chunk(video, 1)]
  await ledger.insertTasks([first, second])
  const work = async (id: TaskId, end: 'complete' | 'miss') => {
    const { attempt } = await claim(ledger, await theTask(ledger, id), BOB)
    const key = { task: id, attempt, worker: BOB }
    if (end === 'complete') return ledger.complete({ ...key, output: output(id) })
    const failure = {
      code: 'input_missing',
      message: 'nobody has it',
      log: null,
      strike: false,
      backoff_ms: 0,
    } as const
    return ledger.fail({ ...key, ...failure })
  }
  await work(first._id, 'complete')
  const fetch = async ({ sha256 }: { sha256: Sha256 }) => {
    asked.bytes.push(sha256)
    if (away.has(sha256)) throw new BlobMissing(sha256)
    return '/here'
  }
  const context = {
    self: CAT, undelivered: () => ledger.undeliveredVideos(), log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: 1, hints: createHints(), clock: { mono: () => at.now, now: () => at.now } as Clock,
    ledger: {
      ...ledger,
      tasks: (query: Parameters<typeof ledger.tasks>[0]) => {
        if (query?.statuses?.includes('COMPLETED')) asked.completed++
        return ledger.tasks(query)
      },
    },
    store: { find: async () => null },
    reachable: () => [CAT, BOB],
    exchange: {
      fetch,
      whoHas: async ({ sha256 }: { sha256: Sha256 }) => ({ has: away.has(sha256) ? [] : [BOB], lacks: [] }),
    },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createReplicateToLeader({ ...context, openVideos: createOpenVideos(context) })
  /** So many rounds, and what was asked in them. */
  const rounds = async (count: number) => {
    Object.assign(asked, { completed: 0, bytes: [] })
    for (let round = 0; round < count; round++) {
      at.now += SILENCE_MS
      await duty.round(new AbortController().signal)
    }
    return { ...asked }
  }
  return { ledger, away, video, first, second, work, rounds }
}

test('an input that was missing for a moment causes no further reads once it is back', async () => {
  const { away, second, work, rounds } = await stage()
  await work(second._id, 'miss')
  away.add(second.input!.sha256)
  await rounds(1)
  away.clear()
  await work(second._id, 'complete')
  await rounds(1)
  assert.deepEqual(await rounds(5), { completed: 0, bytes: [] })
})

test('an output that no peer offers is asked for in every round, and those that are here are not', async () => {
  const { away, first, rounds } = await stage()
  const { sha256 } = output(first._id)
  away.add(sha256)
  assert.deepEqual(await rounds(3), { completed: 3, bytes: [sha256, sha256, sha256] })
  away.clear()
  assert.deepEqual((await rounds(3)).bytes, [sha256])
})

test('what is known of a video is forgotten when it is open no more: a retry asks the disk again', async () => {
  const { ledger, video, first, rounds } = await stage()
  const { sha256 } = output(first._id)
  assert.deepEqual((await rounds(2)).bytes, [sha256])
  await ledger.failVideo(video._id, 'it cannot be encoded', 1)
  assert.deepEqual((await rounds(1)).bytes, [])
  await ledger.retry(video._id)
  assert.deepEqual((await rounds(2)).bytes, [sha256])
})

test('parts of the sound of a package are fetched as they are listed, from peers that are there, until it is encoded', async () => {
  const recipe = { ...DEFAULT_RECIPE, package: { formats: ['hls'] } } as const
  const { ledger, video, second, work, rounds } = await stage({ recipe })
  await work(second._id, 'complete')
  const sound = wholeVideoTask(video, 'audio')
  await ledger.insertTasks([sound])
  await rounds(1)
  const { attempt } = await claim(ledger, await theTask(ledger, sound._id), BOB)
  const key = { task: sound._id, attempt, worker: BOB }
  const elsewhere = { ...part(2, 'b'), holders: [peer('Dan')] }
  await ledger.listParts({ ...key, parts: [part(1, 'a'), elsewhere], instead: false })
  assert.deepEqual((await rounds(2)).bytes, [sha('a')])
  assert.deepEqual(
    (await theTask(ledger, sound._id)).outputs.map(({ holders }) => holders),
    [[BOB, CAT], [peer('Dan')]],
  )
  await ledger.listParts({ ...key, parts: [part(3, 'c')], instead: false })
  assert.deepEqual((await rounds(2)).bytes, [sha('c')])
  await ledger.complete({ ...key, output: output('whole'), outputs: [] })
  assert.deepEqual((await rounds(2)).bytes, [output('whole').sha256])
  assert.deepEqual((await rounds(2)).bytes, [])
})
