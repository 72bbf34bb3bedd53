/**
 * Bad input, as a person gives it: one sentence that names the file and the cause, a non-zero exit, no stack trace, the other
 * videos undisturbed, nothing partial in the output folder, and nothing opened that a file only names.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rmdir, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ensureSource, sources } from '../../testing/sources/make.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { type CliResult, runCli } from '../../testing/tools/run-cli.ts'

const run = promisify(execFile)
const FAST = ['--preset', 'ultrafast', '--renditions', '480p', '--workers', '1']

/** One sentence for each file, and nothing a person should not see. */
function assertSentences(result: CliResult, names: readonly string[]): void {
  for (const name of names) {
    const lines = result.stderr.split('\n').filter((line) => line.includes(name))
    assert.equal(lines.length, 1, `one line about ${name}, got:\n${result.stderr}`)
    assert.match(lines[0] ?? '', /^reelmesh: .{10,400}$/, `a sentence about ${name}`)
  }
  assert.doesNotMatch(result.stderr, /\n\s+at |This is a bug/, 'no stack trace')
}

const goodClip = async (dir: string, name: string): Promise<string> => {
  const path = join(dir, name)
  await copyFile(await ensureSource('short'), path)
  return path
}

test('files that are no videos are refused one by one, and a good one among them is finished', async (t) => {
  const dir = await folder(t)
  const [out, dataDir] = [join(dir, 'out'), join(dir, 'data')]
  const good = await goodClip(dir, 'good one.mp4')
  await writeFile(join(dir, 'empty.mp4'), '')
  await writeFile(join(dir, 'text.mp4'), 'this is a text file, not a video\n'.repeat(50))
  await mkdir(join(dir, 'folder.mp4'))
  await run('mkfifo', [join(dir, 'fifo.mp4')])
  const refused = await Promise.all(
    sources.filter((source) => source.expect.refused !== null).map(async (source) => ensureSource(source.name)),
  )
  const bad = ['missing.mp4', 'empty.mp4', 'text.mp4', 'folder.mp4', 'fifo.mp4'].map((name) => join(dir, name))
  const result = await runCli(['run', ...bad, ...refused, '/dev/zero', good, '--out', out, ...FAST], {
    cwd: dir,
    dataDir,
  })
  assert.equal(result.code, 2, result.stderr)
  assertSentences(result, [...bad, ...refused, '/dev/zero'])
  assert.deepEqual(await filesBelow(out), ['480p/good one.mp4'])
})

test('a playlist named .mp4 opens neither the file nor the address that it names', async (t) => {
  const dir = await folder(t)
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const secret = await goodClip(dir, 'secret.mp4')
  const texts = {
    'hls.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${url}/a.ts\n#EXTINF:9,\nfile://${secret}\n#EXT-X-ENDLIST\n`,
    'concat.mp4': `ffconcat version 1.0\nfile '${secret}'\nfile '${url}/b.mp4'\n`,
    'sdp.mp4': `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
    'dash.mp4': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${url}/c.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  }
  for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, name), text)
  const files = Object.keys(texts).map((name) => join(dir, name))
  const result = await runCli(['run', ...files, '--out', join(dir, 'out'), ...FAST], {
    cwd: dir,
    dataDir: join(dir, 'data'),
  })
  assert.equal(result.code, 2)
  assertSentences(result, files)
  assert.deepEqual(asked, [], 'nothing was asked of the server')
  assert.deepEqual(await filesBelow(join(dir, 'out')), [])
})

test('names that would upset a shell, a terminal or ffmpeg are just names', async (t) => {
  const dir = await folder(t)
  const out = join(dir, 'out')
  const names = [
    'spa ce',
    `quo'te"s`,
    'new\nline',
    'emoji 🎬',
    'per%dcent %05d',
    '-dash',
    'co:lon',
    'back\\slash',
    'x'.repeat(200),
  ]
  const files = await Promise.all(names.map((name) => goodClip(dir, `${name}.mp4`)))
  // The same bytes under two names are one video: each needs bytes of its own.
  for (const [at, file] of files.entries())
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.from([0, 0, 0, 9, ...Buffer.from('free'), at])]))
  const result = await runCli(['run', '--out', out, ...FAST, '--', ...names.map((name) => `${name}.mp4`)], {
    cwd: dir,
    dataDir: join(dir, 'data'),
  })
  assert.equal(result.code, 0, result.stderr)
  assert.deepEqual(await filesBelow(out), names.map((name) => `480p/${name}.mp4`).sort())
})

