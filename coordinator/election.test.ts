/** The lease: one leader, who stops by its own clock, and whose trouble keeps no one else from leading. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createHints, type HintChannel } from '../protocol/hints.ts'
import { asPeerId } from '../protocol/ids.ts'
import { LEASE_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import { type Actor, createStage, type Stage } from '../testing/simulation/stage.ts'
import { createElection, type Election } from './election.ts'

let stage: Stage
let candidates: Candidate[] = []
beforeEach(async () => {
  stage = await createStage()
  candidates = []
})
afterEach(async () => {
  for (const { actor, election } of candidates) {
    actor.line.isDown = false
    actor.life.thaw()
    await stage.until(election.stop())
    assert.equal(actor.life.timers(), 0, 'a stopped election leaves no timer')
  }
  await stage.close()
})

interface Candidate {
  readonly actor: Actor
  readonly election: Election
  readonly hints: HintChannel
  /** `<term>` when duties begin, `-<term>` when they end. */
  readonly story: number[]
  leads(): boolean
}

interface CandidateOptions {
  lead?(term: number, signal: AbortSignal): Promise<void>
  mayLead?(): Promise<string | null>
}

const untilAborted = (_term: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

function candidate(name: string, options: CandidateOptions = {}): Candidate {
  const actor = stage.actor(name)
  const story: number[] = []
  const { ledger, clock, rng } = actor
  const hints = createHints((hint) => {
    for (const other of candidates) if (other.hints !== hints) other.hints.receive(hint)
  })
  const election = createElection(
    { self: asPeerId(name) },
    {
      ledger,
      clock,
      rng,
      log: silentLog,
      mayLead: options.mayLead ?? (async () => null),
      hints,
      async lead(term, signal) {
        story.push(term)
        try {
          await (options.lead ?? untilAborted)(term, signal)
        } finally {
          story.push(-term)
        }
      },
    },
  )
  const made = { actor, election, hints, story, leads: () => election.term() !== null }
  candidates.push(made)
  return made
}

async function two(options?: CandidateOptions): Promise<[leader: Candidate, other: Candidate]> {
  const first = candidate('a', options)
  first.election.start()
  await stage.pass(100)
  const second = candidate('b')
  second.election.start()
  await stage.pass(2_000)
  return [first, second]
}

describe('of two candidates', () => {
  it('stops in time although it hears nothing about whether it may go on', async () => {
    let asked = 0
    const mayLead = () => (++asked > 1 ? new Promise<null>(() => {}) : Promise.resolve(null))
    const leader = candidate('a', { mayLead })
    leader.election.start()
    await stage.pass(100)
    assert.deepEqual(leader.story, [1])
    await stage.pass(LEASE_MS)
    assert.deepEqual(leader.story, [1, -1])
    // Nobody answers it any more, not even at its stop.
    candidates = []
  })

  it('one peer leads, and stays the leader', async () => {
    const [a, b] = await two()
    await stage.pass(60_000)
    assert.deepEqual([a.story, b.story], [[1], []])
  })

  it('the other leads within 6 s of a kill, with the next term', async () => {
    const [a, b] = await two()
    a.actor.life.kill()
    candidates.shift()
    await stage.pass(6_000)
    assert.deepEqual(b.story, [2])
  })

  it('the other leads at once after a graceful stop', async () => {
    const [a, b] = await two()
    await stage.until(a.election.stop())
    await stage.pass(100)
    assert.deepEqual([a.story, b.story], [[1, -1], [2]])
  })

  it('the one whose renewals go unanswered stops by its own clock, before the other leads', async () => {
    const [a, b] = await two()
    const cutOff = a.actor.clock.mono()
    a.actor.line.isDown = true
    while (!b.leads()) {
      await stage.pass(10)
      assert.ok(!(a.leads() && b.leads()))
    }
    assert.ok(a.actor.clock.mono() - cutOff <= LEASE_MS + 2_000)
    assert.deepEqual([a.story, b.story], [[1, -1], [2]])
  })

  it('the one that was frozen finds itself deposed when it wakes', async () => {
    const [a, b] = await two()
    a.actor.life.freeze()
    await stage.pass(20_000)
    assert.equal(b.leads(), true)
    a.actor.life.thaw()
    await stage.pass(1)
    assert.deepEqual([a.leads(), a.story], [false, [1, -1]])
    await stage.pass(20_000)
    assert.deepEqual(b.story, [2], 'and disturbs nobody')
  })

  it('the one that the ledger says is deposed stops at once', async () => {
    const [a, b] = await two()
    await stage.ledger.releaseLease(asPeerId('a'), 1)
    b.hints.receive({ v: 1, what: 'lease', video: null })
    await stage.pass(1_600)
    assert.deepEqual([a.leads(), b.leads()], [false, true])
  })

  it('the other may lead when the duties of the first fail', async () => {
    const [a, b] = await two({ lead: async () => Promise.reject(new Error('the ledger did not answer')) })
    await stage.pass(20_000)
    assert.ok(a.story.length >= 2)
    assert.equal(b.leads(), true)
  })

  it('never do both lead, however their lines fail', async () => {
    const [a, b] = await two()
    for (let round = 0; round < 40; round++) {
      a.actor.line.isDown = round % 3 === 0
      b.actor.line.isDown = round % 4 === 1
      for (let step = 0; step < 10; step++) {
        await stage.pass(300)
        assert.ok(!(a.leads() && b.leads()), `both lead in round ${round}`)
      }
    }
    const terms = [...a.story, ...b.story].filter((term) => term > 0)
    assert.equal(new Set(terms).size, terms.length, 'and no term has two holders')
    assert.ok(terms.length > 5)
  })
})

describe('a peer that may not lead', () => {
  it('does not ask', async () => {
    const a = candidate('a', { mayLead: async () => 'its disk is full' })
    a.election.start()
    await stage.pass(30_000)
    assert.deepEqual(a.story, [])
    assert.equal((await stage.ledger.lease()).holder, null)
  })

  it('asks once it may', async () => {
    let reason: string | null = 'paused'
    const a = candidate('a', { mayLead: async () => reason })
    a.election.start()
    await stage.pass(10_000)
    reason = null
    await stage.pass(LEASE_MS + 1_000)
    assert.equal(a.leads(), true)
  })
})
