/** Uploads with the client that pages and programs use, tus-js-client: over a kill -9 of the node in the midst, to a finished film. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { Upload, type UploadOptions } from 'tus-js-client'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { startNode, until } from './nodes.ts'

const MiB = 1024 * 1024
const RECIPE = { renditions: ['360p'] }

interface Answer {
  readonly id: string
  readonly name: string
  readonly code: string
  readonly status: string
  readonly outputs: readonly { readonly sha256: string }[]
}

test('a film is uploaded over a kill of the node, verified, submitted and encoded', async (t) => {
  const dir = await folder(t)
  const film = join(dir, 'Ein Film.mkv')
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const picture = 'testsrc2=s=640x360:r=25:d=4,noise=alls=60:allf=t'
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '2']
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', picture, ...codec, film])
  const { size } = await stat(film)
  assert.ok(size > 8 * MiB, String(size))
  const sha256 = createHash('sha256')
    .update(await readFile(film))
    .digest('hex')

  const [port] = await freePorts(1)
  const flags = ['--http', `127.0.0.1:${port}`]
  const first = await startNode(t, dir, { name: 'node', flags })
  const at = first.http
  const post = async (path: string, body: unknown) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${at}${path}`, init)
    return { ...((await response.json()) as Answer), http: response.status }
  }

  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  let restarted: Promise<unknown> | null = null
  let resumedAt = 0
  const restart = async () => {
    await first.stop()
    assert.ok((await readdir(join(first.dataDir, 'uploads'))).length > 0)
    await startNode(t, dir, { name: 'node', flags })
  }
  const options: UploadOptions = {
    endpoint: `${at}/v1/uploads`,
    chunkSize: MiB,
    uploadSize: size,
    retryDelays: Array.from({ length: 60 }, () => 500),
    metadata: { filename: 'Ein Film.mkv', sha256 },
    onChunkComplete: (_, sent) => {
      if (sent >= 3 * MiB && restarted === null) restarted = restart().catch(reject)
      else if (restarted !== null && resumedAt === 0) resumedAt = sent
    },
    onSuccess: () => resolve(),
    onError: reject,
  }
  const upload = new Upload(createReadStream(film), options)
  upload.start()
  await done
  await restarted
  assert.ok(resumedAt >= 3 * MiB, `it began again at ${resumedAt}`)
  const id = upload.url!.split('/').at(-1)!
  const facts = (await (await fetch(`${at}/v1/uploads/${id}`)).json()) as Record<string, unknown>
  assert.deepEqual([facts['name'], facts['offset'], facts['bytes']], ['Ein Film.mkv', size, size])

  const submitted = await post(`/v1/uploads/${id}/submit`, { recipe: RECIPE })
  assert.deepEqual([submitted.http, submitted.name], [201, 'Ein Film'])
  // It is a source now.
  const removed = await fetch(upload.url!, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } })
  assert.equal(removed.status, 400)
  const video = await until('it is completed', async () => {
    const found = (await (await fetch(`${at}/v1/videos/${submitted.id}`)).json()) as Answer
    return found.status === 'COMPLETED' && found
  })
  const file = await fetch(`${at}/v1/videos/${submitted.id}/artifacts/${video.outputs[0]!.sha256}`)
  const result = join(dir, 'result.mp4')
  await execa('sh', ['-c', `cat > '${result}'`], { input: Buffer.from(await file.arrayBuffer()) })
  const { stdout } = await execa(ffprobe, [
    ...[
      '-v',
      'error',
      '-count_packets',
      '-select_streams',
      'v',
      '-show_entries',
      'stream=nb_read_packets',
      '-of',
      'csv=p=0',
    ],
    result,
  ])
  assert.equal(stdout.trim(), '100')
})

test('a file with another sha256 than was said is refused and removed, and one that lacks bytes is not submitted', async (t) => {
  const dir = await folder(t)
  const node = await startNode(t, dir, { name: 'node', flags: ['--http', '127.0.0.1:0', '--slots', '0'] })
  const file = join(dir, 'file.bin')
  await (await import('node:fs/promises')).writeFile(file, '')
  await truncate(file, 3 * MiB)
  const send = async (metadata: Record<string, string>) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const upload = new Upload(createReadStream(file), {
      endpoint: `${node.http}/v1/uploads`,
      uploadSize: 3 * MiB,
      retryDelays: [],
      metadata,
      onSuccess: () => resolve('done'),
      onError: (error) => resolve(error.message),
    })
    upload.start()
    return { said: await promise, url: upload.url! }
  }
  const wrong = await send({ filename: 'a.bin', sha256: 'a'.repeat(64) })
  assert.match(wrong.said, /422.*another sha256/s)
  assert.equal((await fetch(wrong.url)).status, 404)

  const init = { 'tus-resumable': '1.0.0', 'upload-length': '10' }
  const about = await fetch(`${node.http}/v1/uploads`, { method: 'OPTIONS' })
  assert.deepEqual([about.status, about.headers.get('tus-version')], [204, '1.0.0'])
  assert.equal(about.headers.get('tus-extension'), 'creation,creation-with-upload,termination,expiration')
  const begun = await fetch(`${node.http}/v1/uploads`, { method: 'POST', headers: init })
  assert.equal(begun.status, 201)
  const headers = { 'content-type': 'application/json' }
  const url = `${node.http}${begun.headers.get('location')}/submit`
  const refused = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ recipe: {} }) })
  assert.deepEqual([refused.status, ((await refused.json()) as Answer).code], [409, 'upload_open'])
})
