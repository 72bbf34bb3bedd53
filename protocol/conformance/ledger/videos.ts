/** Every row of the video table, from both sides of each compare, and that no other status changes anything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyIn } from '../../claim-order.ts'
import type { PeerId, VideoId } from '../../ids.ts'
import { taskId } from '../../ids.ts'
import type { Changed, Ledger, VideoQuery } from '../../ledger.ts'
import { HOLDERS_MAX } from '../../limits.ts'
import {
  VIDEO_STATUSES,
  VIDEO_TRANSITIONS,
  type Video,
  type VideoEvent,
  type VideoPlace,
  type VideoStatus,
} from '../../video.ts'
import { withStore } from './with-store.ts'
import {
  ANN,
  artifact,
  BOB,
  CAT,
  chunk,
  everything,
  freshVideoId,
  type LedgerHarness,
  output,
  peer,
  plan,
  sha,
  submission,
  TERM,
  theVideo,
  videoIn,
} from './world.ts'

/** Each event of the table as a call that answers whether the compare held. */
const EVENTS: Readonly<Record<VideoEvent, (ledger: Ledger, video: Video) => Promise<Changed>>> = {
  ingest_claimed: (ledger, { _id }) => ledger.startPlanning(_id),
  plan_committed: async (ledger, { _id }) => {
    const { outcome } = await ledger.commitPlan(plan(_id, { note: 'another plan' }), 5)
    return outcome === 'committed' ? 'changed' : 'unchanged'
  },
  tasks_done: (ledger, { _id }) => ledger.startMerging(_id, TERM),
  merged: (ledger, { _id }) => ledger.completeVideo(_id, [artifact('x')], TERM),
  result_lost: (ledger, { _id }) => ledger.reopenVideo(_id, TERM),
  priority: (ledger, { _id }) => ledger.setPriority(_id, 7),
  deadline: (ledger, { _id }) => ledger.setDeadline(_id, 7_000),
  order: (ledger, { _id }) => ledger.setDue(_id, { due: 9, term: TERM }),
  cancel: (ledger, { _id }) => ledger.cancel(_id),
  fail: (ledger, { _id }) => ledger.failVideo(_id, 'no', TERM),
  retry: (ledger, { _id }) => ledger.retry(_id),
}

export function videoSuite(harness: LedgerHarness): void {
  withStore(harness, 'videos', (store) => {
    for (const event of Object.keys(EVENTS) as VideoEvent[]) {
      test(`${event} changes a video only from the statuses of the table`, async () => {
        for (const from of VIDEO_STATUSES) await checkRow(store().ledger, event, from)
      })
    }
    test('retry goes to QUEUED, with an ingest task, where there is no plan', async () => {
      const { ledger } = store()
      for (const from of ['FAILED', 'CANCELLED'] as const) {
        const video = await videoIn(ledger, from, { planned: false })
        assert.equal(await ledger.retry(video._id), 'changed')
        const again = await theVideo(ledger, video._id)
        assert.deepEqual([again.status, again.failure, again.ended_at], ['QUEUED', null, null])
        assert.equal((await ledger.task(taskId(video._id, 'ingest')))?.status, 'PENDING')
      }
    })
    submitTests(() => store().ledger)
    planTests(() => store().ledger)
    deliveryTests(() => store().ledger)
    endingTests(() => store().ledger)
  })
}

async function checkRow(ledger: Ledger, event: VideoEvent, from: VideoStatus): Promise<void> {
  const video = await videoIn(ledger, from)
  const was = await everything(ledger, video._id)
  const row = VIDEO_TRANSITIONS.find((one) => one.event === event && one.from.includes(from))
  // `plan: null` is the compare of a commit: a video that is open and has none.
  assert.equal(await EVENTS[event](ledger, video), row ? 'changed' : 'unchanged', `${event} from ${from}`)
  if (!row) return assert.deepEqual(await everything(ledger, video._id), was, `${event} from ${from}`)
  const now = await theVideo(ledger, video._id)
  assert.equal(now.status, row.to === 'same' ? from : row.to, `${event} from ${from}`)
  assert.equal(now.ended_at !== null, ['COMPLETED', 'FAILED', 'CANCELLED'].includes(now.status))
}

