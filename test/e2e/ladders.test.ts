/** A ladder from its file to the delivered results, and what a person reads where it is wrong. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ensureSource } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { startNode, statusOf } from './nodes.ts'

const TWO_CODECS = `keyframe_s: 0.5
renditions:
  - {id: 180p, box: 320x180, codec: h264, crf: 30, preset: ultrafast, profile: main}
  - {id: 180p-hevc, box: 320x180, codec: hevc, crf: 30, maxrate_kbps: 300, bufsize_kb: 300, preset: ultrafast}
`

/** Times of the keyframes of the picture, seconds. */
async function keyframes(path: string): Promise<number[]> {
  const { ffprobe } = await ensureFfmpeg()
  const entries = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time,flags', '-of', 'csv=p=0']
  const { stdout } = await promisify(execFile)(ffprobe, ['-v', 'error', ...entries, path])
  return stdout.split('\n').flatMap((line) => (line.includes(',K') ? [Number(line.split(',')[0])] : []))
}

test('a ladder of two codecs at one height is made of a film, with keyframes at the same times, and shown as made', async (t) => {
  const dir = await folder(t)
  await writeFile(
    join(dir, 'mine.yaml'),
    `${TWO_CODECS}  - {id: 720p, box: 1280x720, codec: h264, crf: 30, preset: ultrafast}\n`,
  )
  await writeFile(join(dir, 'reelmesh.yaml'), 'ladders: {mine: mine.yaml}\n')
  const source = await ensureSource('short')
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const made = await runCli(['run', source, '--ladder', 'mine', '--workers', '1', '--out', 'out'], options)
  assert.equal(made.code, 0, made.stderr)
  const files = await filesBelow(join(dir, 'out'))
  assert.deepEqual(files.sort(), ['180p-hevc/short.mp4', '180p/short.mp4'])
  const [one, other] = await Promise.all(files.map((file) => keyframes(join(dir, 'out', file))))
  assert.ok(one!.length >= 2)
  assert.deepEqual(one, other)
  const again = await runCli(['run', source, '--ladder', './mine.yaml', '--out', 'out'], options)
  const id = /video ([0-9a-f]{16})/.exec(made.stdout)![1]!
  assert.match(again.stdout, new RegExp(`video ${id}`), 'a file is the same as its name')
  const note = '720p is left out, as the picture fits into a smaller rendition.'
  assert.match(made.stdout, new RegExp(`note: ${note}`))
  const shown = (await runCli(['videos', id], options)).stdout.split('\n')
  assert.match(shown[0] ?? '', new RegExp(`^${id}  COMPLETED  short  0:01, 25 frames$`))
  assert.match(shown[1] ?? '', /^ {2}180p +320x180 {2}h264 {2}x264 main ultrafast crf 30 +[\d.]+ kB +\d+ kb\/s$/)
  assert.match(
    shown[2] ?? '',
    /^ {2}180p-hevc +320x180 {2}hevc {2}x265-\d+ ultrafast crf 30 ≤300k +[\d.]+ kB +\d+ kb\/s$/,
  )
  assert.equal(shown[3], `  ${note}`)
  const wrong = await runCli(['videos', '0000000000000000'], options)
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /^reelmesh: .*0000000000000000/)
})

test('a ladder that is wrong is one sentence, and nothing is queued', async (t) => {
  const dir = await folder(t)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  await writeFile(join(dir, 'odd.yaml'), TWO_CODECS.replace('320x180', '321x180'))
  const film = await ensureSource('short')
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['run', film, '--ladder', 'odd.yaml'], /odd\.yaml, line 3: box of 180p must have even sides/],
    [['run', film, '--ladder', 'none.yaml'], /none\.yaml cannot be read: ENOENT/],
    [['run', film, '--ladder', 'none'], /there is no ladder "none", only default, web/],
    [['run', film, '--ladder', 'web', '--crf', '20'], /'--ladder <name\|file>' cannot be used with option '--crf <n>'/],
    [['ladder', 'check', 'odd.yaml'], /odd\.yaml, line 3: box of 180p must have even sides/],
    [['ladders', 'none'], /there is no ladder "none"/],
  ]
  for (const [args, says] of cases) {
    const { code, stderr } = await runCli(args, options)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, says)
    assert.match(stderr.split('\n')[0] ?? '', says, 'in the first line')
  }
  const { stdout } = await runCli(['videos'], options)
  assert.match(stdout, /^no videos yet/)
})

test('a built-in ladder is printed as the file that makes it', async (t) => {
  const dir = await folder(t)
  const options = { cwd: dir, dataDir: join(dir, 'data') }
  const { stdout } = await runCli(['ladders', 'web', '--yaml'], options)
  await writeFile(join(dir, 'web.yaml'), stdout)
  const list = JSON.parse((await runCli(['ladders', '--json'], options)).stdout) as { name: string }[]
  assert.ok(list.some(({ name }) => name === 'default'))
  const checked = await runCli(['ladder', 'check', 'web.yaml'], options)
  assert.equal(checked.code, 0, checked.stderr)
  for (const line of checked.stdout.split('\n')) assert.ok(line.length <= 80, line)
})

test('a ladder that no peer may encode is refused at submit, with who lacks what', async (t) => {
  const dir = await folder(t)
  await writeFile(join(dir, 'mine.yaml'), TWO_CODECS)
  const node = await startNode(t, dir, { name: 'small', flags: ['--renditions', '180p'] })
  const options = { cwd: dir, dataDir: node.dataDir }
  const film = await ensureSource('short')
  const lacks = /small has no leave of its owner \(`renditions`\) for 180p-hevc/
  const refused = await runCli(['submit', film, film, '--ladder', 'mine.yaml'], options)
  assert.equal(refused.code, 2, refused.stdout)
  assert.match(refused.stderr, /^reelmesh: No peer of this mesh can encode the rendition 180p-hevc: /)
  assert.match(refused.stderr, lacks)
  assert.equal(refused.stderr.trim().split('\n').length, 1, 'once for all files')
  assert.deepEqual((await statusOf(node)).videos, [])
  const checked = await runCli(['ladder', 'check', 'mine.yaml', '--json'], options)
  assert.equal(checked.code, 1)
  const { renditions, why } = JSON.parse(checked.stdout) as { renditions: { able: string[] }[]; why: string }
  assert.deepEqual(
    renditions.map(({ able }) => able),
    [['small'], []],
  )
  assert.match(why, lacks)
  const unknown = await runCli(['submit', film, '--ladder', 'none'], options)
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /there is no ladder "none"/)
})
