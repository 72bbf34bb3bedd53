/**
 * The rules of the launcher's contract as one suite. The adapter under test runs a stand-in for a worker, which does what its
 * environment says: `DO=stay` runs until SIGTERM, `DO=exit CODE=n` ends at once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { EngineUnavailable, type LaunchedWorker, type Launcher, type WorkerSpec } from '../launcher.ts'

export interface LauncherUnderTest {
  /** A launcher of the mesh with this name; of one mesh there may be several. */
  create(mesh: string): Promise<Launcher>
  /** Whether workers outlive the launcher that started them. */
  readonly outlive: boolean
  destroy(): Promise<void>
}

const TIMEOUT_MS = 30_000

export const spec = (name: string, environment: Record<string, string> = { DO: 'stay' }): WorkerSpec => ({
  name,
  rendition: '720p',
  reason: 'the queue is long: 12 s of work',
  environment,
  limits: { cpus: 0.25, memory_mb: 128 },
})

/** @param away a launcher whose engine does not answer, where there can be one */
export function launcherConformance(
  name: string,
  make: () => Promise<LauncherUnderTest>,
  away?: () => Promise<Launcher>,
): void {
  describe(`${name} meets the launcher's contract`, () => {
    let harness: LauncherUnderTest
    let launcher: Launcher
    before(async () => {
      harness = await make()
      launcher = await harness.create('ours')
    })
    after(() => harness?.destroy())
    const found = async (id: string) => (await launcher.list()).find((worker) => worker.id === id)

    test('the engine has an id, the same for every launcher', async () => {
      const id = await launcher.engine()
      assert.match(id, /\S/)
      assert.equal(await (await harness.create('theirs')).engine(), id)
    })

    test('a started worker runs and is listed with what it was started for; stopped, nothing is left', async () => {
      const started = await launcher.start(spec('auto-a'))
      assert.equal(started.state, 'running')
      const listed = await found(started.id)
      assert.deepEqual(
        [listed?.name, listed?.rendition, listed?.reason, listed?.state, listed?.how, listed?.life_ms],
        ['auto-a', '720p', 'the queue is long: 12 s of work', 'running', null, null],
      )
      await launcher.stop(started.id)
      assert.equal(await found(started.id), undefined)
    })

    test('starting a name that runs answers the one that is there', async () => {
      const [first, second] = [await launcher.start(spec('auto-b')), await launcher.start(spec('auto-b'))]
      assert.equal(second.id, first.id)
      assert.equal((await launcher.list()).filter((worker) => worker.name === 'auto-b').length, 1)
      await launcher.stop(first.id)
    })

    test('stopping twice, or a worker that never was, is harmless', async () => {
      const { id } = await launcher.start(spec('auto-c'))
      await launcher.stop(id)
      await launcher.stop(id)
      await launcher.stop('no-such-worker')
    })

    test('one that ends at once is listed with how, and is not started again', async () => {
      const { id } = await launcher.start(spec('auto-d', { DO: 'exit', CODE: '7' }))
      const ended = await until(async () => {
        const worker = await found(id)
        return worker?.state === 'ended' ? worker : null
      })
      assert.equal(ended.how, 'exit code 7: it cannot go on')
      assert.ok(ended.life_ms !== null && ended.life_ms < TIMEOUT_MS, `it lived ${ended.life_ms} ms`)
      assert.equal((await found(id))?.state, 'ended')
      await launcher.stop(id)
      assert.equal(await found(id), undefined)
    })

    test('another mesh neither sees nor loses it', async () => {
      const { id } = await launcher.start(spec('auto-e'))
      const theirs = await harness.create('theirs')
      assert.deepEqual(await theirs.list(), [])
      await theirs.stop(id)
      assert.equal((await found(id))?.state, 'running')
      await launcher.stop(id)
    })

    test('workers outlive their launcher and are adopted, or end with it', async () => {
      const first = await harness.create('handed over')
      const { id } = await first.start(spec('auto-f'))
      await first.close()
      await first.close()
      const second = await harness.create('handed over')
      const seen = (await second.list()).map((worker: LaunchedWorker) => [worker.id, worker.state])
      assert.deepEqual(seen, harness.outlive ? [[id, 'running']] : [])
      if (harness.outlive) await second.stop(id)
    })

    if (!away) return
    test('every call to an engine that does not answer rejects with EngineUnavailable', async () => {
      const lost = await away()
      for (const ask of [
        () => lost.engine(),
        () => lost.list(),
        () => lost.start(spec('auto-g')),
        () => lost.stop('x'),
      ]) {
        await assert.rejects(ask, (error) => error instanceof EngineUnavailable && error.retryable)
      }
    })
  })
}

/** Asks until there is an answer: a worker that ends takes some time. */
async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  const giveUpAt = performance.now() + TIMEOUT_MS
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    assert.ok(performance.now() < giveUpAt, `no answer in ${TIMEOUT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