test('two sources of one name do not overwrite each other, nor a file that was there', async (t) => {
  const dir = await folder(t)
  const out = join(dir, 'out')
  for (const [at, sub] of ['a', 'b'].entries()) {
    await mkdir(join(dir, sub))
    const file = await goodClip(join(dir, sub), 'same.mp4')
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.from([0, 0, 0, 9, ...Buffer.from('free'), at])]))
  }
  await mkdir(join(out, '480p'), { recursive: true })
  await writeFile(join(out, '480p', 'same.mp4'), 'mine')
  const result = await runCli(['run', 'a/same.mp4', 'b/same.mp4', '--out', out, ...FAST], {
    cwd: dir,
    dataDir: join(dir, 'data'),
  })
  assert.equal(result.code, 0, result.stderr)
  assert.equal(await readFile(join(out, '480p', 'same.mp4'), 'utf8'), 'mine')
  const names = await filesBelow(out)
  assert.equal(names.length, 3, names.join(' '))
  assert.equal(names.filter((name) => /^480p\/same-[0-9a-f]{16}\.mp4$/.test(name)).length, 2, names.join(' '))
})

test('a truncated file without its index is refused, an unreadable one too', async (t) => {
  const dir = await folder(t)
  const cut = await goodClip(dir, 'cut.mp4')
  await truncate(cut, 2_000)
  const locked = await goodClip(dir, 'locked.mp4')
  await chmod(locked, 0o000)
  await chmod(dir, 0o777)
  const root = process.getuid?.() === 0
  const prefix = root ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : []
  const result = await runCli(['run', cut, locked, '--out', join(dir, 'out'), ...FAST], {
    cwd: dir,
    dataDir: join(dir, 'data'),
    prefix,
    env: { HOME: dir },
  })
  assert.equal(result.code, 2, result.stderr)
  assertSentences(result, [cut, locked])
})

test('wrong words on the command line get a sentence and exit code 2', async (t) => {
  const dir = await folder(t)
  const good = await goodClip(dir, 'good.mp4')
  await writeFile(join(dir, 'a-file'), '')
  await writeFile(
    join(dir, 'old-ffmpeg'),
    '#!/bin/sh\necho "ffmpeg version 4.4.2 Copyright (c) 2000-2021 the FFmpeg developers"\necho "libavutil      56. 70.100 / 56. 70.100"\necho "libavcodec     58.134.100 / 58.134.100"\n',
    { mode: 0o755 },
  )
  const cases: [readonly string[], RegExp][] = [
    [['run', good, '--renditions', '480p,hd'], /hd is not a rendition; name its lines, such as 720p/],
    [['run', good, '--preset', 'warp'], /warp/],
    [['run', good, '--preset', ''], /preset ""/],
    [['run', good, '--codec', 'av9'], /codec "av9".*use h264, hevc, av1 or vp9/],
    [['run', good, '--crf', '99'], /0 to 51/],
    [['run', good, '--container', 'avi'], /mp4, mkv/],
    [['run', good, '--container', 'mkv', '--package', 'hls'], /made of MP4 results/],
    [['run', good, '--audio', 'mp3'], /aac/],
    [['run', good, '--audio', 'opus,kbps=96'], /give channels too/],
    [['run', good, '--audio', 'aac,volume=9'], /none of channels=, kbps= and languages=/],
    [['run', good, '--workers', '0'], /whole number/],
    [['run'], /missing required argument/],
    [['fly'], /unknown command/],
    [['run', good, '--out', join(dir, 'a-file')], /is not a folder/],
    [['run', good, '--out', '/proc/reelmesh'], /cannot be written to|is on a read-only|is not a folder/],
    [['run', good, '--ffmpeg', join(dir, 'nowhere')], /nowhere/],
    [['run', good, '--ffmpeg', join(dir, 'old-ffmpeg')], /4\.4\.2.*5\.1/s],
    [['cancel', 'not-an-id'], /not a video id/],
    [['node', '--ledger', 'postgres://x'], /mongodb:\/\/.*sqlite:/],
    [['node', '--roles', 'king'], /--roles/],
    [['node', '--listen', '/ip4/0.0.0.0/tcp/0'], /SQLite|mesh key/],
  ]
  for (const [args, pattern] of cases) {
    const result = await runCli(args, { cwd: dir, dataDir: join(dir, 'data') })
    assert.equal(result.code, 2, `${args.join(' ')}: exit ${result.code}\n${result.stderr}`)
    assert.match(result.stderr, pattern, args.join(' '))
    assert.doesNotMatch(result.stderr, /\n\s+at |This is a bug/, args.join(' '))
  }
})

