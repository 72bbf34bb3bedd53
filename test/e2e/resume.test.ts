/** A process may die at any point and the video is finished with the same bytes: five named points, on the way of one video. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { folder } from '../../testing/tools/folder.ts'
import { assertFinished, hashes, places, runToTheEnd } from './resume.ts'

const POINTS = [
  ['ledger.commitPlan:after', 'the coordinator dies between the plan and the first chunk'],
  ['media.encode:after', 'a worker dies with its encode done and not reported'],
  ['ledger.complete:after', 'whoever completes a task dies before it knows'],
  ['ledger.startMerging:after', 'the coordinator dies between the two writes that begin a merge'],
  ['ledger.finishDelivery:before', 'the coordinator dies with the files in place and the delivery not recorded'],
] as const

let wanted: Record<string, string> = {}
before(async (t) => {
  const place = places(await folder(t as never))
  await runToTheEnd(place)
  wanted = await hashes(place)
  assert.equal(Object.keys(wanted).length, 3)
})

for (const [fault, title] of POINTS) {
  test(`${title} (${fault})`, async (t) => {
    const place = places(await folder(t))
    const { isArmed } = await runToTheEnd(place, fault)
    assert.equal(isArmed, false, 'the fault point was reached')
    await assertFinished(place, wanted)
  })
}
