/**
 * A folder that nodes see under paths of their own: read straight by a worker; another file, or another folder, under the same name; gone, and
 * back. What people are told of it by the command line is compared.
 */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { VideoId } from '../../protocol/ids.ts'
import { makeClip } from '../../testing/sources/clip.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, type MeshNode, oddFfmpeg, startNode, statusOf, submit, until } from './nodes.ts'

const FAST = ['--renditions', '480p', '--preset', 'ultrafast']
const NAS = ['--roles', 'coordinator', '--slots', '0']
const BOX = ['--roles', 'worker', '--slots', '1']

/** A folder with one film that is one chunk, and the paths under which two nodes see it. */
async function mounted(t: TestContext) {
  const dir = await folder(t)
  const films = join(dir, 'films')
  await mkdir(films)
  const out = join(films, 'film.mp4')
  await makeClip({ out, seconds: 3, ffmpeg: 'ffmpeg', width: 640, height: 360 })
  const paths = [join(dir, 'on-nas'), join(dir, 'on-box')] as const
  for (const path of paths) await symlink(films, path)
  return { dir, films, paths }
}

async function says(node: MeshNode, dir: string, verb: string, ...flags: string[]): Promise<string> {
  const { stdout } = await runCli([verb, ...flags], { cwd: dir, dataDir: node.dataDir })
  return stdout.replace(/\s+/g, ' ')
}

test('a worker that sees the folder reads a source straight from its own path: not a byte of it comes over the mesh', async (t) => {
  const { dir, paths } = await mounted(t)
  const ledger = await ledgerOf(t, dir)
  const noted = join(dir, 'arguments')
  const ffmpeg = await oddFfmpeg(dir, { notes: `echo "$*" >> '${noted}'; ls '${dir}/box/store/blobs/'* >> '${noted}'` })
  await ffmpeg.set('notes')
  const nas = await startNode(t, dir, { name: 'nas', flags: [...NAS, '--shared', `films=${paths[0]}`] })
  const sees = ['--shared', `films=${paths[1]}`]
  await startNode(t, dir, { name: 'box', flags: [...BOX, ...sees, '--join', nas.address, ...ffmpeg.flags] })
  const video = (await submit(nas, dir, join(paths[0], 'film.mp4'), FAST)) as VideoId
  const { source } = await until('it is delivered', async () => {
    const found = await ledger.video(video)
    return found?.deliveries.every(({ done_at }) => done_at !== null) && found
  })
  const tasks = await ledger.tasks({ video, kinds: ['video', 'audio'] })
  assert.ok(tasks.length > 0 && tasks.every(({ input }) => input?.sha256 === source.sha256), 'it needs no cut')
  const did = await readFile(noted, 'utf8')
  assert.match(did, new RegExp(`-i (file:)?${join(dir, 'films')}/film\\.mp4 `))
  assert.ok(!did.includes(source.sha256), 'no copy of it lies in the store of box')
})

test('another file of the same name is taken by nobody, and each who sees it is named', async (t) => {
  const { dir, films, paths } = await mounted(t)
  const other = join(dir, 'others')
  await mkdir(other)
  // A folder that claims to be the same, with another film of the same size and time.
  const nas = await startNode(t, dir, { name: 'nas', flags: [...NAS, '--shared', `films=${paths[0]}`] })
  await copyFile(join(films, '.reelmesh-shared'), join(other, '.reelmesh-shared'))
  const content = await readFile(join(films, 'film.mp4'))
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1
  await writeFile(join(other, 'film.mp4'), content)
  const at = new Date(86_400_000)
  for (const where of [films, other]) await utimes(join(where, 'film.mp4'), at, at)
  const sees = ['--shared', `films=${other}`]
  const box = await startNode(t, dir, { name: 'box', flags: [...NAS, ...sees, '--join', nas.address] })
  const video = await submit(nas, dir, join(paths[0], 'film.mp4'), FAST)
  const text =
    'on box: films/film.mp4 is another file: its bytes are not those of the source; mount the same folder there, or submit this file too'
  await until('nas says it', async () => (await statusOf(nas)).problems.some((problem) => problem.text === text))
  assert.match(await says(nas, dir, 'status'), new RegExp(`PROBLEMS ${text}`))
  const { problems } = JSON.parse(await says(nas, dir, 'status', '--json'))
  assert.deepEqual(problems, [{ peers: [box.peer], video, text }])
  assert.match(await says(box, dir, 'doctor', ...sees), new RegExp(`BAD shared the source of video ${video}, ${text}`))
  const [row] = (await statusOf(nas)).videos
  assert.deepEqual(row?.held.peers, [nas.peer])
})

test('two folders under one name are said to be two, with who has which', async (t) => {
  const { dir, paths } = await mounted(t)
  const other = join(dir, 'others')
  await mkdir(other)
  const nas = await startNode(t, dir, { name: 'nas', flags: [...NAS, '--shared', `films=${paths[0]}`] })
  const sees = ['--shared', `films=${other}`]
  const box = await startNode(t, dir, { name: 'box', flags: [...NAS, ...sees, '--join', nas.address] })
  const text =
    /films is the name of 2 folders: one on \w+, one on \w+; mount the same one, or give each a name of its own/
  await until('nas says it', async () => text.test((await statusOf(nas)).problems[0]?.text ?? ''))
  assert.match(await says(nas, dir, 'status'), text)
  assert.match(await says(box, dir, 'doctor', ...sees), /BAD shared films .* nas has another folder under this name/)
})

test('a folder that is gone is waited for with a reason and without attempts, and the film is done when it is back', async (t) => {
  const { dir, films, paths } = await mounted(t)
  const ledger = await ledgerOf(t, dir)
  const nas = await startNode(t, dir, { name: 'nas', flags: [...NAS, '--shared', `films=${paths[0]}`] })
  // Nobody can encode yet.
  const video = (await submit(nas, dir, join(paths[0], 'film.mp4'), FAST)) as VideoId
  const ingested = async () =>
    (await ledger.tasks({ video, kinds: ['ingest'] })).every(({ status }) => status === 'COMPLETED')
  await until('it is planned and has its tasks', ingested)
  await rename(films, join(dir, 'away'))
  await until('nas holds nothing', async () => (await ledger.video(video))?.source.holders.length === 0)
  const box = await startNode(t, dir, { name: 'box', flags: [...BOX, '--join', nas.address] })
  const text = /no present peer sees the shared folder of the source: on nas: films at \S+\/on-nas: it is not there/
  await until('box says why', async () => text.test((await statusOf(box)).videos[0]?.still?.text ?? ''))
  assert.match(
    await says(box, dir, 'status'),
    /PROBLEMS on nas: films at \S+: it is not there VIDEOS .* no present peer sees/,
  )
  await sleep(5_000)
  const attempts = async () => (await ledger.tasks({ video, kinds: ['video', 'audio'] })).map(({ attempt }) => attempt)
  assert.deepEqual(new Set(await attempts()), new Set([0]))
  await rename(join(dir, 'away'), films)
  await until('it is delivered', async () =>
    (await ledger.video(video))?.deliveries.every(({ done_at }) => done_at !== null),
  )
  assert.deepEqual(await readdir(join(dir, 'out', '480p')), ['film.mp4'])
  assert.deepEqual((await statusOf(box)).problems, [])
})
