/**
 * A task kind that Reelmesh does not have, added by this one file: its answers and its runner. It is inserted, claimed, counted,
 * waited for and shown like those that are built in, and nothing else had to change.
 */
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { createFinish } from '../../coordinator/duties/finish.ts'
import type { TermContext } from '../../coordinator/duty.ts'
import { createOpenVideos } from '../../coordinator/open-videos.ts'
import { countedParts } from '../../node/status/parts.ts'
import { FILM, FILM_RENDITIONS, submitFilm } from '../../node/worker/film.fixture.ts'
import { createTestWorker } from '../../node/worker/worker.fixture.ts'
import { plan } from '../../protocol/conformance/ledger/world.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, taskId } from '../../protocol/ids.ts'
import { addKind, type KindFacts } from '../../protocol/kinds.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Runner } from '../../protocol/runner.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'

/** Measures how loud a film is, say: once for each video, beside the encoding of its chunks. */
const LOUDNESS: KindFacts = {
  slots: 'encode',
  waitingMax: null,
  scope: 'video',
  countsAsEncode: true,
  tasksOf: () => 1,
  createsTasks: false,
  outputCollected: true,
  outputs: 'none',
  eligibility: 'capability',
  dueFrom: 'submit',
  requiredIn: ['RUNNING'],
  wantedBy: () => true,
  claimedIn: null,
  backedUp: false,
  countsAgainstPeer: true,
  failsVideo: true,
  audited: false,
  audits: false,
}
const remove = addKind('loudness', LOUDNESS)
after(remove)

const me = asPeerId('me')
const task = taskId(FILM, 'loudness')

describe('a made-up task kind', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = await createStage()
    await submitFilm(stage.ledger)
    await stage.ledger.commitPlan({ ...plan(FILM, { chunks: 0 }), renditions: FILM_RENDITIONS }, 0)
  })
  afterEach(() => stage.close())

  it('is inserted for a video that requires it, and counted by its plan', async () => {
    assert.partialDeepStrictEqual(await stage.ledger.task(task), {
      kind: 'loudness',
      class: 'loudness',
      resolution: 'loudness',
      status: 'PENDING',
    })
    assert.equal((await stage.ledger.video(FILM))?.plan?.tasks, 1)
  })

  it('is run by a worker that has its runner, and by no other; its video waits for it', async () => {
    const actor = stage.actor('worker')
    const ran: string[] = []
    const run: Runner = async ({ held }) => {
      ran.push(held[0].task.kind)
      return [{ task: held[0].task._id, ok: true, output: null }]
    }
    const worker = (kinds: string[], runners: Record<string, Runner>) =>
      createTestWorker({
        self: me,
        actor,
        capability: { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds },
        slots: 1,
        runners,
        hints: createHints(),
      }).worker
    const without = worker(['audio'], { audio: run })
    without.start()
    await stage.pass(10_000)
    assert.deepEqual(ran, [])
    await stage.until(without.stop(0))
    assert.deepEqual(await statusAfter(stage), 'RUNNING')

    const able = worker(['audio', 'loudness'], { loudness: run })
    able.start()
    await stage.pass(10_000)
    assert.deepEqual(ran, ['loudness'])
    await stage.until(able.stop(0))
    const progress = (await stage.ledger.progress([FILM])).get(FILM) ?? []
    assert.deepEqual(countedParts(progress), ['loudness'])
    assert.deepEqual(await statusAfter(stage), 'MERGING')
  })
})

/** The status of the film after its ingest is done and a round of the duty that moves videos on. */
async function statusAfter(stage: Stage): Promise<string | undefined> {
  const { ledger } = stage
  const { clock } = stage.actor('leader')
  const { term } = await ledger.acquireLease(me, 'nonce')
  const token = 'ingest' as never
  const got = await ledger.claimTask({ worker: me, token, task: taskId(FILM, 'ingest'), from: 'pending' })
  if (got.outcome === 'claimed')
    await ledger.complete({ task: taskId(FILM, 'ingest'), attempt: got.attempt, worker: me, output: null })
  const context: Partial<TermContext> = { self: me, ledger, clock, term, hints: createHints(), log: silentLog }
  const emit = createEmitter({ ledger, log: silentLog })
  await createFinish({ ...context, emit, openVideos: createOpenVideos(context as TermContext) } as TermContext).round(
    new AbortController().signal,
  )
  return (await ledger.video(FILM))?.status
}