function submitTests(ledger: () => Ledger): void {
  test('a submitted video is QUEUED with an ingest task, in the place of its deadline', async () => {
    const asked = submission({ name: 'a film', priority: 3, deadline: 99 })
    const { outcome, video } = await ledger().submit(asked)
    assert.equal(outcome, 'created')
    assert.deepEqual(video, await ledger().video(asked._id))
    assert.equal(video.due, keyIn('held', 99))
    assert.ok(Math.abs(video.created_at - (await ledger().now())) < 60_000)
    const { delivery, ...rest } = asked
    assert.partialDeepStrictEqual(video, {
      ...rest,
      status: 'QUEUED',
      plan: null,
      deliveries: [{ ...delivery!, done_at: null }],
    })
    const ingest = await ledger().task(taskId(asked._id, 'ingest'))
    assert.partialDeepStrictEqual(ingest, {
      kind: 'ingest',
      class: 'ingest',
      status: 'PENDING',
      priority: 3,
      due: video.due,
      attempt: 0,
    })
  })
  test('without a deadline it is due at once; a deadline is set, and cleared again', async () => {
    const { video } = await ledger().submit(submission())
    assert.equal(video.due, video.created_at)
    for (const deadline of [4_000, null]) {
      assert.equal(await ledger().setDeadline(video._id, deadline), 'changed')
      assert.equal((await theVideo(ledger(), video._id)).deadline, deadline)
    }
  })
  test('its key changes with those of its open tasks, and only by the newest term', async () => {
    const { _id } = await videoIn(ledger(), 'RUNNING')
    await ledger().insertTasks([chunk(await theVideo(ledger(), _id), 0)])
    assert.equal(await ledger().setDue(_id, { due: 5, term: TERM + 1 }), 'changed')
    assert.equal(await ledger().setDue(_id, { due: 6, term: TERM }), 'unchanged')
    assert.equal((await theVideo(ledger(), _id)).due, 5)
    const open = (await ledger().tasks({ video: _id })).filter(({ status }) => status === 'PENDING')
    assert.ok(open.length > 0 && open.every(({ due }) => due === 5))
  })
  test('submitting it again adds a delivery and the source’s holders once', async () => {
    const asked = submission()
    await ledger().submit(asked)
    await ledger().submit(asked)
    const bob = {
      ...asked,
      source: { ...asked.source, holders: [BOB] },
      delivery: { peer: BOB, dir: '/bob', name: 'film' },
    }
    const { outcome, video } = await ledger().submit(bob)
    assert.equal(outcome, 'joined')
    assert.deepEqual(
      video.deliveries.map(({ dir }) => dir),
      ['/out', '/bob'],
    )
    assert.deepEqual(video.source.holders, [ANN, BOB])
    assert.equal((await ledger().tasks({ video: asked._id })).length, 1)
  })
  test('a COMPLETED video gains an open delivery; a done one of the same name is opened again, also under its changed name', async () => {
    const { _id } = await videoIn(ledger(), 'COMPLETED')
    await ledger().nameDelivery(_id, { peer: ANN, dir: '/out', name: 'film' }, `film-${_id}`)
    assert.equal(await ledger().finishDelivery(_id, { peer: ANN, dir: '/out' }), 'changed')
    const delivery = { peer: ANN, dir: '/out', name: 'film', mode: 0o600 }
    const { outcome, video } = await ledger().submit(submission({ _id, delivery }))
    assert.equal(outcome, 'joined')
    assert.deepEqual(video.deliveries, [{ ...delivery, name: `film-${_id}`, done_at: null }])
    assert.equal(video.status, 'COMPLETED')
  })
  test('submitting an ended video retries it', async () => {
    const { _id } = await videoIn(ledger(), 'FAILED')
    const { outcome, video } = await ledger().submit(submission({ _id }))
    assert.deepEqual([outcome, video.status, video.failure], ['retried', 'RUNNING', null])
  })
}