test('a database that does not answer is reported within seconds, with exit code 3 and without its password', async (t) => {
  const dir = await folder(t)
  const result = await runCli(['node', '--ledger', 'mongodb://me:secret@127.0.0.1:1/reelmesh?replicaSet=rs'], {
    cwd: dir,
    dataDir: join(dir, 'data'),
  })
  assert.equal(result.code, 3)
  assert.match(result.stderr, /^reelmesh: .*127\.0\.0\.1:1.*\n$/)
  assert.doesNotMatch(result.stderr, /secret/)
  assert.ok(result.seconds < 30, `${result.seconds} s`)
})

test('a peer that does not answer and a missing mesh key have different errors', async (t) => {
  const place = { cwd: await folder(t), dataDir: 'data' }
  const ask = (...more: string[]) => runCli(['status', '--peer', '/ip4/127.0.0.1/tcp/9', ...more], place)
  const silent = await ask()
  assert.deepEqual([silent.code, silent.stdout], [3, ''], silent.stderr)
  assert.match(silent.stderr, /^reelmesh: .*127\.0\.0\.1.*\n$/)
  const keyless = await ask('--swarm-key', '/nope')
  assert.equal(keyless.code, 2)
  assert.match(keyless.stderr, /^reelmesh: the mesh key \/nope cannot be read.*\n$/)
})

test('a port in use is named', async (t) => {
  const dir = await folder(t)
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  const { port } = server.address() as AddressInfo
  const result = await runCli(['node', '--listen', `/ip4/127.0.0.1/tcp/${port}`], {
    cwd: dir,
    dataDir: join(dir, 'data'),
  })
  assert.equal(result.code, 2, result.stderr)
  assert.match(result.stderr, new RegExp(`${port}.*in use`))
  assert.doesNotMatch(result.stderr, /\n\s+at /)
})

test('a full disk under the data folder or the output folder ends with a sentence, and nothing partial stays', async (t) => {
  assert.equal(process.getuid?.(), 0, 'this test mounts a small file system, which needs root')
  const dir = await folder(t)
  const small = await mkdtemp(join(tmpdir(), 'reelmesh-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', small])
  atEnd(t, async () => {
    await run('umount', ['-l', small])
    await rmdir(small)
  })
  const good = await goodClip(dir, 'good.mp4')
  const large = await ensureSource('h264-closed')
  const asData = await runCli(['run', large, '--out', join(dir, 'out'), ...FAST, '--crf', '0'], {
    cwd: dir,
    dataDir: join(small, 'data'),
  })
  assert.equal(asData.code, 1, asData.stderr)
  assert.match(asData.stderr, /disk/)
  assert.deepEqual(await filesBelow(join(dir, 'out')), [])
  await run('sh', ['-c', `rm -rf ${small}/data; head -c 6000000 /dev/zero > ${small}/filler || true`])
  const asOut = await runCli(['run', good, '--out', join(small, 'out'), ...FAST], {
    cwd: dir,
    dataDir: join(dir, 'data2'),
  })
  assert.equal(asOut.code, 1, asOut.stderr)
  assert.match(asOut.stderr, /good.*disk is full.*run the same command again/s)
  assert.deepEqual(await filesBelow(join(small, 'out')), [])
  await run('rm', [join(small, 'filler')])
  const again = await runCli(['run', good, '--out', join(small, 'out'), ...FAST], {
    cwd: dir,
    dataDir: join(dir, 'data2'),
  })
  assert.equal(again.code, 0, again.stderr)
  assert.deepEqual(await filesBelow(join(small, 'out')), ['480p/good.mp4'])
})
