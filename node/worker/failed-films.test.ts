/** Two workers on a virtual clock, at a film one of whose chunks cannot be encoded, and at a good one that is due later. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { AttemptFailed } from '../../protocol/errors.ts'
import { createHints, type HintChannel } from '../../protocol/hints.ts'
import { asPeerId, asSha256, type VideoId } from '../../protocol/ids.ts'
import type { Runner } from '../../protocol/runner.ts'
import { createStage } from '../../testing/simulation/stage.ts'
import { FILM as BAD, newTask, submitFilm } from './film.fixture.ts'
import { createTestWorker } from './worker.fixture.ts'

const GOOD = 'fedcba9876543210' as VideoId
const SHA256 = asSha256('a'.repeat(64))

it('the other peer tries the failed task first, and the rest of its film waits behind the good one', async () => {
  const stage = await createStage()
  const ran: string[] = []
  const channels: HintChannel[] = []
  for (const film of [BAD, GOOD]) await submitFilm(stage.ledger, { _id: film })
  await stage.ledger.insertTasks(
    [0, 1, 2, 3, 4, 5].flatMap((chunk) => [newTask(chunk), { ...newTask(chunk, '480p', GOOD), due: 1_000 }]),
  )
  const workers = ['ann', 'bob'].map((name) => {
    const actor = stage.actor(name)
    const self = asPeerId(name)
    const video: Runner = async ({ held, signal }) => {
      const [{ task }] = held
      ran.push(`${name} ${task.video_id === BAD ? 'bad' : 'good'} ${task.chunk_id}`)
      const fails = task.video_id === BAD && task.chunk_id === 0
      // Before the others end, which claim on at once.
      await actor.clock.sleep(fails ? 900 : 1_000, signal)
      if (fails) throw new AttemptFailed('encode_failed', 'not decodable')
      const output = { sha256: SHA256, es_sha256: SHA256, bytes: 1, holders: [self] }
      return held.map(({ task: { _id } }) => ({ task: _id, ok: true, output }))
    }
    const hints = createHints((hint) => {
      for (const each of channels) if (each !== hints) each.receive(hint)
    })
    channels.push(hints)
    const capability = { decoders: ['h264'], encoders: ['x264'], filters: [], renditions: 'all', kinds: [] } as const
    return createTestWorker({ self, actor, capability, slots: 1, runners: { video }, hints }).worker
  })
  for (const worker of workers) worker.start()
  await stage.pass(30_000)
  const bad = ran.filter((each) => each.includes('bad'))
  assert.deepEqual(bad.slice(0, 3).map((each) => each.slice(4)).sort(), ['bad 0', 'bad 0', 'bad 1']) // biome-ignore format: one line
  const [first, second] = bad.filter((each) => each.endsWith('bad 0'))
  assert.notEqual(first, second, 'the second opinion is the other peer')
  const lastGood = ran.findLastIndex((each) => each.includes('good'))
  assert.equal(ran.slice(0, lastGood).filter((each) => each.includes('bad')).length, 3, ran.join(', '))
  assert.equal(new Set(ran.map((each) => each.slice(4))).size, 12, 'the rest of the bad film is done in the end')
  for (const worker of workers) await stage.until(worker.stop(0))
  await stage.close()
})
