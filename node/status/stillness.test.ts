/** Why a video makes no progress: each reason in the case where it is said, with the peer, file or class that is missing. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { ANN, BOB, CAT, input, output } from '../../protocol/conformance/ledger/world.ts'
import { missingText } from './missing-capability.ts'
import {
  away,
  box,
  CLASS,
  chunk,
  claimed,
  FILM,
  failed,
  gone,
  mini,
  NOW,
  nas,
  whole,
  why,
} from './stillness.fixture.ts'

describe('a video that waits for a peer that alone has', () => {
  const help = 'start it again or give this mesh a shared folder'

  it('its source names that peer, how long it is silent, and what would help', () => {
    const text = `waits for nas, silent for 40 s: it alone has the source; ${help}`
    assert.deepEqual(why('QUEUED', { ...away, open: [whole('ingest')] }), ['source_absent', text, [ANN]])
    const unknown = why('PLANNING', { peers: [box], open: [whole('ingest')] })
    assert.match(`${unknown[1]}`, /^waits for peer \w{8}, not heard since this node started: it alone has the source/)
    const stopped = { peers: [{ ...nas, ...gone, state: 'leaving' as const }, box], open: [whole('ingest')] }
    assert.equal(why('QUEUED', stopped)[1], `waits for nas, which was stopped: it alone has the source; ${help}`)
  })

  it('its source and its cut chunks says so', () => {
    const text = `waits for nas, silent for 40 s: it alone has the source and the chunks that were cut; ${help}`
    assert.deepEqual(why('RUNNING', { ...away, open: [whole('ingest'), chunk()] }), ['source_absent', text, [ANN]])
  })

  it('a chunk is cut again, where the source is here', () => {
    const text = 'waits for nas, silent for 40 s: it alone has chunk 3 at 720p; it is cut again within seconds'
    assert.deepEqual(why('RUNNING', { ...away, holders: [BOB], open: [chunk()] }), ['input_absent', text, [ANN]])
    const nobody = chunk({ input: { ...input('cut'), holders: [] } })
    const lost = why('RUNNING', { ...away, holders: [BOB], open: [nobody] })
    assert.equal(lost[1], 'no peer has chunk 3 at 720p any more: it is cut again within seconds')
  })

  it('a result that the merge needs', () => {
    const done = chunk({ status: 'COMPLETED', output: { ...output('o'), holders: [ANN] } })
    const facts = { ...away, open: [whole('merge')], withoutOutput: [done, done] }
    const text =
      'waits for nas, silent for 40 s: it alone has chunk 3 at 720p and 1 more; it is encoded again after 30 s'
    assert.deepEqual(why('MERGING', facts), ['result_absent', text, [ANN]])
  })

  it('the folder of its delivery', () => {
    const text = 'waits for nas, silent for 40 s: only it delivers to /out; start it again'
    assert.deepEqual(why('COMPLETED', away), ['delivery_absent', text, [ANN]])
    const problem = 'film could not be written to /out: the disk is full'
    assert.deepEqual(why('COMPLETED', { problem }), ['delivery_failed', problem, [ANN]])
  })

  it('a shared folder that another peer sees is not waited for', () => {
    const place = { folder: 'f'.repeat(32), path: 'film.mkv' }
    const sees = {
      peers: [
        { ...nas, ...gone },
        { ...box, shared: [place.folder] },
      ],
    }
    const delivery = { peer: ANN, dir: '/out', name: 'film', done_at: null, shared: place }
    const facts = { open: [whole('ingest')], shared: { ...place, bytes: 1, mtime_ms: 0 } }
    assert.equal(why('QUEUED', { ...away, ...facts })[0], 'source_absent')
    const text = 'box sees the source in a shared folder, and hashes it before it reads it'
    assert.deepEqual(why('QUEUED', { ...sees, ...facts }), ['working', text, []])
    const writes = 'box fetches the results and writes them to /out, one video after another'
    assert.deepEqual(why('COMPLETED', { ...sees, delivery }), ['working', writes, []])
    const waits = 'waits for nas, silent for 40 s, or another peer that sees the shared folder of /out; start it again'
    assert.deepEqual(why('COMPLETED', { ...away, delivery }), ['delivery_absent', waits, [ANN]])
  })

  it('of a source in a shared folder says where it is gone, or is another file, and what would help', () => {
    const shared = { folder: 'f'.repeat(32), path: 'film.mkv', mtime_ms: 0 }
    const peers = [{ ...nas, shared: [shared.folder] }, box]
    const facts = { shared, holders: [], open: [whole('ingest'), chunk({ input: { ...input('cut'), holders: [] } })] }
    const missing = { peers: [ANN], video: FILM, text: 'on nas: films/film.mkv is missing: put it back' }
    const text = `no present peer has the source: ${missing.text}`
    for (const status of ['QUEUED', 'RUNNING'] as const)
      assert.deepEqual(why(status, { ...facts, peers, sharedProblems: [missing] }), ['source_absent', text, [ANN]])
    const unmounted = { peers: [BOB], video: null, text: 'on box: films at /films: it is not there' }
    const unseen = `no present peer sees the shared folder of the source: ${unmounted.text}`
    assert.deepEqual(why('QUEUED', { ...facts, sharedProblems: [unmounted] }), ['source_absent', unseen, [BOB]])
    // Who holds it is absent, and who is here sees another file.
    const lying = { ...facts, holders: [CAT], peers, sharedProblems: [missing] }
    assert.deepEqual(why('QUEUED', lying), ['source_absent', text, [ANN]])
  })

  it('is not said where two have it and one is here', () => {
    const open = [whole('ingest', { not_before: NOW })]
    assert.equal(why('QUEUED', { ...away, holders: [ANN, BOB], open })[0], 'next_step')
  })
})

describe('a task that may be claimed and is not', () => {
  it('names what no present worker can do, and who could', () => {
    const old = { ...box, encoders: [] }
    const facts = { holders: [BOB], peers: [{ ...nas, ...gone }, old], open: [chunk({ input: null })] }
    const text = 'chunk 3 at 720p: no present worker has the encoder x264; start nas, silent for 40 s again'
    assert.deepEqual(why('RUNNING', facts), ['no_capable_peer', text, [ANN]])
    const none = why('RUNNING', { peers: [{ ...box, slots: 0 }], open: [chunk({ input: null })] })
    assert.equal(none[1], 'chunk 3 at 720p: no present peer encodes: start a worker')
  })

  it('names who could and why they do not', () => {
    const peers = [
      { ...nas, state: 'paused' as const },
      { ...box, state: 'disk_full' as const },
    ]
    const text =
      'no peer takes this work now: nas is paused (`reelmesh resume`), box is out of disk space (make room); each could encode chunk 3 at 720p'
    assert.deepEqual(why('RUNNING', { peers, open: [chunk()] }), ['no_peer_takes_work', text, [ANN, BOB]])
  })

  it('of a second opinion names those whose own results it is about', () => {
    const audit = chunk({ input: null, not_by: [ANN, BOB] })
    assert.match(`${why('RUNNING', { open: [audit] })[1]}`, /: it needs another peer than nas, box$/)
  })

  it('says how many videos come first', () => {
    const busy = {
      peers: [
        { ...nas, busy: 1 },
        { ...box, busy: 1 },
      ],
      open: [chunk()],
      ahead: 2,
    }
    const text = 'waits for a free worker: all 2 that can encode it are busy, and 2 other videos come first'
    assert.deepEqual(why('RUNNING', busy), ['queued', text, []])
    assert.deepEqual(why('QUEUED', { open: [whole('ingest')], ahead: 1 }), ['queued', 'waits behind 1 other video', []])
  })

  it('says when a failed one is tried again', () => {
    const text = 'chunk 3 at 720p failed on box, next try in 4 s: ffmpeg said no'
    assert.deepEqual(why('RUNNING', { open: [chunk(failed(NOW + 4_000))] }), ['retry', text, []])
    assert.equal(why('QUEUED', { open: [whole('ingest', failed(NOW + 4_000))] })[0], 'retry')
    assert.equal(why('MERGING', { open: [whole('merge', failed(NOW + 4_000))] })[0], 'retry')
  })

  it('without a leader says so, where only a leader goes on', () => {
    const text = 'no peer leads: another coordinator takes over within seconds'
    for (const status of ['RUNNING', 'MERGING'] as const)
      assert.deepEqual(why(status, { leader: null }), ['no_leader', text, []])
    const workers = { leader: null, peers: [{ ...nas, roles: ['worker' as const] }] }
    assert.match(`${why('MERGING', workers)[1]}`, /^no present peer has the coordinator role: start a node/)
  })
})

describe('a claimed task that does not advance', () => {
  it('names its worker, absent or not', () => {
    const open = [chunk({ ...claimed(ANN), input: { ...input('cut'), holders: [BOB] } })]
    const absent = 'waits for nas, silent for 40 s, which has chunk 3 at 720p: it runs elsewhere in 20 s at the latest'
    assert.deepEqual(why('RUNNING', { ...away, holders: [BOB], open }), ['worker_absent', absent, [ANN]])
    const here = 'nas has chunk 3 at 720p: ffmpeg is stopped after 2 minutes without progress'
    assert.deepEqual(why('RUNNING', { open }), ['working', here, []])
    const waits = why('RUNNING', { open, waiting: new Set(open.map(({ _id }) => _id)) })
    assert.deepEqual(waits, ['input_slow', 'chunk 3 at 720p waits for its input, which nas fetches', [ANN]])
    assert.equal(why('PLANNING', { open: [whole('ingest', claimed(ANN))] })[1], 'nas reads and cuts the source')
  })

  it('is a merge whose results wait for a second machine', () => {
    assert.equal(why('MERGING', { open: [whole('merge', { status: 'COMPLETED' })] })[0], 'replica_wanted')
  })
})

test('every part of a class that no worker has is named', () => {
  assert.equal(missingText([nas], 'audio+opus'), 'no present worker runs audio tasks and has the encoder opus')
  assert.equal(missingText([nas], 'hevc10>x264/720p'), 'no present worker can decode hevc10')
  assert.equal(missingText([nas], 'h264+zscale>x264/720p'), 'no present worker has the filter zscale')
  const small = { ...mini, renditions: ['480p'], encoders: ['x264', 'x265-199'] }
  assert.equal(missingText([small], CLASS), 'no present worker may encode 720p (its `renditions`)')
  assert.equal(
    missingText([nas, small], 'h264>x265-199/720p'),
    'no present worker has all that it needs: decoder h264, encoder x265-199, rendition 720p',
  )
  assert.equal(missingText([{ ...nas, kinds: [] }], 'audio'), 'no present worker runs audio tasks')
})
