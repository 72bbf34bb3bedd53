/**
 * Films at which every ffmpeg fails, each in another step, in front of good ones: they end with ffmpeg's own words, the progress
 * shows what failed and waits, and the good ones are delivered.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { asSha256, type VideoId, videoId } from '../../protocol/ids.ts'
import { canonicalRecipe, DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { TOOLS } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'

const run = promisify(execFile)
const RECIPE = { ...DEFAULT_RECIPE, renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset: 'ultrafast' }) }
const FLAGS = ['--renditions', '480p', '--preset', 'ultrafast', '--workers', '2', '--json']
const BAD = { sound: '/audio.m4a', picture: '-encode-', join: '-merge-' } as const
const WORDS = 'this film cannot be done'
/** From its first failure until a film has failed: two attempts and a self-test, on a machine that may be busy. */
const FAILED_MS = 45_000

/** Films of up to four chunks are joined without ffmpeg. */
const SECONDS: Readonly<Record<string, number>> = { join: 64 }

async function makeFilm(dir: string, name: string): Promise<{ path: string; id: VideoId }> {
  const path = join(dir, `${name}.mp4`)
  const d = SECONDS[name] ?? 3
  const inputs = ['-f', 'lavfi', '-i', `testsrc2=s=160x90:r=25:d=${d}`, '-f', 'lavfi', '-i', `sine=440:r=48000:d=${d}`]
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', '-metadata', `title=${name}`]
  await run(TOOLS.ffmpeg, ['-v', 'error', '-y', ...inputs, ...codecs, path])
  const sha256 = asSha256(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  )
  return { path, id: videoId(sha256, canonicalRecipe(RECIPE)) }
}

test('films that fail everywhere are given up soon, each with its reason, and hold up no good ones', async (t) => {
  await ensureFfmpeg()
  const dir = await folder(t)
  const bad = await Promise.all(Object.keys(BAD).map((name) => makeFilm(dir, name)))
  const split = await makeFilm(dir, 'split')
  const good = await Promise.all(['one', 'two'].map((name) => makeFilm(dir, name)))
  const fails = `echo '${WORDS}' >&2; exit 1`
  // Short films are read straight; joined are chunks.
  const cases = Object.values(BAD).map(
    (step, at) => `  *blobs/${bad[at]?.id}/*scratch/*${step}*|*file:${bad[at]?.path}*scratch/*${step}*) ${fails} ;;`,
  )
  const ffmpeg = join(dir, 'odd-ffmpeg')
  const script = [
    '#!/bin/sh',
    'case "$*" in',
    ...cases,
    `  *file:${split.path}*) ${fails} ;;`,
    'esac',
    'exec ffmpeg "$@"',
  ]
  await writeFile(ffmpeg, `${script.join('\n')}\n`)
  await chmod(ffmpeg, 0o755)

  const shownAt = new Map<string, number>()
  const endedAt = new Map<string, number>()
  const files = [...bad, split, ...good].map(({ path }) => path)
  const result = await runCli(['run', ...files, ...FLAGS, '--ffmpeg', ffmpeg, '--out', 'out'], {
    cwd: dir,
    dataDir: join(dir, 'data'),
    onLine(line) {
      const event = JSON.parse(line) as {
        event: string
        video: string
        videos: { video: string; waiting: VideoRow['waiting'] }[]
      }
      const now = performance.now()
      if (event.event === 'failed') endedAt.set(event.video, now)
      if (event.event !== 'progress') return
      for (const { video, waiting } of event.videos) {
        if (!waiting || shownAt.has(video)) continue
        shownAt.set(video, now)
        assert.match(waiting.text, new RegExp(`failed on .*, next try .*: .*${WORDS}`))
        assert.equal(waiting.code, 'encode_failed')
      }
    },
  })
  const events = eventsOf(result.stdout)
  const named = (event: string) => events.filter((each) => each.event === event).map(({ name }) => name)
  assert.equal(result.code, 1, result.stderr)
  assert.deepEqual(named('delivered').sort(), ['one', 'two'], result.stderr)
  assert.deepEqual(named('failed').sort(), ['join', 'picture', 'sound', 'split'])
  for (const { message, name } of events.filter(({ event }) => event === 'failed'))
    assert.match(String(message), new RegExp(`^${name}: .* failed permanently: .*${WORDS}$`))
  assert.deepEqual(await filesBelow(join(dir, 'out')), ['480p/one.mp4', '480p/two.mp4'])
  assert.ok(shownAt.size > 0, 'some of them were seen waiting')
  for (const [video, at] of shownAt) {
    const ms = (endedAt.get(video) ?? Number.POSITIVE_INFINITY) - at
    assert.ok(ms < FAILED_MS, `${video} failed ${ms} ms after its first failure was shown`)
  }
})
