/** Results that differ: who settles them, and what follows where nobody can. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANN, BOB, CAT, sha } from '../protocol/conformance/ledger/world.ts'
import { auditId } from '../protocol/ids.ts'
import { AUDIT_WAIT_MAX_MS } from '../protocol/limits.ts'
import { HONEST, LEADER, stage } from './audits.fixture.ts'
import { auditOf } from './policy/audits.ts'

describe('results', () => {
  test('of two peers the leader counts by its own result', async () => {
    const { run, ids, settle, ledger, task } = await stage(1, { peers: [ANN, BOB], self: BOB })
    await run(ids[0]!, ANN, 'painted over')
    await settle()
    await run(auditId(ids[0]!, 1), BOB)
    assert.equal(await settle(), false)
    assert.ok((await ledger.peer(ANN)).quarantined_until)
    assert.equal((await task(ids[0]!)).status, 'PENDING')
  })

  test('of two peers that differ wait for a third one, then stay unsettled, with both hashes in the event', async () => {
    const { run, ids, settle, states, ledger, events, at } = await stage(1, { peers: [ANN, BOB] })
    await run(ids[0]!, ANN, 'painted over')
    await settle()
    await run(auditId(ids[0]!, 1), BOB)
    assert.equal(await settle(), false)
    assert.equal(await settle(), false)
    assert.deepEqual(
      (await events()).map(({ what }) => what),
      ['audit_differs'],
    )
    assert.deepEqual(await states(), ['chosen'])
    at.now += AUDIT_WAIT_MAX_MS + 1
    assert.equal(await settle(), true)
    assert.deepEqual(await states(), ['unsettled'])
    const { what, text } = (await events()).at(-1)!
    assert.equal(what, 'results_differ')
    assert.ok(text.includes(sha(HONEST)) && text.includes(sha('painted over')), text)
    assert.deepEqual(
      (await ledger.peers()).map(({ quarantined_until }) => quarantined_until),
      [],
    )
  })

  test('of two peers that differ are settled by any third one that comes, however late', async () => {
    const { run, ids, settle, ledger, task, present } = await stage(1, { peers: [ANN, BOB, CAT] })
    present.delete(CAT)
    await run(ids[0]!, ANN, 'painted over')
    await settle()
    await run(auditId(ids[0]!, 1), BOB)
    assert.equal(await settle(), false)
    present.add(CAT)
    assert.equal(await settle(), false)
    assert.equal(await run(auditId(ids[0]!, 2), CAT), 'done')
    assert.equal(await settle(), false)
    assert.ok((await ledger.peer(ANN)).quarantined_until)
    assert.equal((await task(ids[0]!)).status, 'PENDING')
  })

  test('of two peers that differ are settled by a leader without slots whose ffmpeg can, and by no other audit of it', async () => {
    const { run, ids, settle, ledger, taken, leadAgain } = await stage(1, { peers: [ANN, BOB], settles: true })
    await run(ids[0]!, ANN, 'painted over')
    await settle()
    assert.deepEqual(taken, [])
    await run(auditId(ids[0]!, 1), BOB)
    assert.equal(await settle(), false)
    assert.deepEqual(taken, [auditId(ids[0]!, 2)])
    // The next leader knows nothing of that.
    leadAgain(2)
    assert.equal(await settle(), false)
    assert.deepEqual(taken, [auditId(ids[0]!, 2), auditId(ids[0]!, 2)])
    assert.equal(await run(auditId(ids[0]!, 2), LEADER), 'done')
    assert.equal(await settle(), false)
    assert.ok((await ledger.peer(ANN)).quarantined_until)
    assert.equal((await ledger.peer(BOB)).quarantined_until, null)
  })

  test('of a superseded attempt, which was recorded as an audit, are settled though the result was not chosen', async () => {
    const { run, ids, settle, states, ledger, task } = await stage(2, { share: 1e-9 })
    for (const id of ids) await run(id, ANN, 'painted over')
    const all = ids.map((id) => ({ task: id, attempt: 1 }))
    await ledger.markAudits(all, { from: 'undecided', to: 'none', term: 1 })
    assert.deepEqual(await states(), ['none', 'none'])
    await ledger.insertTasks([auditOf(await task(ids[0]!), { n: 1, not_by: [ANN], priority: 0 })])
    await run(auditId(ids[0]!, 1), BOB)
    assert.equal(await settle(), false)
    assert.deepEqual(await states(), ['chosen', 'none'])
    await run(auditId(ids[0]!, 2), CAT)
    assert.equal(await settle(), false)
    assert.ok((await ledger.peer(ANN)).quarantined_until)
    assert.deepEqual([(await task(ids[0]!)).status, (await task(ids[1]!)).status], ['PENDING', 'PENDING'])
  })
})
