import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Clock } from '../protocol/clock.ts'
import { LedgerAway, SourceRefused } from '../protocol/errors.ts'
import { INPUT_SETTLED_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { createInputFolder } from './input-folder.ts'
import type { SubmitRequest, Submitted } from './submit.ts'

/** A folder, a clock that only moves when told, and what was submitted. */
async function folderUnderTest(t: TestContext, answer: (request: SubmitRequest) => void = () => {}) {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-input-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const input = join(dir, 'input')
  await mkdir(input)
  const submitted: SubmitRequest[] = []
  let now = 0
  const clock = { mono: () => now } as Clock
  const submit = async (request: SubmitRequest): Promise<Submitted> => {
    answer(request)
    submitted.push(request)
    return { outcome: 'created', video: { _id: 'x' } } as unknown as Submitted
  }
  const make = () =>
    createInputFolder({
      input,
      output: join(dir, 'out'),
      stateFile: join(dir, 'state.json'),
      recipe: DEFAULT_RECIPE,
      clock,
      log: silentLog,
      submit,
    })
  let folder = make()
  return {
    input,
    submitted,
    restart: () => {
      folder = make()
    },
    look: async (ms = INPUT_SETTLED_MS) => {
      now += ms
      await folder.round(new AbortController().signal)
    },
  }
}

describe('the input folder', () => {
  test('takes a file in once its size has settled, with its sub-folder in the name, and only once', async (t) => {
    const { input, look, submitted, restart } = await folderUnderTest(t)
    await mkdir(join(input, 'series one'))
    await writeFile(join(input, 'series one', 'film.v2.mp4'), 'half')
    await look()
    assert.equal(submitted.length, 0, 'seen for the first time')
    await writeFile(join(input, 'series one', 'film.v2.mp4'), 'half and the rest')
    await look()
    assert.equal(submitted.length, 0, 'it has grown')
    await look()
    assert.deepEqual(
      submitted.map(({ path, name }) => [path, name]),
      [[join(input, 'series one', 'film.v2.mp4'), 'series one/film.v2']],
    )
    await look()
    restart()
    await look()
    await look()
    assert.equal(submitted.length, 1, 'remembered, across a restart too')
  })

  test('leaves partial and hidden files and what was rejected alone', async (t) => {
    const { input, look, submitted } = await folderUnderTest(t)
    await mkdir(join(input, 'rejected'))
    for (const name of ['.hidden.mp4', 'a.mp4.part', 'b.tmp', 'rejected/c.mp4']) await writeFile(join(input, name), 'x')
    await look()
    await look()
    assert.equal(submitted.length, 0)
  })

  test('moves a refused file aside with a text that says why', async (t) => {
    const { input, look } = await folderUnderTest(t, ({ path }) => {
      throw new SourceRefused(`${path} is not a video`)
    })
    await mkdir(join(input, 'sub'))
    await writeFile(join(input, 'sub', 'bad.mp4'), 'x')
    await look()
    await look()
    assert.deepEqual((await readdir(join(input, 'rejected', 'sub'))).sort(), ['bad.mp4', 'bad.mp4.txt'])
    assert.match(await readFile(join(input, 'rejected', 'sub', 'bad.mp4.txt'), 'utf8'), /is not a video/)
    assert.deepEqual(await readdir(join(input, 'sub')), [])
  })

  test('tries again when the ledger is away, and loses nothing', async (t) => {
    let away = true
    const { input, look, submitted } = await folderUnderTest(t, () => {
      if (away) throw new LedgerAway('away')
    })
    await writeFile(join(input, 'film.mp4'), 'x')
    await look()
    await look()
    assert.equal(submitted.length, 0)
    away = false
    await look()
    assert.equal(submitted.length, 1)
  })
})
