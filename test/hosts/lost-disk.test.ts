/** The host that submitted a film, leads and cut it is lost for good, disk and all, in the middle of the work. */

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { parse } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathFor } from '../../protocol/artifact.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms, RECIPE } from './film.ts'
import { seconds, until, type Watch, watchLedger } from './watch.ts'

describe('a coordinator whose disk is lost for good', () => {
  let lab: Lab
  let films: Films
  let watch: Watch
  const nodes: LabNode[] = []
  before(async () => {
    lab = await openLab({ hosts: 3 })
    films = await makeFilms(lab)
    await lab.mongod(2)
    watch = await watchLedger(lab)
    const first = await lab.host(0).node({ slots: 1 })
    await until('it leads', async () => (await watch.leader())?.peer === first.peer)
    const join = first.addresses[0] ?? ''
    nodes.push(first, await lab.host(1).node({ slots: 1, join }), await lab.host(2).node({ slots: 1, join }))
    for (const node of nodes) await until('all know all', async () => (await node.status()).peers.length === 3)
  })
  after(async () => {
    await watch?.close()
    await lab?.close()
  })

  test('loses nothing once its source is on a second host, as status says', async (t) => {
    const [lost, other] = nodes as [LabNode, LabNode, LabNode]
    const file = await films.another()
    const given = await lost.host.cli(['submit', file, '--data-dir', lost.dataDir, '--json', ...RECIPE])
    assert.equal(given.code, 0, given.stderr)
    const { video } = JSON.parse(given.stdout) as { video: VideoId }
    const began = performance.now()
    await until('status says that the submitter may leave', async () => {
      const row = (await other.status()).videos.find(({ id }) => id === video)
      return row?.held.may_leave && row.held.hosts >= 2 && row.done > 0
    })
    t.diagnostic(`the source was on a second host ${seconds(performance.now() - began)} after it was submitted`)
    const before = (await watch.tasks(video)).filter(({ status, kind }) => kind === 'video' && status === 'COMPLETED')
    await lost.host.powerOff()
    await rm(lost.dataDir, { recursive: true, force: true })
    await rm(file)

    const took = await until(
      'the film is finished without it',
      async () => {
        const found = await watch.ledger.video(video)
        if (found?.status === 'FAILED') assert.fail(`it FAILED: ${found.failure}`)
        return found?.status === 'COMPLETED'
      },
      240,
    )
    t.diagnostic(`finished ${seconds(took)} after the loss; ${before.length} chunks had been finished before it`)
    const outputs = (await watch.ledger.video(video))?.outputs ?? []
    const made = outputs.map((output) => [pathFor(output, parse(file).name), output.sha256])
    assert.deepEqual(Object.fromEntries(made), films.expected(file), 'the bytes are those of an undisturbed run')
    assert.deepEqual(await watch.audit(video), [])
    const [left, right] = nodes.slice(1).map(({ peer }) => peer)
    for (const { holders } of outputs)
      assert.ok(holders.includes(left as never) && holders.includes(right as never), 'results are on both hosts left')
  })
})
