/** Status as text: within the width, without colour unless asked, harmless whatever things are called. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { asPeerId, type VideoId } from '../protocol/ids.ts'
import type { PeerStatus, StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { VIDEO_STATUSES } from '../protocol/video.ts'
import { widthOf } from './columns.ts'
import { renderStatus } from './render-status.ts'

const peerId = asPeerId(`12D3KooW${'a'.repeat(44)}`)
const peer = (change: Partial<PeerStatus> = {}): PeerStatus => ({
  peer: peerId,
  self: true,
  name: 'workshop',
  roles: ['worker', 'coordinator'],
  renditions: ['480p', '720p', '1080p'],
  slots: 4,
  busy: 2,
  state: 'working',
  state_text: change.state ?? 'working',
  speed: 12.34,
  load: 0.5,
  heard_s: 0,
  version: '0.1.0',
  ffmpeg: '8.1',
  encoders: ['x264'],
  decoders: 9,
  speeds: {},
  http: null,
  host: 'host',
  running: [],
  shared: [],
  paused: false,
  reason: null,
  ...change,
})
const row = (change: Partial<VideoRow> = {}): VideoRow => ({
  id: '0123456789abcdef' as VideoId,
  name: 'film',
  status: 'RUNNING',
  created_at: 0,
  priority: 0,
  deadline: null,
  forecast: null,
  done: 0.5,
  frames: 1000,
  seconds: 40,
  fps: 123.4,
  speed: 4.2,
  eta_s: 3_700,
  tasks: [
    { kind: 'video', resolution: '480p', status: 'COMPLETED', count: 3 },
    { kind: 'video', resolution: '480p', status: 'PROCESSING', count: 1 },
    { kind: 'video', resolution: '1080p', status: 'PENDING', count: 4 },
    { kind: 'video', resolution: '1080p', status: 'FAILED', count: 1 },
  ],
  renditions: [],
  outputs: [],
  deliveries: [],
  held: { peers: [peerId], hosts: 1, may_leave: false, text: null },
  audits: { open: 0, done: 0, differed: 0, unsettled: 0, skipped: 0 },
  failure: null,
  waiting: null,
  still: null,
  notes: [],
  problem: null,
  ...change,
})
const snapshot = (change: Partial<StatusSnapshot> = {}): StatusSnapshot => ({
  v: 1,
  at: 0,
  self: peerId,
  version: '0.1.0',
  leader: { peer: peerId, name: 'workshop', term: 3 },
  ledger: { description: 'SQLite /data/ledger.db', away: null, since: null, text: null },
  peers: [peer()],
  problems: [],
  engines: [],
  videos: [row()],
  unlisted: { working: 0, queued: 0 },
  events: [{ n: 1, at: 0, what: 'leader', peer: peerId, video: null, text: 'workshop leads, term 3' }],
  ...change,
})
const render = (given: StatusSnapshot, { columns = 80, rows = 40, color = false } = {}) =>
  renderStatus(given, { columns, rows, color })
const widest = (text: string) =>
  Math.max(
    ...stripVTControlCharacters(text)
      .split('\n')
      .map((line) => widthOf(line)),
  )

describe('the status screen', () => {
  it('shows peers, their renditions and slots, videos with their bars, and events', () => {
    const text = render(snapshot())
    for (const part of [
      'led by workshop (term 3)',
      '480/720/1080',
      '2/4',
      '123 fps',
      'ETA 1:01:40',
      '3/4 chunks, 1 running',
      '1 failed',
      'workshop leads, term 3',
    ]) {
      assert.ok(text.includes(part), `${part} is missing in\n${text}`)
    }
  })

  it('shows an event of a code that it does not know, as a newer peer writes it, with its text', () => {
    const events = [{ n: 1, at: 0, what: 'teleported', peer: null, video: null, text: 'workshop moved to Mars' }]
    for (const color of [false, true])
      assert.match(
        stripVTControlCharacters(render(snapshot({ events }), { color })),
        /teleported: workshop moved to Mars/,
      )
  })

  it('shows why a video waits', () => {
    const text = 'audio failed on worker 1, next try in 3 s: no decoder'
    const waiting = {
      task: '0123456789abcdef/audio/00000',
      code: 'encode_failed',
      reason: 'no decoder',
      worker: peerId,
      attempts: 1,
      next_try_at: 0,
      text,
    } as NonNullable<VideoRow['waiting']>
    assert.ok(render(snapshot({ videos: [row({ waiting })] })).includes(text))
    assert.ok(!render(snapshot()).includes('next try'))
  })

  it('shows whether a deadline holds, and what would hold one that will be missed', () => {
    const forecast = (spare_s: number, more: number) => {
      const done_at = 3_600_000 - spare_s * 1000
      return row({ deadline: 3_600_000, forecast: { done_at, spare_s, more, like: 'nas', text: '' } })
    }
    const shown = render(snapshot({ videos: [forecast(2_400, 0), forecast(-720, 3)] }))
    assert.match(shown, /^ {4}done about \S+, 40 min to spare$/m)
    assert.match(shown, /^ {4}done about \S+, 12 min late: 3 more workers like nas would hold it$/m)
  })

  it('fits 80 columns with the longest of everything', () => {
    const long = 'x'.repeat(200)
    const videos = VIDEO_STATUSES.map((status) =>
      row({ status, name: long, failure: long, notes: [long], fps: 99_999, speed: 9_999, eta_s: 999_999 }),
    )
    const peers = [
      peer({ name: long, ffmpeg: long, version: long, state: 'ledger_away', busy: 1024, slots: 1024, speed: 9_999 }),
      peer({ paused: true, reason: long }),
    ]
    const given = snapshot({
      videos,
      peers,
      ledger: { description: long, away: null, since: null, text: null },
      events: [{ n: 1, at: 0, what: long, peer: null, video: null, text: long }],
    })
    assert.ok(widest(render(given)) <= 80, render(given))
    assert.ok(
      widest(
        render({
          ...given,
          ledger: { description: '', away: long, since: 0, text: long },
          leader: { peer: peerId, name: long, term: 999_999 },
        }),
      ) <= 80,
    )
  })

  it('fits any width, with names of wide characters, of emoji and of letters that take no room', () => {
    for (const name of [
      '映画のとても長い名前'.repeat(20),
      '👩‍👩‍👧‍👦🎬'.repeat(40),
      'e\u0301'.repeat(100),
      'x'.repeat(200),
    ]) {
      const given = snapshot({
        peers: [peer({ name, ffmpeg: name }), peer({ paused: true, reason: name })],
        engines: [{ engine: name, wanted: 2, reason: name, peers: [peerId], text: name }],
        videos: [row({ name, notes: [name] }), row({ status: 'FAILED', failure: name })],
        events: [{ n: 1, at: 0, what: 'delivered', peer: null, video: null, text: name }],
      })
      for (const columns of [20, 40, 60, 79, 80, 120])
        for (const color of [false, true])
          assert.ok(widest(render(given, { columns, color })) <= columns, render(given, { columns }))
    }
  })

  it('shows the audits of a video once there are any, and what they found', () => {
    assert.doesNotMatch(render(snapshot()), /audits/)
    const some = row({ audits: { open: 2, done: 3, differed: 0, unsettled: 0, skipped: 0 } })
    assert.match(render(snapshot({ videos: [some] })), /audits: 3 of 5 done$/m)
    const found = row({ audits: { open: 0, done: 3, differed: 2, unsettled: 1, skipped: 4 } })
    assert.match(render(snapshot({ videos: [found] })), /audits: 3 of 3 done, 2 differed, 1 unsettled, 4 skipped$/m)
  })

  it('distinguishes a delivered video from an undelivered one, with the reason, however many are delivered', () => {
    const done = { status: 'COMPLETED', done: 1 } as const
    const here = peerId
    const undelivered = row({
      ...done,
      name: 'undelivered',
      notes: ['no sound', 'undelivered could not be written to /out: the disk is full'],
      problem: 'undelivered could not be written to /out: the disk is full',
      deliveries: [
        { peer: here, dir: '/out', name: 'undelivered', done_at: null, text: 'not delivered yet to /out by workshop' },
        { peer: here, dir: '/in/place', name: 'undelivered', done_at: 1, text: null },
      ],
    })
    const delivered = Array.from({ length: 9 }, (_, at) =>
      row({
        ...done,
        name: `done ${at}`,
        notes: ['a note of old'],
        deliveries: [{ peer: here, dir: '/out', name: 'x', done_at: 1, text: null }],
      }),
    )
    const text = render(snapshot({ videos: [undelivered, ...delivered] }))
    for (const part of [
      'no sound',
      'undelivered could not be written to /out: the disk is full',
      'not delivered yet to /out by workshop',
    ])
      assert.ok(text.includes(part), text)
    assert.doesNotMatch(text, /in.place|a note of old/)
  })

  it('breaks a sentence that says what to do into lines, and cuts the third', () => {
    const failure =
      '"/films/a.ts" has timestamps that jump back after 4.0 s, so that frames share their times: split it there and submit the parts.'
    const text = render(snapshot({ videos: [row({ status: 'FAILED', failure })] }))
    assert.ok(text.replace(/\s+/g, ' ').includes(failure), text)
    const long = render(snapshot({ videos: [row({ status: 'FAILED', failure: 'word '.repeat(100) })] }))
    assert.equal(long.split('\n').filter((line) => /^ {4}word/.test(line)).length, 3)
    assert.match(long, /^ {4}word [^\n]*…$/m)
  })

  it('has no escape unless colour is asked for, and the same words with it', () => {
    const plain = render(snapshot())
    assert.equal(plain, stripVTControlCharacters(plain))
    const coloured = render(snapshot(), { color: true })
    assert.notEqual(coloured, plain)
    assert.equal(stripVTControlCharacters(coloured), plain)
  })

  it('lets nothing out of a name that could move the cursor or forge a line', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 60 })
    fc.assert(
      fc.property(nasty, (text) => {
        const given = snapshot({
          peers: [peer({ name: text, ffmpeg: text })],
          videos: [row({ name: text, notes: [text] }), row({ status: 'FAILED', failure: text })],
          ledger: { description: text, away: text, since: 0, text },
          events: [{ n: 1, at: 0, what: 'event', peer: null, video: null, text }],
        })
        const lines = render(given).split('\n')
        assert.equal(
          lines.length,
          render(
            snapshot({
              ...given,
              peers: [peer()],
              videos: [row({ notes: ['n'] }), row({ status: 'FAILED', failure: 'f' })],
            }),
          ).split('\n').length - (text === '' ? 1 : 0),
        )
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
        assert.doesNotMatch(lines.join(''), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })

  it('never fills more rows than there are, however many peers and videos', () => {
    const many = snapshot({
      peers: Array.from({ length: 300 }, (_, at) => peer({ name: `peer ${at}` })),
      videos: Array.from({ length: 200 }, (_, at) => row({ name: `film ${at}` })),
      events: Array.from({ length: 50 }, (_, at) => ({
        n: at + 1,
        at,
        what: 'event',
        peer: null,
        video: null,
        text: 'text',
      })),
    })
    for (const rows of [1, 10, 24, 50]) assert.ok(render(many, { rows }).split('\n').length <= rows)
  })

  it('names the first of a long queue, and counts the rest', () => {
    const videos = Array.from({ length: 30 }, (_, at) =>
      row({ name: `film ${at}`, status: at < 2 ? 'RUNNING' : 'QUEUED' }),
    )
    const text = render(snapshot({ videos, unlisted: { working: 3, queued: 400 } }))
    const more = ['and 3 more that are worked on', 'and 420 more queued']
    for (const part of ['film 0', 'film 1', 'film 9', ...more, 'workshop leads, term 3'])
      assert.ok(text.includes(part), text)
    assert.doesNotMatch(text, /film 10/)
  })

  it('says so when there is no leader, no video, no ledger', () => {
    const ledger = {
      description: '',
      away: 'silence',
      since: 0,
      text: `nothing can be claimed: silence; ${'and so on '.repeat(9)}`,
    }
    const text = render(snapshot({ leader: null, videos: [], ledger }))
    for (const part of [
      'no leader',
      'none yet',
      'ledger unavailable: nothing can be claimed: silence; and so on',
      '\non and so on',
    ])
      assert.ok(text.includes(part), text)
  })

  it('shows what must stay on', () => {
    const held = { peers: [peerId], hosts: 1, may_leave: false, text: 'source only on nas: not replicated' }
    assert.match(render(snapshot({ videos: [row({ held })] })), /^ {4}source only on nas: not replicated$/m)
  })

  it('shows engines with the workers wanted there, and why', () => {
    const reason = `a long queue ${'x'.repeat(90)}`
    const sentence = `3 workers wanted: ${reason}`
    const engine = { engine: 'e'.repeat(60), wanted: 3, reason, peers: [peerId], text: sentence }
    const text = render(snapshot({ engines: [engine, { ...engine, engine: 'gone', wanted: 0, peers: [] }] }))
    assert.match(text, /ENGINES\n {2}e+… {2}3 workers wanted: a long queue/)
    assert.doesNotMatch(text, /gone/)
    assert.ok(widest(text) <= 80, text)
  })

  it('shows who is silent and who is paused', () => {
    const text = render(snapshot({ peers: [peer({ state_text: 'silent 42s' }), peer({ state_text: 'paused' })] }))
    assert.ok(text.includes('silent 42s') && text.includes('paused'), text)
  })
})

it('the encoders of the workers are one line where all have the same, else one more for each', () => {
  const encoders = ['x264', 'x265-199']
  const lines = (peers: readonly PeerStatus[]) =>
    renderStatus({ ...snapshot(), peers }, { columns: 80, rows: 40, color: false })
      .split('\n')
      .filter((line) => /x26/.test(line))
  assert.deepEqual(lines([peer({ encoders }), peer({ name: 'hub', slots: 0 })]), ['  all encode with x264, x265-199'])
  assert.deepEqual(lines([peer({ encoders }), peer({ name: 'nas', encoders: ['x264'] })]), [
    '  all encode with x264',
    '  x265-199: workshop',
  ])
})

it('many encoders are wrapped, so that none is cut off', () => {
  const encoders = ['opus', 'svtav1-1-4-1', 'svtav1-1-4-1-10bit', 'x264', 'x265-199', 'x265-199-10bit']
  const text = renderStatus({ ...snapshot(), peers: [peer({ encoders })] }, { columns: 80, rows: 40, color: false })
  for (const word of encoders) assert.ok(text.includes(word), word)
  for (const line of text.split('\n')) assert.ok(widthOf(line) <= 80, line)
})

it('the bar of a rendition names its encoder and settings, within 80 columns', () => {
  const planned = {
    width: 1280,
    height: 720,
    codec: 'h264',
    encoder: 'x264',
    preset: 'medium',
    bytes: null,
    kbps: null,
  }
  const rate = { crf: 23, maxrate_kbps: 4500, bufsize_kb: 4500 }
  const tasks = [{ kind: 'video', resolution: '720p', status: 'PENDING', count: 12 }] as VideoRow['tasks']
  const video = row({ tasks, renditions: [{ id: '720p', ...planned, rate, profile: 'high', bit_depth: 8 }] })
  const text = renderStatus(snapshot({ videos: [video] }), { columns: 80, rows: 40, color: false })
  const [line = ''] = text.split('\n').filter((each) => each.includes('░'))
  assert.match(line, /^ {4}720p +░{10,} 0\/12 chunks +x264 high medium crf 23 ≤4500k$/)
  assert.ok(widthOf(line) <= 80)
})
