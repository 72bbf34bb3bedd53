/** Streaming packages through the real command line: what is delivered, and what a person reads of it. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'

const FILES = [
  'audio-1.m3u8',
  'audio-1.mp4',
  'manifest.mpd',
  'master.m3u8',
  'poster.jpg',
  'thumbnails-00001.jpg',
  'thumbnails.m3u8',
  'thumbnails.vtt',
  'video-180p-keyframes.m3u8',
  'video-180p.m3u8',
  'video-180p.mp4',
]

test('a package is one line of what is printed, and all that is made where it is asked for alone', async (t) => {
  const dir = await folder(t)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const source = await ensureSource('short')
  const asked = ['run', source, '--renditions', '180p', '--preset', 'ultrafast', '--package', 'hls,dash']
  const alone = await runCli([...asked, '--package-only', '--out', 'alone'], options)
  assert.equal(alone.code, 0, alone.stderr)
  assert.deepEqual(
    (await filesBelow(join(dir, 'alone'))).sort(),
    FILES.map((name) => `short/${name}`),
  )
  assert.match(alone.stdout, new RegExp(`^  alone/short/  [\\d.]+ kB  ${FILES.length} files$`, 'm'))
  assert.doesNotMatch(alone.stdout, /master\.m3u8|\.mp4 {2}/)
  const id = /video ([0-9a-f]{16})/.exec(alone.stdout)![1]!
  const shown = await runCli(['videos', id], options)
  assert.match(shown.stdout, /^ {2}180p .* [\d.]+ kB +\d+ kb\/s$/m, 'its size is that of its track')

  const beside = await runCli([...asked, '--out', 'beside'], options)
  assert.equal(beside.code, 0, beside.stderr)
  assert.match(beside.stdout, /^ {2}beside\/180p\/short\.mp4 {2}[\d.]+ kB\n {2}beside\/short\/ {2}/m)
})

test('segments are delivered as files, a folder for each track, and encoded once for two deliveries', async (t) => {
  const dir = await folder(t)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const asked = ['run', await ensureSource('short'), '--renditions', '180p', '--preset', 'ultrafast']
  asked.push('--package', 'hls,dash', '--package-only', '--segments')
  const made = await runCli([...asked, '--out', 'one'], options)
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /^ {2}one\/short\/ {2}[\d.]+ kB {2}9 files and 2 folders of segments$/m)
  const tracks = ['audio-1', 'video-180p'].flatMap((track) =>
    ['header.mp4', 'index.sidx', 'segment-00001.m4s'].map((name) => `${track}/${name}`),
  )
  const plain = FILES.filter((name) => !name.endsWith('.mp4'))
  const files = [...plain, ...tracks].map((name) => `short/${name}`).sort()
  assert.deepEqual((await filesBelow(join(dir, 'one'))).sort(), files)
  const again = await runCli([...asked, '--out', 'two'], options)
  assert.equal(again.code, 0, again.stderr)
  assert.doesNotMatch(again.stdout, /encode|joining/, 'the folders are taken back and delivered once more')
  assert.deepEqual((await filesBelow(join(dir, 'two'))).sort(), files)
})

test('a key encrypts a package and stands nowhere: not in what is delivered, the ledger, a log or the store afterwards', async (t) => {
  const dir = await folder(t)
  const data = join(dir, 'data')
  const options = { cwd: dir, dataDir: data }
  const hex = '9f86d081884c7d659a2feaa0c55ad015'
  await writeFile(join(dir, 'key.hex'), `${hex}\n`)
  const asked = [
    'run',
    await ensureSource('short'),
    '--renditions',
    '180p',
    '--preset',
    'ultrafast',
    '--package',
    'hls',
  ]
  const keyed = ['--hls-key', 'key.hex', '--hls-key-url', 'https://keys.example.org/1']
  const { code, stdout, stderr } = await runCli([...asked, ...keyed, '--json', '--log-level', 'debug'], options)
  assert.equal(code, 0, stderr)
  const out = join(dir, 'videos', 'outputs')
  assert.match(await readFile(join(out, 'short', 'video-180p.m3u8'), 'utf8'), /URI="https:\/\/keys\.example\.org\/1"/)
  const raw = Buffer.from(hex, 'hex')
  const holdsKey = (bytes: Buffer) => bytes.includes(raw) || bytes.toString('latin1').toLowerCase().includes(hex)
  assert.ok(holdsKey(await readFile(join(dir, 'key.hex'))))
  assert.ok(!holdsKey(Buffer.from(`${stdout}${stderr}`)))
  for (const place of [out, data])
    for (const file of await filesBelow(place)) assert.ok(!holdsKey(await readFile(join(place, file))), file)

  for (const wrong of ['short', `${hex}00`, hex.replace('9', 'x')]) {
    await writeFile(join(dir, 'wrong'), wrong)
    const refused = await runCli([...asked, '--hls-key', 'wrong', '--hls-key-url', '/k'], options)
    assert.equal(refused.code, 2, refused.stderr)
    assert.match(refused.stderr, /^reelmesh: \S+wrong is no key of AES-128: a file of 16 bytes, or of 32 hex digits\n$/)
  }
  const dash = await runCli([...asked.slice(0, -1), 'hls,dash', ...keyed], options)
  assert.equal(dash.code, 2)
  assert.match(dash.stderr, /^reelmesh: whole segments are encrypted for HLS only, .*\n$/)
  await writeFile(
    join(dir, 'ladder.yaml'),
    'renditions: [{id: 90p, box: 160x90, codec: hevc, crf: 30, preset: fast}]\n',
  )
  const samples = [...keyed, '--hls-encryption', 'cbcs', '--ladder', 'ladder.yaml']
  const hevc = await runCli(['run', asked[1]!, '--package', 'hls,dash', ...samples], options)
  assert.equal(hevc.code, 2)
  assert.match(
    hevc.stderr,
    /^reelmesh: the rendition 90p is hevc, which cbcs cannot encrypt in this version: use h264\n$/,
  )
})

test('a package in a form that it does not have is refused before anything is queued', async (t) => {
  const dir = await folder(t)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const asked = ['run', await ensureSource('short'), '--package', 'hls']
  const { code, stderr } = await runCli([...asked, '--container', 'mkv'], options)
  assert.equal(code, 2, stderr)
  assert.match(stderr, /^reelmesh: a streaming package is made of MP4 results: .*\n$/)
})
