/** Audits of one film by the leader's steps, on the reference model: draws, differences, consequences, waits and a change of the leader. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANN, BOB, CAT, chunk, sha, token, videoIn } from '../protocol/conformance/ledger/world.ts'
import { auditId, taskId } from '../protocol/ids.ts'
import { AUDIT_IDLE_MS, AUDIT_WAIT_MAX_MS, AUDITED_FIRST, IDLE_PRIORITY, LOST_AFTER_MS } from '../protocol/limits.ts'
import type { Task } from '../protocol/task.ts'
import { CLASS, HONEST, stage } from './audits.fixture.ts'
import { createAudits } from './audits.ts'
import type { TermContext } from './duty.ts'

describe('audits', () => {
  test('with a share of 0 read nothing and hold nothing up', async () => {
    const { ledger, run, ids, video } = await stage(1, { share: 0 })
    await run(ids[0]!, ANN)
    const asked: string[] = []
    const watched = new Proxy(ledger, {
      get(from, name) {
        asked.push(String(name))
        return Reflect.get(from, name)
      },
    })
    const quiet = createAudits({ audit: 0, ledger: watched, clock: { mono: () => 0 } } as unknown as TermContext)
    const counts = (await ledger.progress([video._id])).get(video._id)!
    assert.equal(await quiet.settle(video, counts, { isEncoded: true }), true)
    assert.deepEqual(asked, [])
  })

  test('of results that nobody else can compare are none, at one read of them and one write', async () => {
    const { ledger, run, ids, settle, states } = await stage(2, { peers: [ANN] })
    for (const id of ids) await run(id, ANN)
    const asked: string[] = []
    for (const name of ['peers', 'markAudits', 'tasks'] as const) {
      const call = ledger[name] as (...given: unknown[]) => unknown
      const counted = (...given: unknown[]) => {
        asked.push(name)
        return call(...given)
      }
      Object.assign(ledger, { [name]: counted })
    }
    assert.equal(await settle(), true)
    assert.deepEqual(asked, ['tasks', 'markAudits'])
    assert.deepEqual(await states(), ['none', 'none'])
  })

  test('of a result that agrees count for its peer, once, and then only the share of it is audited', async () => {
    const { run, ids, settle, states, audits, ledger } = await stage(6, { share: 0 + 1e-9 })
    for (const id of ids) await run(id, ANN)
    assert.equal(await settle(), false)
    assert.equal((await audits()).length, AUDITED_FIRST)
    assert.deepEqual(await states(), ['chosen', 'chosen', 'chosen', 'none', 'none', 'none'])
    for (const id of await audits()) assert.equal(await run(id, BOB), 'done')
    assert.equal(await settle(), true)
    assert.equal(await settle(), true)
    assert.deepEqual(await states(), ['agreed', 'agreed', 'agreed', 'none', 'none', 'none'])
    assert.equal((await ledger.peer(ANN)).audits_agreed, AUDITED_FIRST)
    assert.equal((await ledger.peer(BOB)).audits_agreed, 0)
  })

  test('wait for idle slots, are refused to the peer that made the result, and urgent after a while', async () => {
    const { run, ids, settle, task, at } = await stage(1)
    await run(ids[0]!, ANN)
    assert.equal(await settle(false), false)
    const audit = auditId(ids[0]!, 1)
    assert.partialDeepStrictEqual(await task(audit), {
      kind: 'audit',
      class: CLASS,
      resolution: '480p',
      priority: IDLE_PRIORITY,
      not_by: [ANN],
    })
    assert.equal(await run(audit, ANN), 'not its own')
    await settle()
    at.now += AUDIT_IDLE_MS + 1
    assert.equal(await settle(), false)
    assert.equal((await task(audit)).priority, 0)
  })

  test('that differ are settled by a third peer: the wrong one is quarantined with both hashes, and made again', async () => {
    const { run, ids, settle, task, ledger, states, events } = await stage(5)
    await run(ids[0]!, ANN)
    await settle(false)
    await run(auditId(ids[0]!, 1), BOB)
    await settle(false)
    for (const id of ids.slice(1, 3)) await run(id, ANN, 'painted over')
    await run(ids[3]!, BOB)
    await ledger.claimTask({ worker: ANN, token: token('running'), task: ids[4]!, from: 'free' })
    await settle(false)
    await run(auditId(ids[2]!, 1), BOB)
    await settle(false)
    assert.equal((await ledger.peer(ANN)).quarantined_until, null)
    assert.deepEqual((await task(auditId(ids[2]!, 2))).not_by, [ANN, BOB])
    assert.equal((await task(auditId(ids[2]!, 2))).priority, 0)
    await run(auditId(ids[2]!, 2), CAT)
    assert.equal(await settle(false), false)
    const { quarantined_until, reason, audits_agreed } = await ledger.peer(ANN)
    assert.ok(quarantined_until)
    assert.ok(reason?.includes(sha('painted over')) && reason.includes(sha(HONEST)), reason ?? '')
    assert.equal(audits_agreed, 0)
    const statuses = await Promise.all(ids.map(async (id) => (await task(id)).status))
    assert.deepEqual(statuses, ['COMPLETED', 'PENDING', 'PENDING', 'COMPLETED', 'PENDING'])
    assert.deepEqual((await states())[0], 'agreed')
    const codes = (await events()).map(({ what }) => what)
    for (const code of ['audit_differs', 'quarantined', 'reclaimed', 'made_again'])
      assert.ok(codes.includes(code), code)
    // What was made before is evidence for what is made now.
    await run(ids[2]!, BOB)
    await settle(false)
    assert.equal((await task(ids[2]!)).audit, 'agreed')
  })

  test('find a wrong auditor as well as a wrong result', async () => {
    const { run, ids, settle, task, ledger } = await stage(2)
    await run(ids[1]!, BOB, 'painted over')
    await run(ids[0]!, ANN)
    await settle(false)
    await run(auditId(ids[0]!, 1), BOB, 'painted over')
    await settle(false)
    await run(auditId(ids[0]!, 2), CAT)
    await settle(false)
    assert.equal((await task(ids[0]!)).audit, 'agreed')
    assert.equal((await task(auditId(ids[0]!, 1))).audit, 'refuted')
    assert.ok((await ledger.peer(BOB)).quarantined_until)
    assert.equal((await ledger.peer(ANN)).audits_agreed, 1)
    assert.equal((await task(ids[1]!)).status, 'PENDING')
  })

  test('go on under a new leader that draws nothing twice, and an older leader changes nothing', async () => {
    const { run, ids, settle, states, audits, leadAgain, ledger } = await stage(8, { share: 0.3 })
    for (const id of ids) await run(id, ANN)
    await ledger.setPeer(ANN, { audits_agreed: AUDITED_FIRST })
    await settle(false)
    const [drawn, ordered] = [await states(), await audits()]
    assert.ok(drawn.includes('chosen') && drawn.includes('none'), drawn.join(' '))
    leadAgain(2)
    await ledger.stampTerm(2)
    await settle(false)
    assert.deepEqual([await states(), await audits()], [drawn, ordered])
    leadAgain(1)
    for (const id of ordered) await run(id, BOB)
    await settle()
    assert.deepEqual(await states(), drawn)
    leadAgain(3)
    assert.equal(await settle(), true)
    assert.deepEqual(
      await states(),
      drawn.map((state) => (state === 'chosen' ? 'agreed' : state)),
    )
  })

  test('a leader that died after the draw, or in the middle of the consequences, is continued', async () => {
    const { run, ids, settle, task, ledger, leadAgain } = await stage(2)
    for (const id of ids) await run(id, ANN, 'painted over')
    await ledger.markAudits([{ task: ids[0]!, attempt: 1 }], { from: 'undecided', to: 'chosen', term: 1 })
    await settle(false)
    await run(auditId(ids[0]!, 1), BOB)
    await settle(false)
    await run(auditId(ids[0]!, 2), CAT)
    await ledger.quarantine(ANN, { ms: 3_600_000, quarantines: 1, reason: 'wrong', seen: null })
    leadAgain(2)
    await settle(false)
    assert.deepEqual([(await task(ids[0]!)).status, (await task(ids[1]!)).status], ['PENDING', 'PENDING'])
    assert.equal((await ledger.peer(ANN)).quarantines, 1)
  })

  test('where nobody else can encode, nothing is audited and nothing waits', async () => {
    const { run, ids, settle, states, audits } = await stage(1, { peers: [ANN] })
    await run(ids[0]!, ANN)
    assert.equal(await settle(), true)
    assert.deepEqual([await states(), await audits()], [['none'], []])
  })

  test('hold a video up for a bounded time: soon where no peer is left, later where one is late', async () => {
    const gone = await stage(1)
    await gone.run(gone.ids[0]!, ANN)
    await gone.settle()
    for (const id of [BOB, CAT]) gone.present.delete(id)
    gone.at.now += LOST_AFTER_MS / 2
    assert.equal(await gone.settle(), false)
    gone.at.now += LOST_AFTER_MS
    assert.equal(await gone.settle(), true)
    assert.deepEqual(await gone.states(), ['none'])
    assert.match((await gone.events()).at(-1)!.text, /without its audit: no peer is left/)
    const late = await stage(1)
    await late.run(late.ids[0]!, ANN)
    await late.settle()
    await late.ledger.claimTask({ worker: BOB, token: token('slow'), task: auditId(late.ids[0]!, 1), from: 'free' })
    late.at.now += AUDIT_WAIT_MAX_MS - 1_000
    assert.equal(await late.settle(), false)
    late.at.now += 2_000
    assert.equal(await late.settle(), true)
    assert.match((await late.events()).at(-1)!.text, /without its audit: no peer has completed it in time/)
  })

  test('a merge that has read a wrong result begins again', async () => {
    const { ledger, run, ids, settle, task } = await stage(1)
    const other = await videoIn(ledger, 'RUNNING')
    const read = chunk(other, 0, { class: CLASS })
    await ledger.insertTasks([read])
    await run(read._id, ANN, 'painted over')
    await ledger.startMerging(other._id, 1)
    const merge = taskId(other._id, 'merge')
    await ledger.claimTask({ worker: BOB, token: token('merge'), task: merge, from: 'free' })
    await run(ids[0]!, ANN, 'painted over')
    await settle(false)
    for (const [n, who] of [BOB, CAT].entries()) {
      await run(auditId(ids[0]!, n + 1), who)
      await settle(false)
    }
    assert.equal((await task(read._id)).status, 'PENDING')
    const { status, claims }: Task = await task(merge)
    assert.deepEqual([status, claims], ['PENDING', []])
  })
})
