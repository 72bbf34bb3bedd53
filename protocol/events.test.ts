/** The catalogue of events: each code has its sentence, and what is missing from it does not compile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB } from './conformance/ledger/world.ts'
import { createEmitter } from './emitter.ts'
import type { EventFields } from './event-fields.ts'
import { type DomainEvent, EVENTS, type EventCode, eventLevel, eventText, isEvent } from './events.ts'
import type { TaskId, VideoId } from './ids.ts'
import type { LedgerEvent } from './ledger.ts'
import { type Log, silentLog } from './log.ts'

const video = '3da5533efb102864' as VideoId
const task = `${video}/1080p/00007` as TaskId
const film = { peer: ANN, video, name: 'film' }
const ann = { peer: ANN, name: 'ann' }
const worker = { peer: ANN, worker: 'auto-1' }

const EXAMPLES: { readonly [Code in EventCode]: readonly [fields: EventFields[Code], text: string] } = {
  leader: [{ ...ann, term: 4 }, 'ann leads, term 4'],
  peer_lost: [{ ...ann, reason: 'its connection closed' }, 'ann is lost: its connection closed'],
  reclaimed: [
    { ...ann, tasks: 2, reason: 'its connection closed' },
    '2 tasks of ann were reclaimed: its connection closed',
  ],
  backup_wanted: [
    { video, task, reason: '46 s left, a new attempt takes 20 s' },
    `task ${task} gets a backup attempt: 46 s left, a new attempt takes 20 s`,
  ],
  backup_won: [
    { peer: ANN, video, task, slower: BOB },
    `task ${task} was completed by the backup attempt of ${ANN} before ${BOB}`,
  ],
  blob_lost: [
    { video, blob: 'the 1080p result of film' },
    'the 1080p result of film has no holder any more and is made again',
  ],
  results_differ: [
    { peer: ANN, video, task, dropped: 'a'.repeat(64), committed: 'b'.repeat(64), committed_by: BOB },
    `task ${task} has two different results: ${'b'.repeat(64)} of ${BOB} is kept, ${'a'.repeat(64)} of ${ANN} is dropped`,
  ],
  audit_differs: [
    { peer: ANN, video, task, made: 'a'.repeat(64), audited: 'b'.repeat(64), audited_by: BOB },
    `task ${task} has two different results: ${'a'.repeat(64)} of ${ANN}, and ${'b'.repeat(64)} of the audit by ${BOB}`,
  ],
  made_again: [
    { ...ann, tasks: 1 },
    '1 task of ann was taken back, all since its last audit that agreed: others encode it again',
  ],
  audit_skipped: [
    { video, task, reason: 'no peer has completed it in time' },
    `the result of task ${task} is used without its audit: no peer has completed it in time`,
  ],
  quarantined: [
    { ...ann, ms: 60_000, quarantines: 1, reason: 'quarantined for 1 min: failed at 3 chunks in a row' },
    'ann is quarantined for 1 min: failed at 3 chunks in a row',
  ],
  merging: [film, 'film is being merged: every chunk is encoded'],
  completed: [film, 'film is completed'],
  failed: [{ peer: ANN, video, failure: 'film: merge failed permanently' }, 'film: merge failed permanently'],
  cancelled: [{ peer: null, video, name: 'film' }, 'film was cancelled'],
  playable: [{ video, name: 'film' }, 'film can be played from its beginning'],
  delivered: [{ ...film, dir: '/out' }, 'film was delivered to /out'],
  delivery_failed: [
    { ...film, dir: '/out', reason: 'the disk is full' },
    'film could not be written to /out: the disk is full',
  ],
  note: [{ peer: ANN, video, note: 'a subtitle track was left out' }, 'a subtitle track was left out'],
  still: [{ video, name: 'film', reason: 'waits for nas' }, 'film makes no progress: waits for nas'],
  waits: [
    { video, name: 'film', more: 2, reason: 'waits behind 1 other video' },
    'film and 2 more make no progress: film waits behind 1 other video',
  ],
  moves: [{ video, name: 'film', ms: 41_200 }, 'film makes progress again after 41 s'],
  ledger_back: [{ peer: ANN, ms: 41_200 }, 'the ledger answers again: for 41 s nothing could be claimed or recorded'],
  deadline_danger: [
    { video, name: 'film', late_ms: 720_000, more: 3, like: 'nas' },
    'film: 12 min late: 3 more workers like nas would hold it',
  ],
  deadline_missed: [{ video, name: 'film' }, 'film has missed its deadline, and is encoded all the same'],
  deadline_safe: [{ video, name: 'film', spare_ms: 7_500_000 }, 'film will hold its deadline, with 2 h 5 min to spare'],
  disk_full: [ann, 'ann claims no tasks: its disk is full'],
  disk_has_room: [ann, 'ann claims tasks again: its disk has room'],
  self_test_failed: [
    { ...ann, reason: 'exit code 1' },
    'ann claims no tasks: its ffmpeg fails the self-test: exit code 1',
  ],
  self_test_passed: [ann, 'ann claims tasks again: its ffmpeg passes the self-test'],
  scaled: [{ peer: ANN, before: 1, wanted: 3, engines: 2, reason: 'a queue' }, 'workers 1 → 3: a queue'],
  fleet_capped: [
    { peer: ANN, wanted: 5, max: 3 },
    "5 workers are wanted here, 3 may run: scale_max of this peer is lower than the leader's",
  ],
  worker_started: [{ ...worker, reason: 'a queue' }, 'auto-1 was started: a queue'],
  worker_drained: [{ ...worker, reason: 'drained' }, 'auto-1 was removed: drained'],
  worker_gone: [
    { ...worker, reason: 'no heartbeat from its peer for 32 s' },
    'auto-1 was removed: no heartbeat from its peer for 32 s',
  ],
  worker_failed: [
    { ...worker, reason: 'it ended: exit code 1', life_s: 3, wait_s: 2 },
    'auto-1 failed after 3 s: it ended: exit code 1; the next start waits 2 s',
  ],
  engine_away: [{ peer: ANN, reason: 'there is no Docker socket' }, 'there is no Docker socket; encoding continues'],
  engine_back: [{ peer: ANN }, 'the engine can start and stop workers again'],
  launch_failed: [{ peer: ANN, reason: 'the engine has no image' }, 'the engine has no image; encoding continues'],
  engine_left: [
    { peer: ANN, engine: 'ABCD' },
    'engine ABCD cannot run the workers that are wanted: other engines get its share, and it is tried again later',
  ],
}

const exampleOf = (code: EventCode): DomainEvent => ({ code, ...EXAMPLES[code][0] }) as DomainEvent

for (const code of Object.keys(EXAMPLES) as EventCode[])
  test(`${code} has its sentence`, () => assert.equal(eventText(exampleOf(code)), EXAMPLES[code][1]))

test('one of something is not spelled as many', () => {
  const one = eventText({ code: 'reclaimed', ...ann, tasks: 1, reason: 'it left' })
  assert.equal(one, '1 task of ann was reclaimed: it left')
  const shared = { peer: ANN, before: 2, wanted: 2, engines: 2, reason: 'another engine' }
  assert.equal(eventText({ code: 'scaled', ...shared }), 'workers 2, shared by 2 engines now: another engine')
  assert.match(eventText({ code: 'engine_left', peer: ANN, engine: null }), /^the engine cannot run/)
})

test('an event without a field, a catalogue without a code, and an entry without a text do not compile', () => {
  // @ts-expect-error no term
  const event: DomainEvent = { code: 'leader', ...ann }
  const { note, ...others } = EVENTS
  // @ts-expect-error no note
  const catalogue: typeof EVENTS = others
  const { text, ...silent } = EVENTS.leader
  // @ts-expect-error no text
  const entry: typeof EVENTS.leader = silent
  assert.ok(event && catalogue && entry && note && text)
})

function stage(addEvent: (event: Omit<LedgerEvent, 'at'>) => Promise<void>) {
  const lines: unknown[] = []
  const line =
    (level: string): Log['info'] =>
    (message, fields) =>
      void lines.push([level, message, fields])
  const log: Log = { ...silentLog, info: line('info'), warn: line('warn'), error: line('error') }
  const counted: EventCode[] = []
  return { lines, counted, emit: createEmitter({ ledger: { addEvent }, log, count: (code) => counted.push(code) }) }
}

test('an emitted event is logged at its level with its fields, counted, and appended to the ledger', async () => {
  const added: unknown[] = []
  const { emit, lines, counted } = stage(async (event) => void added.push(event))
  await emit({ code: 'delivery_failed', ...film, dir: '/out', reason: 'the disk is full' })
  await emit(exampleOf('blob_lost'))
  const text = 'film could not be written to /out: the disk is full'
  const fields = { ...film, dir: '/out', reason: 'the disk is full' }
  assert.deepEqual(lines[0], ['warn', 'delivery_failed', { text, event: fields }])
  assert.deepEqual(counted, ['delivery_failed', 'blob_lost'])
  assert.deepEqual(added, [
    { what: 'delivery_failed', peer: ANN, video, text },
    { what: 'blob_lost', peer: null, video, text: EXAMPLES.blob_lost[1] },
  ])
})

test('an event that the ledger does not take is logged, and nothing fails', async () => {
  const { emit, lines } = stage(() => Promise.reject(new Error('the ledger does not answer')))
  await emit(exampleOf('disk_full'))
  const { text, event } = { text: EXAMPLES.disk_full[1], event: ann }
  assert.deepEqual(lines, [
    ['warn', 'disk_full', { text, event }],
    ['warn', 'an event was not recorded', { code: 'disk_full', error: 'the ledger does not answer' }],
  ])
})

test('an event of a newer peer is of no known code, and no warning', () => {
  const read = (what: string): LedgerEvent => ({ n: 1, at: 0, what, peer: null, video: null, text: 'a sentence' })
  for (const what of ['teleported', 'constructor', '__proto__', '']) {
    assert.equal(eventLevel(read(what)), 'info')
    assert.ok(!isEvent(read(what), 'leader'))
  }
  assert.equal(eventLevel(read('results_differ')), 'error')
  assert.ok(isEvent(read('leader'), 'leader'))
})