function planTests(ledger: () => Ledger): void {
  test('of two plans for one video the loser changes nothing and is answered the winner’s', async () => {
    const { _id } = await videoIn(ledger(), 'PLANNING')
    const [one, two] = [plan(_id, { chunks: 3 }), plan(_id, { chunks: 4 })]
    const answers = await Promise.all([ledger().commitPlan(one, 1_000), ledger().commitPlan(two, 2_000)])
    assert.deepEqual(answers.map(({ outcome }) => outcome).sort(), ['committed', 'lost'])
    const winner = answers[0]!.outcome === 'committed' ? one : two
    for (const answer of answers) assert.deepEqual(answer.outcome !== 'closed' && answer.plan, winner)
    const video = await theVideo(ledger(), _id)
    assert.deepEqual(
      [video.status, video.plan?.tasks, video.due],
      ['RUNNING', winner.chunks.length, winner === one ? 1_000 : 2_000],
    )
    assert.deepEqual(await ledger().plan(_id, video.plan!.sha256), winner)
  })
  test('committing the same plan again is committed', async () => {
    const { _id } = await videoIn(ledger(), 'QUEUED')
    for (let tries = 0; tries < 2; tries++) assert.equal((await ledger().commitPlan(plan(_id), 7)).outcome, 'committed')
  })
  test('a plan for a video that has ended, or is none, is closed', async () => {
    const { _id } = await videoIn(ledger(), 'CANCELLED', { planned: false })
    assert.deepEqual(await ledger().commitPlan(plan(_id), 7), { outcome: 'closed' })
    assert.deepEqual(await ledger().commitPlan(plan(submission()._id), 7), { outcome: 'closed' })
    assert.equal(await ledger().plan(_id, sha('none')), null)
  })
}

function deliveryTests(ledger: () => Ledger): void {
  test('a delivery is named by a compare with its old name, and only while it is open', async () => {
    const { _id } = await videoIn(ledger(), 'COMPLETED')
    const key = { peer: ANN, dir: '/out' }
    assert.equal(await ledger().nameDelivery(_id, { ...key, name: 'other' }, 'x'), 'unchanged')
    assert.equal(await ledger().nameDelivery(_id, { ...key, peer: BOB, name: 'film' }, 'x'), 'unchanged')
    assert.equal(await ledger().nameDelivery(_id, { ...key, name: 'film' }, 'film 2'), 'changed')
    assert.equal(await ledger().finishDelivery(_id, { ...key, name: 'film' }), 'unchanged')
    assert.equal(await ledger().finishDelivery(_id, { ...key, name: 'film 2' }), 'changed')
    assert.equal(await ledger().finishDelivery(_id, key), 'unchanged')
    assert.equal(await ledger().nameDelivery(_id, { ...key, name: 'film 2' }, 'x'), 'unchanged')
    const [delivery] = (await theVideo(ledger(), _id)).deliveries
    assert.equal(delivery?.name, 'film 2')
    assert.ok(typeof delivery?.done_at === 'number')
  })
  test('a delivery that a newer term works on is neither named nor finished by an older one', async () => {
    const { _id } = await videoIn(ledger(), 'COMPLETED')
    const key = { peer: ANN, dir: '/out', name: 'film' }
    assert.equal(await ledger().nameDelivery(_id, { ...key, term: 2 }, 'film'), 'changed')
    assert.equal(await ledger().nameDelivery(_id, { ...key, term: 1 }, 'x'), 'unchanged')
    assert.equal(await ledger().finishDelivery(_id, { ...key, term: 1 }), 'unchanged')
    assert.equal((await theVideo(ledger(), _id)).deliveries[0]?.term, 2)
    assert.equal(await ledger().finishDelivery(_id, { ...key, term: 2 }), 'changed')
  })
  test('a delivery to one place of a shared folder is one, whichever peer asks for it, and the newest place of the source counts', async () => {
    const folder = 'a'.repeat(32)
    const at = (peer: PeerId, path: string) => ({ peer, dir: `/${peer}/out`, name: 'film', shared: { folder, path } })
    const asked = submission({ delivery: at(ANN, '$out') })
    await ledger().submit(asked)
    const shared = { folder, path: 'in/$film.mp4', mtime_ms: 17, subtitles: ['in/$film.srt'] }
    const source = { ...asked.source, holders: [BOB], shared }
    await ledger().submit({ ...asked, source, delivery: at(BOB, '$out') })
    await ledger().submit({ ...asked, delivery: at(BOB, 'other') })
    const video = await theVideo(ledger(), asked._id)
    assert.deepEqual(
      video.deliveries.map(({ peer, shared }) => [peer, shared?.path]),
      [
        [ANN, '$out'],
        [BOB, 'other'],
      ],
    )
    assert.deepEqual(video.source.shared, shared)
    assert.ok(video.source.holders.includes(BOB))
  })
  test('holders are the newest few, each once, of the source and of results', async () => {
    const { _id } = await videoIn(ledger(), 'COMPLETED')
    const result = output('result').sha256
    assert.equal(await ledger().addVideoHolder(_id, sha('source'), ANN), 'unchanged')
    assert.equal(await ledger().addVideoHolder(_id, sha('unknown'), BOB), 'unchanged')
    for (let n = 0; n < HOLDERS_MAX; n++)
      assert.equal(await ledger().addVideoHolder(_id, sha('source'), peer(`p${n}`)), 'changed')
    assert.equal(await ledger().addVideoHolder(_id, result, CAT), 'changed')
    const video = await theVideo(ledger(), _id)
    assert.deepEqual(
      video.source.holders,
      Array.from({ length: HOLDERS_MAX }, (_, n) => peer(`p${n}`)),
    )
    assert.deepEqual(video.outputs[0]?.holders, [BOB, CAT])
    assert.equal(await ledger().removeSourceHolder(_id, result, CAT), 'unchanged')
    for (const answer of ['changed', 'unchanged'])
      assert.equal(await ledger().removeSourceHolder(_id, sha('source'), peer('p1')), answer)
    assert.deepEqual((await theVideo(ledger(), _id)).source.holders, [peer('p0'), peer('p2'), peer('p3')])
  })
}

