/**
 * Packages over HTTP from a node that holds none of their bytes: the whole of them and ranges, from what was delivered elsewhere, within bounds, also
 * when the peer that sends them is killed in the midst.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { execa } from 'execa'
import type { VideoId } from '../../protocol/ids.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, type MeshNode, startNode, submit, until } from './nodes.ts'

const HTTP = ['--http', '127.0.0.1:0']
const FORM = ['--renditions', '360p', '--preset', 'ultrafast', '--crf', '4', '--package', 'hls,dash', '--package-only']
const TRACK = 'video-360p.mp4'
const MiB = 1024 * 1024

/** A film whose track is large for its length, and a mesh of `makes`, which sees it in a shared folder, and of `asked`, which sees nothing. */
async function delivered(t: TestContext) {
  const dir = await folder(t)
  const shared = join(dir, 'films')
  await mkdir(shared)
  const film = join(shared, 'film.mp4')
  const { ffmpeg } = await ensureFfmpeg()
  const picture = 'testsrc2=s=640x360:r=25:d=8,noise=alls=60:allf=t'
  await execa(ffmpeg, [
    ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=d=8'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '8', '-c:a', 'aac', film],
  ])
  const sees = async (name: string) => {
    await symlink(shared, join(dir, `on-${name}`))
    return ['--shared', `films=${join(dir, `on-${name}`)}`]
  }
  const makes = await startNode(t, dir, { name: 'makes', flags: [...HTTP, ...(await sees('makes'))] })
  const none = ['--roles', 'worker', '--slots', '0', '--join', makes.address]
  const asked = await startNode(t, dir, { name: 'asked', flags: [...HTTP, ...none] })
  const ledger = await ledgerOf(t, dir)
  const args = [...FORM, '--out', join(dir, 'on-makes', 'out')]
  const video = (await submit(makes, dir, join(dir, 'on-makes', 'film.mp4'), args)) as VideoId
  await until('it is delivered, and no blob of it is left', async () => {
    const found = await ledger.video(video)
    const left = (await readdir(join(makes.dataDir, 'store/blobs')).catch(() => [])).length
    return left === 0 && found?.deliveries.length === 1 && found.deliveries[0]!.done_at !== null
  })
  return { dir, makes, asked, sees, package: join(shared, 'out', 'film'), path: `/v1/videos/${video}` }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Most memory that the process has had so far, bytes. Linux. */
async function mostMemory({ pid }: MeshNode): Promise<number> {
  const [, kB] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))!
  return Number(kB) * 1024
}

test('a node that holds nothing serves every file of a delivered package, in bounded memory and without writing it', async (t) => {
  const { makes, asked, package: folder, path } = await delivered(t)
  const names = await filesBelow(folder)
  assert.ok(names.length >= 9, names.join())
  for (const node of [makes, asked])
    for (const form of ['hls', 'dash'])
      for (const name of names) {
        const response = await fetch(`${node.http}${path}/${form}/${name}`)
        const [got, made] = [Buffer.from(await response.arrayBuffer()), await readFile(join(folder, name))]
        assert.deepEqual([response.status, sha256(got)], [200, sha256(made)], `${node.name}: ${form}/${name}`)
      }
  const made = await readFile(join(folder, TRACK))
  assert.ok(made.byteLength > 20 * MiB, `the track has ${made.byteLength} bytes`)
  const [from, to] = [made.byteLength - 3 * MiB - 17, made.byteLength - MiB]
  const part = await fetch(`${asked.http}${path}/hls/${TRACK}`, { headers: { range: `bytes=${from}-${to - 1}` } })
  assert.deepEqual(
    [part.status, part.headers.get('content-range')],
    [206, `bytes ${from}-${to - 1}/${made.byteLength}`],
  )
  assert.equal(sha256(Buffer.from(await part.arrayBuffer())), sha256(made.subarray(from, to)))

  for (const page of ['/v1/status', '/openapi.json', '/docs', '/docs/swagger-ui.js', '/docs/swagger-ui.css'])
    assert.equal((await fetch(`${asked.http}${page}`)).status, 200, page)

  const finished = await fetch(`${asked.http}${path}/artifacts/${sha256(made)}`)
  assert.equal(sha256(Buffer.from(await finished.arrayBuffer())), sha256(made), 'by its hash')

  const before = await mostMemory(asked)
  // Each reads a little and stops there: what the node has read ahead for all of them is its memory.
  const slow = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const reader = (await fetch(`${asked.http}${path}/hls/${TRACK}`)).body!.getReader()
      await reader.read()
      return reader
    }),
  )
  const whole = await fetch(`${asked.http}${path}/hls/${TRACK}`)
  assert.equal(sha256(Buffer.from(await whole.arrayBuffer())), sha256(made), 'beside those that read slowly')
  const grown = (await mostMemory(asked)) - before
  await Promise.all(slow.map((reader) => reader.cancel()))
  assert.ok(grown < 100 * MiB, `${Math.round(grown / MiB)} MiB more for 13 reads of ${made.byteLength} bytes`)
  assert.deepEqual(await filesBelow(join(asked.dataDir, 'store')), [], 'nothing was written')

  await writeFile(join(folder, 'poster.jpg'), 'another picture')
  const gone = await fetch(`${asked.http}${path}/hls/poster.jpg`)
  assert.deepEqual([gone.status, ((await gone.json()) as { code: string }).code], [410, 'bytes_gone'])
  await makes.stop()
  // A track would be held for a while.
  const away = await fetch(`${asked.http}${path}/hls/master.m3u8`)
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '2'])
})

test('a read goes on with another peer when the one that sends is killed in its midst', async (t) => {
  const { dir, makes, asked, sees, package: folder, path } = await delivered(t)
  const flags = ['--roles', 'worker', '--slots', '0', '--join', makes.address, ...(await sees('other'))]
  const other = await startNode(t, dir, { name: 'other', flags })
  await until('the nodes know each other', async () => {
    const { code, stdout } = await runCli(['status', '--json'], { cwd: dir, dataDir: asked.dataDir })
    return code === 0 && stdout.includes(other.peer)
  })
  const made = await readFile(join(folder, TRACK))
  const response = await fetch(`${asked.http}${path}/hls/${TRACK}`)
  const hash = createHash('sha256')
  let [bytes, isKilled] = [0, false]
  for await (const piece of response.body!) {
    hash.update(piece)
    bytes += piece.byteLength
    if (bytes < MiB || isKilled) continue
    // It delivered the package, and so is asked first.
    await makes.stop()
    isKilled = true
  }
  assert.ok(isKilled)
  assert.deepEqual([bytes, hash.digest('hex')], [(await stat(join(folder, TRACK))).size, sha256(made)])
})

test('an address that cannot be had is said in one sentence', async (t) => {
  const dir = await folder(t)
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  atEnd(t, () => void server.close())
  const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const node = async (http: string) => {
    const { code, stderr } = await runCli(['node', '--http', http, '--log-level', 'silent'], {
      cwd: dir,
      dataDir: join(dir, 'data'),
    })
    return [code, stderr]
  }
  assert.deepEqual(await node(taken), [
    1,
    `reelmesh: --http ${taken}: another program listens there; stop it, or take another port\n`,
  ])
  assert.deepEqual(await node('8080'), [2, 'reelmesh: --http: give an address and a port, such as 127.0.0.1:8080\n'])
  const [code, says] = await node('0.0.0.0:8080')
  assert.equal(code, 2)
  assert.match(String(says), /^reelmesh: --http 0\.0\.0\.0:8080: callers from other machines need a token.*\n$/)
})
