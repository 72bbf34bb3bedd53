/** Work under a named lease: one peer at a time, taken over when its holder falls silent, and stopped when the lease is lost. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { asPeerId } from '../protocol/ids.ts'
import { LEASE_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import { type Actor, createStage, type Stage } from '../testing/simulation/stage.ts'
import { withLease } from './keep-lease.ts'

let stage: Stage
beforeEach(async () => {
  stage = await createStage()
})
afterEach(() => stage.close())

const LEASE = 'deliver:folder'
const running = new AbortController().signal
const under = (
  name: string,
  actor: Actor,
  act: (term: number, signal: AbortSignal) => Promise<void>,
): Promise<boolean> => withLease({ self: asPeerId(name), lease: LEASE }, { ...actor, log: silentLog }, act, running)

it('runs where no other peer holds the lease, renews it meanwhile, and releases it at the end', async () => {
  const [ann, bob] = [stage.actor('Ann'), stage.actor('Bob')]
  const terms: number[] = []
  const note = async (term: number) => void terms.push(term)
  const long = under('Ann', ann, async (term) => {
    await ann.clock.sleep(3 * LEASE_MS)
    assert.equal(await under('Bob', bob, note), false)
    await note(term)
  })
  assert.equal(await stage.until(long), true)
  assert.equal(await stage.until(under('Bob', bob, note)), true)
  assert.deepEqual(terms, [1, 2])
})

it('is taken over from a peer that cannot renew it, which stops by itself and writes with an older term', async () => {
  const [ann, bob] = [stage.actor('Ann'), stage.actor('Bob')]
  const stopped: string[] = []
  const cutOff = under('Ann', ann, async (_term, signal) => {
    ann.line.isDown = true
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    stopped.push(String(signal.reason.message))
  })
  await stage.until(bob.clock.sleep(LEASE_MS + 100))
  assert.deepEqual(stopped, ['not renewed in time'])
  let term = 0
  assert.equal(
    await stage.until(
      under('Bob', bob, async (won) => {
        term = won
      }),
    ),
    true,
  )
  assert.equal(term, 2)
  ann.line.isDown = false
  await stage.until(cutOff)
})

it('rejects as the work does, and leaves the lease free', async () => {
  const ann = stage.actor('Ann')
  const failing = under('Ann', ann, async () => {
    throw new Error('no room')
  })
  await assert.rejects(stage.until(failing), /no room/)
  assert.equal(await stage.until(under('Ann', ann, async () => {})), true)
})
