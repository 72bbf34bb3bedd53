/** What the README says is so: its commands run as they stand, its tables hold what the code has, its links lead somewhere. */
import assert from 'node:assert/strict'
import { access, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { configSchema } from '../../node/config.ts'
import { INTERNAL } from '../../testing/docs/reference-page.ts'
import { makeClip } from '../../testing/sources/clip.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { type Place, ROOT, readReadme, runBlock, runnableBlocks, stayBlock } from './blocks.ts'

const readme = await readReadme()
const blocks = runnableBlocks(readme).filter(({ words }) => !words.includes('mesh'))
let place: Place

before(async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'reelmesh-readme-'))
  place = { cwd, dataDir: join(cwd, 'data') }
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: join(cwd, 'film.mp4'), seconds: 1, width: 320, height: 180, fps: 10, ffmpeg })
})
after(() => rm(place.cwd, { recursive: true, force: true }))

test('every command for one host runs as written, in the order of the page', async () => {
  const staying = []
  try {
    for (const { script, words } of blocks) {
      if (words.includes('stays')) staying.push(await stayBlock(script, place, /is up/))
      else {
        const { code, text } = await runBlock(script, place)
        assert.equal(code, 0, `${script}\n${text}`)
      }
    }
  } finally {
    for (const each of staying) assert.equal((await each.stop()).code, 0)
  }
  for (const out of ['videos/outputs', 'small', 'finished']) {
    const { size } = await stat(join(place.cwd, out, '480p', 'film.mp4'))
    assert.ok(size > 1_000, `${out} holds the finished film`)
  }
})

test('every npm script that it names exists', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readme.matchAll(/npm (?:run )?(demo|test(?::\w+)?|bench|check)\b/g)].map(([, name]) => name ?? '')
  assert.ok(named.length > 0)
  assert.deepEqual(
    named.filter((name) => !scripts[name]),
    [],
  )
})

test('its table of the configuration has every setting, and no other', () => {
  const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Exit codes'))
  const listed = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  )
  const settings = Object.keys(configSchema.shape).filter((key) => !INTERNAL.has(key))
  assert.deepEqual(listed.sort(), settings.sort())
})

test('its exit codes are those of the command line', async () => {
  const main = await readFile(join(ROOT, 'cli', 'main.ts'), 'utf8')
  const table = readme.slice(readme.indexOf('## Exit codes'))
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => code)
  const help = /Exit codes: ([^`]*)`/.exec(main)?.[1] ?? ''
  assert.deepEqual(codes, help.match(/\b\d+\b/g))
})

test('every link within the project leads to a file, in the README and in docs', async () => {
  const pages = [
    'README.md',
    'docs/architecture.md',
    'docs/decisions/README.md',
    'docs/media.md',
    'docs/status.md',
    'docs/run-json.md',
    'docs/reference.md',
    'docs/tutorial.md',
  ]
  for (const page of pages) {
    const text = await readFile(join(ROOT, page), 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      await assert.doesNotReject(access(join(ROOT, page, '..', target)), `${page} links to ${target}`)
    }
  }
})
