import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asPeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import { FEW, LOOKS_MAX_MS } from '../../protocol/pace.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'
import { createStage, type Stage } from '../../testing/simulation/stage.ts'
import { FILM, newTask, submitFilm } from './film.fixture.ts'
import { createPrefetcher, guessNext, type Prefetcher } from './prefetch.ts'

const other = 'fedcba9876543210' as VideoId
const submit = (stage: Stage, _id: VideoId, priority = 0) => submitFilm(stage.ledger, { _id, priority })

describe('the guess of what comes next', () => {
  const waiting = (...tasks: [number, string][]) => tasks.map(([chunk, rendition]) => newTask(chunk, rendition) as Task)
  const guess = (tasks: Task[], place: number, workers: number) => {
    const found = guessNext(tasks, { place, workers })
    return found && [found.chunk_id, found.resolution]
  }
  const five = waiting([4, '1080p'], [4, '480p'], [5, '1080p'], [5, '480p'], [6, '1080p'])

  it('is the first of the own share in the dearest rendition', () => {
    assert.deepEqual(
      [0, 1, 2].map((place) => guess(five, place, 3)),
      [
        [6, '1080p'],
        [4, '1080p'],
        [5, '1080p'],
      ],
    )
    assert.deepEqual(guess(five, 0, 1), [4, '1080p'])
  })

  it('is the last chunk where none of the own share waits, and nothing where nothing waits', () => {
    assert.deepEqual(guess(five, 7, 8), [6, '1080p'])
    assert.equal(guess([], 0, 2), null)
  })
})

describe('prefetch', () => {
  /** Two workers are there; this one has the odd chunks. */
  async function look(
    act: (prefetcher: Prefetcher, at: { stage: Stage; fetched: number[] }) => Promise<void>,
    refusal = '',
  ) {
    const stage = await createStage()
    await submit(stage, FILM)
    await stage.ledger.insertTasks([1, 2, 3, 4, 5].map((chunk) => newTask(chunk)))
    const { clock } = stage.actor('worker')
    const fetched: number[] = []
    const beat = { slots: 1, state: 'idle' } as HeardPeer['beat']
    const prefetcher = createPrefetcher({
      self: asPeerId('me'),
      ledger: stage.ledger,
      table: { all: () => [{ peer: asPeerId('a worker'), beat, heard_mono: clock.mono() }], get: () => undefined },
      clock,
      log: silentLog,
      slots: 1,
      prefetch: async ({ chunk_id }) => void fetched.push(chunk_id),
      canDo: ({ resolution }) => resolution === '480p',
      mayClaim: async () => refusal || null,
    })
    const running = (await stage.ledger.task(taskId(FILM, '480p', 1)))!
    await stage.ledger.claimTask({
      worker: asPeerId('me'),
      token: 't' as never,
      task: running._id,
      from: 'pending',
    })
    prefetcher.prefetchAfter(running)
    await stage.pass(1_000)
    await act(prefetcher, { stage, fetched })
    await prefetcher.stop()
    await stage.close()
  }

  it('fetches the own input first, then that of the guess, which is then asked for once', async () => {
    await look(async (prefetcher, { fetched }) => {
      assert.deepEqual(fetched, [1, 3])
      assert.equal(await prefetcher.takeGuess(), taskId(FILM, '480p', 3))
      assert.equal(await prefetcher.takeGuess(), null)
    })
  })

  it('gives way to a video that has become more urgent', async () => {
    await look(async (prefetcher, { stage }) => {
      await submit(stage, other, 1)
      assert.equal(await prefetcher.takeGuess(), null)
    })
  })

  it('forgets the guess of a video that was cancelled', async () => {
    await look(async (prefetcher, { stage }) => {
      await stage.ledger.cancel(FILM)
      assert.equal(await prefetcher.takeGuess(), null)
    })
  })

  it('keeps no more guesses than there are slots', async () => {
    await look(async (prefetcher, { stage, fetched }) => {
      prefetcher.prefetchAfter((await stage.ledger.task(taskId(FILM, '480p', 1)))!)
      await stage.pass(1_000)
      assert.deepEqual(fetched, [1, 3, 1, 5])
      assert.equal(await prefetcher.takeGuess(), taskId(FILM, '480p', 5))
      assert.equal(await prefetcher.takeGuess(), null)
    })
  })

  it('is asked for at times only in a long queue, as all videos before it are looked for', async () => {
    await look(async (prefetcher, { stage }) => {
      for (let n = 0; n < 2 * FEW; n++) await submit(stage, (0xa0_00 + n).toString(16).padStart(16, '0') as VideoId, -1)
      const guessed = async (chunk: number) => {
        prefetcher.prefetchAfter((await stage.ledger.task(taskId(FILM, '480p', chunk)))!)
        await stage.pass(1_000)
        return (await prefetcher.takeGuess()) !== null
      }
      assert.deepEqual([await guessed(1), await guessed(1)], [true, false])
      await stage.pass(LOOKS_MAX_MS)
      assert.equal(await guessed(1), true)
    })
  })

  it('fetches nothing for a peer that takes no more work', async () => {
    await look(async (prefetcher, { fetched }) => {
      assert.deepEqual(fetched, [1])
      assert.equal(await prefetcher.takeGuess(), null)
    }, 'paused')
  })
})
