/**
 * Somebody who may write to the database changes documents there while real peers run. What is written stands for more than it is: where it got
 * into a command or a path, a file of this test would be made or read. Neither happens; the video ends with one sentence, and the others go on.
 */
import assert from 'node:assert/strict'
import { stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { parseResponse } from 'hono/client'
import { MongoClient } from 'mongodb'
import type { VideoId } from '../../protocol/ids.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { isRunning, type SmallNode, startSmallNode, until } from './small-mesh.ts'

const FILM = 'short'
const READY_S = 60
const DONE_S = 90

/** A change of one field of a document. `id`: of a task the one of chunk 0. */
interface Change {
  readonly table: 'videos' | 'plans' | 'chunks'
  readonly path: string
  readonly value: unknown
}

/** The database as somebody writes to it who is no peer. */
interface Tampering {
  change(video: VideoId, change: Change): Promise<void>
  /** The state and sentence of a video, whatever else its document holds. */
  read(video: VideoId): Promise<{ status: string; failure: string | null }>
}

/** By the preset that tells its video from the others. */
const changes = (dir: string): Readonly<Record<string, Change>> => ({
  superfast: { table: 'videos', path: 'deliveries.0.name', value: '../../written' },
  veryfast: { table: 'plans', path: 'renditions.0.width', value: `854,metadata=print:file=${dir}/written` },
  faster: { table: 'chunks', path: 'input.end_pts', value: `250,metadata=print:file=${dir}/written` },
  fast: { table: 'chunks', path: 'input.sha256', value: '../../../marker' },
  medium: { table: 'chunks', path: 'frames', value: -1 },
})
const UNREADABLE = 'superfast'

async function videoOf(node: SmallNode, id: VideoId) {
  return await node.ask((client) => parseResponse(client.v1.videos[':id'].$get({ param: { id } })))
}

const isDelivered = async (node: SmallNode, id: VideoId): Promise<boolean> => {
  const { status, deliveries } = await videoOf(node, id)
  assert.notEqual(status, 'FAILED')
  return status === 'COMPLETED' && deliveries.every(({ done_at }) => done_at !== null)
}

async function withstands(t: TestContext, dir: string, ledger: string, tampering: Tampering): Promise<void> {
  const source = await ensureSource(FILM)
  const out = join(dir, 'out')
  const marker = join(dir, 'marker')
  await writeFile(marker, 'private', { mode: 0o600 })
  // A file that is read has a later time of access.
  await utimes(marker, 1, 1)
  const roles = ['--roles', 'coordinator', '--slots', '0']
  const lead = await startSmallNode(t, { dir, name: 'lead', ledger, flags: roles })
  const submit = (preset: string) => lead.submit(source, out, preset)
  const bad = new Map<string, VideoId>()
  for (const preset of Object.keys(changes(dir))) bad.set(preset, await submit(preset))
  const good = await submit('ultrafast')
  await until('all are cut', READY_S, async () => {
    const all = (await lead.status()).videos
    return all.length === bad.size + 1 && all.every(({ status }) => status === 'RUNNING')
  })
  await until('all tasks are there', READY_S, async () => {
    for (const id of [...bad.values(), good]) {
      const tasks = await lead.ask((client) => parseResponse(client.v1.videos[':id'].tasks.$get({ param: { id } })))
      const { plan } = await videoOf(lead, id)
      if (tasks.filter(({ kind }) => kind === 'video' || kind === 'audio').length !== plan?.tasks) return false
    }
    return true
  })
  for (const [preset, change] of Object.entries(changes(dir))) await tampering.change(bad.get(preset)!, change)
  const worker = ['--roles', 'worker']
  const work = await startSmallNode(t, { dir, name: 'work', ledger, join: lead.address, flags: worker })

  for (const [preset, id] of bad) {
    const failure = await until(`the video of preset ${preset} fails`, DONE_S, async () => {
      const { status, failure } = await tampering.read(id)
      return status === 'FAILED' && failure
    })
    assert.match(failure, /^the ledger's document of .* does not fit \(.*\): .*$/)
    assert.doesNotMatch(failure, /metadata|written|marker|\n/)
  }
  await until('the other is delivered', DONE_S, () => isDelivered(lead, good))

  for (const [preset, id] of bad) {
    const retried = lead.ask((client) => parseResponse(client.v1.videos[':id'].retry.$post({ param: { id } })))
    if (preset !== UNREADABLE) await retried
    else {
      await assert.rejects(retried)
      assert.equal(await submit(preset), id)
    }
  }
  for (const [preset, id] of bad)
    await until(`the video of preset ${preset} is made anew`, DONE_S, () => isDelivered(lead, id))
  assert.ok(isRunning(lead) && isRunning(work))
  assert.equal((await stat(marker)).atimeMs, 1_000, 'the marker was read')
  const written = (await filesBelow(dir)).filter((path) => /written/.test(path))
  assert.deepEqual(written, [])
}

test('documents that were changed in MongoDB fail their videos alone, and a retry or a submit makes them anew', {
  timeout: 300_000,
}, async (t) => {
  const dir = await folder(t)
  const mongod = await startMongod()
  atEnd(t, () => mongod.stop())
  const uri = mongod.freshUri()
  const client = new MongoClient(uri)
  atEnd(t, () => client.close())
  const documents = (name: string) => client.db().collection<{ _id: string }>(name)
  await withstands(t, dir, uri, {
    async change(video, { table, path, value }) {
      const _id = table === 'videos' ? video : new RegExp(table === 'plans' ? `^${video}/` : `^${video}/480p/00000$`)
      const set = { [table === 'plans' ? `plan.${path}` : path]: value }
      const { modifiedCount } = await documents(table).updateOne({ _id } as never, { $set: set })
      assert.equal(modifiedCount, 1)
    },
    read: async (video) => (await documents('videos').findOne({ _id: video })) as never,
  })
})

test('the same in SQLite', { timeout: 300_000 }, async (t) => {
  const dir = await folder(t)
  const path = join(dir, 'ledger.sqlite')
  const open = () => {
    const database = new DatabaseSync(path, { timeout: 10_000 })
    atEnd(t, async () => database.close())
    return database
  }
  await withstands(t, dir, `sqlite:${path}`, {
    async change(video, { table, path: field, value }) {
      const [column = '', ...inner] = table === 'plans' ? ['plan', ...field.split('.')] : field.split('.')
      const at = inner.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name}`)).join('')
      const set = inner.length === 0 ? ':value' : `json_set(${column}, '$${at}', :value)`
      const which = { videos: '', plans: '/%', chunks: '/480p/00000' }[table]
      const update = open().prepare(`UPDATE ${table} SET ${column}=${set} WHERE _id LIKE :id`)
      assert.equal(update.run({ value: value as string | number, id: `${video}${which}` }).changes, 1)
    },
    read: async (video) => open().prepare('SELECT status, failure FROM videos WHERE _id=?').get(video) as never,
  })
})
