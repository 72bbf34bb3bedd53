/** What is said of a video in which nothing is missing: who does the next step, and what is seen where nobody does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANN, BOB, sha } from '../../protocol/conformance/ledger/world.ts'
import type { Task } from '../../protocol/task.ts'
import { away, box, chunk, claimed, failed, gone, NOW, nas, peer, whole, why } from './stillness.fixture.ts'

describe('nothing is missing, and', () => {
  const LONG_AGO = { not_before: NOW - 60_000 }
  const late = { stillMs: 90_000 }
  const at = (task: Task, name: string) => ({
    ...peer(BOB, name),
    running: [{ task: task._id, attempt: 1, done: 0, speed: 0 }],
  })

  it('the leader does the next step, until it is late', () => {
    const merges = 'everything is encoded: box, which leads, starts the merge within 30 s'
    assert.deepEqual(why('RUNNING'), ['next_step', merges, []])
    const lacks = 'its first task is missing, as its submit was cut off: box, which leads, adds it within 30 s'
    assert.deepEqual(why('QUEUED'), ['next_step', lacks, []])
    assert.deepEqual(why('MERGING')[0], 'next_step')
    const text = 'everything is encoded, and box, which leads, has not gone on for 90 s: look at its log'
    assert.deepEqual(why('RUNNING', late), ['unknown', text, []])
  })

  it('the leader is silent or takes no work', () => {
    const silent = { peers: [nas, { ...box, ...gone }] }
    const text = 'waits for box, silent for 40 s, which leads: another coordinator takes over within seconds'
    assert.deepEqual(why('RUNNING', silent), ['no_leader', text, [BOB]])
    const paused = { peers: [nas, { ...box, state: 'paused' as const }] }
    assert.equal(why('RUNNING', paused)[0], 'no_peer_takes_work')
    assert.equal(why('MERGING', { ...paused, open: [whole('merge')] })[0], 'no_peer_takes_work')
  })

  it('a task has only just become free, or is not yet by a clock that was set back', () => {
    const free = chunk({ not_before: NOW - 1_000 })
    const text = 'chunk 3 at 720p may be begun since a moment ago: nas and box take it within seconds'
    assert.deepEqual(why('RUNNING', { open: [free] }), ['next_step', text, []])
    assert.deepEqual(why('RUNNING', { open: [chunk(LONG_AGO)], freeMs: 3_000 }), ['next_step', text, []])
    const back = 'chunk 3 at 720p may be begun in 14 s, by the clock of the ledger, which was set back'
    assert.deepEqual(why('RUNNING', { open: [chunk({ not_before: NOW + 14_000 })] }), ['next_step', back, []])
  })

  it('free workers do not take a task: what is seen of them is said', () => {
    const text =
      'chunk 3 at 720p may be begun by nas (idle), box (idle), and has not been for 10 s: look at the log there'
    assert.deepEqual(why('RUNNING', { open: [chunk(LONG_AGO)] }), ['unknown', text, []])
  })

  it('a worker that failed at the video pauses it', () => {
    const task = chunk({ ...failed(NOW - 50_000), strikes: [], ...LONG_AGO })
    const text = 'box failed at this video 0 s ago and pauses it for a minute at most: ffmpeg said no'
    assert.deepEqual(why('RUNNING', { open: [task] }), ['retry', text, []])
  })

  it('its reader or the leader is at other videos', () => {
    const other = { ...whole('ingest'), _id: 'fedcba9876543210/ingest/00000' as Task['_id'] }
    const ingest = { holders: [BOB], peers: [nas, at(other, 'box')], open: [whole('ingest', LONG_AGO)] }
    assert.deepEqual(why('QUEUED', ingest), ['queued', 'waits until box is done with other videos', []])
    const merge = { peers: [nas, at(other, 'box')], open: [whole('merge', LONG_AGO)] }
    assert.deepEqual(why('MERGING', merge), ['queued', 'waits until box is done with other videos', []])
  })

  it('a result waits for an audit by another peer', () => {
    const result = chunk({ status: 'COMPLETED', audit: 'chosen' })
    const text =
      'chunk 3 at 720p waits for an audit by another peer than nas, box, on another machine, for 5 minutes at most; start a worker there'
    for (const status of ['RUNNING', 'MERGING'] as const)
      assert.deepEqual(why(status, { unaudited: [result] }), ['audit_waits', text, []])
  })

  it('so many videos are before it that its tasks were not read', () => {
    const text = 'is RUNNING, and waits behind 20 other videos'
    assert.deepEqual(why('RUNNING', { open: null, ahead: 20 }), ['queued', text, []])
  })

  it('the worker that has it is cut off from the ledger', () => {
    const cut = { peers: [{ ...nas, state: 'ledger_away' as const }, box], open: [chunk(claimed(ANN))] }
    const text =
      'nas has chunk 3 at 720p and is cut off from the ledger: it goes on, and holds its result for 15 minutes'
    assert.deepEqual(why('RUNNING', cut), ['worker_absent', text, [ANN]])
  })

  it('the results that are to be delivered are lost, or their peer is cut off from the ledger', () => {
    const outputs = [{ path: 'f', media_type: 'video/mp4', sha256: sha('f'), bytes: 1, holders: [ANN] }] as never
    const delivery = { peer: BOB, dir: '/out', name: 'film', done_at: null }
    const text = 'waits for nas, silent for 40 s: it alone has the results; they are made again after 30 s'
    assert.deepEqual(why('COMPLETED', { ...away, outputs, delivery }), ['result_absent', text, [ANN]])
    const cut = { peers: [nas, { ...box, state: 'ledger_away' as const }], delivery }
    assert.equal(why('COMPLETED', cut)[0], 'no_peer_takes_work')
  })
})