function endingTests(ledger: () => Ledger): void {
  test('a video is reopened only while a delivery of it is open, and its merge task with it', async () => {
    const { _id } = await videoIn(ledger(), 'MERGING')
    const merge = taskId(_id, 'merge')
    await ledger().claimTask({ worker: ANN, token: 't' as never, task: merge, from: 'pending' })
    await ledger().complete({
      task: merge,
      attempt: 1,
      worker: ANN,
      output: null,
      outputs: [artifact('r')],
    })
    await ledger().completeVideo(_id, [artifact('r')], TERM)
    await ledger().finishDelivery(_id, { peer: ANN, dir: '/out' })
    assert.equal(await ledger().reopenVideo(_id, TERM), 'unchanged')
    await ledger().submit(submission({ _id }))
    assert.equal(await ledger().reopenVideo(_id, TERM), 'changed')
    assert.partialDeepStrictEqual(await ledger().video(_id), { status: 'MERGING', outputs: [], ended_at: null })
    assert.partialDeepStrictEqual(await ledger().task(merge), {
      status: 'PENDING',
      outputs: [],
      attempt: 1,
      completed_attempt: null,
    })
  })
  test('what a failed video says is kept, and cleared by a retry', async () => {
    const { _id } = await videoIn(ledger(), 'RUNNING')
    await ledger().failVideo(_id, 'chunk 3 cannot be decoded', TERM)
    assert.equal((await theVideo(ledger(), _id)).failure, 'chunk 3 cannot be decoded')
    await ledger().retry(_id)
    assert.equal((await theVideo(ledger(), _id)).failure, null)
  })
  test('videos are listed in the order of submit, the newest of them where a limit is given', async () => {
    const made = [
      await videoIn(ledger(), 'QUEUED'),
      await videoIn(ledger(), 'QUEUED'),
      await videoIn(ledger(), 'QUEUED'),
    ]
    const ids = made.map(({ _id }) => _id)
    const queued = await ledger().videos({ statuses: ['QUEUED'] })
    assert.deepEqual(
      queued.slice(-3).map(({ _id }) => _id),
      ids,
    )
    assert.deepEqual(
      (await ledger().videos({ statuses: ['QUEUED'], limit: 2 })).map(({ _id }) => _id),
      ids.slice(1),
    )
    const named = [made[2]!._id, made[0]!._id]
    await ledger().cancel(made[0]!._id)
    const ofThese = async (query: VideoQuery) => (await ledger().videos({ ids: named, ...query })).map(({ _id }) => _id)
    assert.deepEqual(await ofThese({}), [ids[0], ids[2]])
    assert.deepEqual(await ofThese({ statuses: ['QUEUED'] }), [ids[2]])
    assert.deepEqual(await ofThese({ limit: 1 }), [ids[2]])
    assert.deepEqual(await ledger().videos({ ids: [] }), [])
    assert.deepEqual(await ledger().videos({ ids: [freshVideoId()] }), [])
    assert.deepEqual(await ledger().videos({ statuses: [] }), [])
    assert.deepEqual(await ledger().videos({ limit: 0 }), [])
    assert.deepEqual(await ledger().tasks({ limit: 0 }), [])
    assert.deepEqual(await ledger().events(0), [])
  })
  test('pages of videos hold each once, in an order that nothing changes', async () => {
    const made: VideoId[] = []
    for (let n = 0; n < 7; n++) made.push((await videoIn(ledger(), n % 2 ? 'QUEUED' : 'COMPLETED'))._id)
    const first = (await ledger().video(made[0]!))!.created_at
    const pages = async (statuses: readonly VideoStatus[], limit: number) => {
      const ids: VideoId[] = []
      for (let before: VideoPlace | undefined; ; ) {
        const page = await ledger().videos({ statuses, before, since: first, limit })
        ids.unshift(...page.map(({ _id }) => _id).filter((id) => made.includes(id)))
        // What is submitted, or ends, while a person reads on.
        if (before === undefined) {
          await videoIn(ledger(), 'QUEUED')
          await ledger().cancel(made[1]!)
        }
        if (page.length < limit) return ids
        before = page[0]
      }
    }
    assert.deepEqual(await pages(VIDEO_STATUSES, 2), made)
    assert.deepEqual(await pages(VIDEO_STATUSES, 100), made)
    const isEven = (_: VideoId, n: number) => n % 2 === 0
    assert.deepEqual(await pages(['COMPLETED'], 1), made.filter(isEven))
    const [fourth] = await ledger().videos({ ids: [made[3]!] })
    const around = async (query: VideoQuery) => (await ledger().videos({ ids: made, ...query })).map(({ _id }) => _id)
    assert.deepEqual(await around({ before: fourth }), made.slice(0, 3))
    assert.deepEqual(await around({ since: fourth!.created_at + 60_000 }), [])
  })
  test('undelivered are the COMPLETED ones with a delivery that is not done, whatever its folder is called', async () => {
    const undelivered = async () => (await ledger().undeliveredVideos()).map(({ _id }) => _id)
    const before = await undelivered()
    const delivery = { peer: ANN, dir: '/films/"done_at":null', name: 'film' }
    const done = await videoIn(ledger(), 'COMPLETED', { delivery })
    const open = await videoIn(ledger(), 'COMPLETED', { delivery })
    await videoIn(ledger(), 'COMPLETED', { delivery: null })
    await videoIn(ledger(), 'MERGING', { delivery })
    assert.equal(await ledger().finishDelivery(done._id, delivery), 'changed')
    assert.deepEqual(
      (await undelivered()).filter((id) => !before.includes(id)),
      [open._id],
    )
  })
  test('are counted by status, and only of the statuses that are asked for', async () => {
    const before = await ledger().countVideos(['QUEUED', 'RUNNING', 'FAILED'])
    for (const status of ['QUEUED', 'RUNNING', 'RUNNING', 'COMPLETED'] as const) await videoIn(ledger(), status)
    const after = await ledger().countVideos(['QUEUED', 'RUNNING', 'FAILED'])
    const added = (['QUEUED', 'RUNNING', 'FAILED', 'COMPLETED'] as const).map(
      (status) => (after.get(status) ?? 0) - (before.get(status) ?? 0),
    )
    assert.deepEqual(added, [1, 2, 0, 0])
    assert.deepEqual(await ledger().countVideos([]), new Map())
  })
}
