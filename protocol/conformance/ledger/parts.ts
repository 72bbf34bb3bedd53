/** Parts that a running attempt lists: only its own, each once, and never with other bytes under a path but all of them at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Task } from '../../task.ts'
import { type Store, withStore } from './with-store.ts'
import { artifact, BOB, CAT, claim, claimedTask, type LedgerHarness, output, own, sha, theTask } from './world.ts'

/** A part of this number with these bytes. */
export const part = (number: number, word: string): Task['outputs'][number] => ({
  ...artifact(word),
  path: `sound-1/${String(number).padStart(5, '0')}`,
  sound: {
    track: 1, part: number, codecs: 'mp4a.40.2', timescale: 48_000, init: number === 1 ? 700 : 0, start: (number - 1) * 288_000, segments: [[96_000, 288_000]],
  },
}) // biome-ignore format: fields

const words = ({ outputs }: Task): string[] =>
  outputs.map(({ path, sha256 }) => `${path} ${Buffer.from(sha256, 'hex').toString().replace(/\0+$/, '')}`)

export function partSuite(harness: LedgerHarness): void {
  withStore(harness, 'parts', (store) => {
    listTests(store)
    replaceTests(store)
  })
}

function listTests(store: Store): void {
  test('parts are listed behind one another, with all that they hold, and stay while the task is claimed again', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    const list = (...parts: Task['outputs']) => ledger.listParts({ ...own(task), parts, instead: false })
    assert.equal(await list(part(1, 'a'), part(2, 'b')), 'done')
    assert.equal(await list(part(3, 'c')), 'done')
    assert.equal(await list(), 'done')
    const parts = [part(1, 'a'), part(2, 'b'), part(3, 'c')]
    assert.deepEqual((await theTask(ledger, task._id)).outputs, parts)
    assert.equal(await ledger.addTaskHolder(task._id, sha('b'), CAT), 'changed')
    await ledger.release(own(task))
    const again = await claim(ledger, task, BOB)
    assert.deepEqual(again.outputs[1]?.holders, [BOB, CAT])
    assert.equal(again.outputs.length, 3)
  })
  test('a part is listed once: the same again is done, another under its path is not listed', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    const list = (...parts: Task['outputs']) => ledger.listParts({ ...own(task), parts, instead: false })
    await list(part(1, 'a'))
    assert.equal(await list(part(1, 'a')), 'done')
    assert.equal(await list(part(1, 'other')), 'superseded')
    assert.equal(await list(part(2, 'b'), part(1, 'other')), 'superseded')
    assert.deepEqual(words(await theTask(ledger, task._id)), ['sound-1/00001 a'])
  })
  test('only an attempt that still has its claim lists parts', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    const listed = { parts: [part(1, 'a')], instead: false }
    assert.equal(await ledger.listParts({ ...own(task, BOB), ...listed }), 'superseded')
    assert.equal(await ledger.listParts({ ...own(task), attempt: task.attempt + 1, ...listed }), 'superseded')
    await ledger.release(own(task))
    assert.equal(await ledger.listParts({ ...own(task), ...listed }), 'superseded')
    const again = await claim(ledger, task, BOB)
    assert.equal(await ledger.listParts({ ...own(task), ...listed }), 'superseded')
    assert.equal(await ledger.listParts({ ...own(task), ...listed, instead: true }), 'superseded')
    assert.equal(await ledger.listParts({ ...own(again, BOB), ...listed }), 'done')
    // Nor does one that has completed, whose result holds all.
    await ledger.complete({ ...own(again, BOB), output: output('whole'), outputs: [] })
    assert.equal(await ledger.listParts({ ...own(again, BOB), parts: [part(2, 'b')], instead: false }), 'superseded')
    assert.deepEqual((await theTask(ledger, task._id)).outputs, [])
  })
}

function replaceTests(store: Store): void {
  test('an attempt that makes other bytes replaces all that is listed, once it has come as far', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    await ledger.listParts({ ...own(task), parts: [part(1, 'a'), part(2, 'b')], instead: false })
    await ledger.release(own(task))
    const again = own(await claim(ledger, task, BOB), BOB)
    const replace = (...parts: Task['outputs']) => ledger.listParts({ ...again, parts, instead: true })
    // The list would become shorter, for whoever plays it.
    assert.equal(await replace(part(1, 'x')), 'superseded')
    assert.equal(await replace(part(1, 'x'), part(3, 'z')), 'superseded')
    assert.deepEqual(words(await theTask(ledger, task._id)), ['sound-1/00001 a', 'sound-1/00002 b'])
    assert.equal(await replace(part(1, 'x'), part(2, 'y'), part(3, 'z')), 'done')
    assert.equal(await replace(part(1, 'x'), part(2, 'y'), part(3, 'z')), 'done')
    const now = await theTask(ledger, task._id)
    assert.deepEqual(words(now), ['sound-1/00001 x', 'sound-1/00002 y', 'sound-1/00003 z'])
    assert.equal(await ledger.listParts({ ...again, parts: [part(4, 'w')], instead: false }), 'done')
  })
}
