/** Every third packet lost, on every link, that to the database too: slow, and exact. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLab } from '../../testing/hosts/lab.ts'
import { makeFilms } from './film.ts'
import { assertExact, seconds, until, watchLedger } from './watch.ts'

const LOSS = 0.3

test('with 30 % of all packets lost four hosts finish, and the bytes are exact', { timeout: 600_000 }, async (t) => {
  await using lab = await openLab({ hosts: 4 })
  const films = await makeFilms(lab, 'small')
  await lab.mongod(0)
  const watch = await watchLedger(lab)
  t.after(() => watch.close())
  const first = await lab.host(0).node({ slots: 1 })
  const join = first.addresses[0] ?? ''
  const nodes = [first, ...(await Promise.all([1, 2, 3].map((at) => lab.host(at).node({ slots: 1, join }))))]
  for (const node of nodes)
    await until(`${node.name} knows all`, async () => (await node.status()).peers.length === nodes.length)
  await Promise.all(lab.hosts.map((host) => host.loss(LOSS)))
  const file = await films.another()
  const began = performance.now()
  const done = await watch.submit(nodes[1]!, file)
  await watch.delivered(done, 480)
  t.diagnostic(`delivered in ${seconds(performance.now() - began)} at ${LOSS * 100} % loss`)
  await assertExact(watch, done, films.expected(file))
  const tasks = (await watch.tasks(done.video)).filter(({ kind }) => kind === 'video')
  const attempts = tasks.reduce((sum, { attempt }) => sum + attempt, 0)
  const workers = new Set(tasks.map(({ worker_id }) => worker_id)).size
  t.diagnostic(`${tasks.length} chunks in ${attempts} attempts by ${workers} peers`)
  assert.ok(tasks.length >= 6)
})
