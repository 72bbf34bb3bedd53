import assert from 'node:assert/strict'
import { renameSync, symlinkSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { identityAt } from '../../files/file-hashes.ts'
import type { Clock } from '../../protocol/clock.ts'
import { LedgerUnavailable, SourceRefused, SourceUnsettled } from '../../protocol/errors.ts'
import { INPUT_FILES_MAX, INPUT_OUTCOME_MS, INPUT_REFUSED_MS, INPUT_SETTLED_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import { createInputFolder } from './input-folder.ts'
import { mayFollow } from './input-folder-files.ts'
import type { Settling } from './input-folder-settling.ts'
import { openTakenFiles } from './input-folder-state.ts'
import type { SubmitRequest, Submitted } from './submit.ts'

const HOOKS = ['https://example.org/inbox']

/** A folder, a manual clock, and the submitted files. */
async function folderUnderTest(
  t: TestContext,
  answer: (request: SubmitRequest) => unknown = () => {},
  log = silentLog,
  settling?: Settling,
  deadlineAt?: (now: number) => number | null,
  key?: SubmitRequest['hls_key'],
) {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-input-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const input = join(dir, 'input')
  await mkdir(input)
  const submitted: SubmitRequest[] = []
  let now = 0
  const clock = { mono: () => now, now: () => now } as Clock
  const submit = async (request: SubmitRequest): Promise<Submitted> => {
    await answer(request)
    submitted.push(request)
    return { outcome: 'created', video: ledgerVideo } as unknown as Submitted
  }
  /** The one video there is, and of what its ingest failed. */
  const ledgerVideo = { _id: 'x', status: 'RUNNING', failure: null as string | null }
  const failed = { code: 'source_refused' }
  const ledger = {
    video: async () => ledgerVideo,
    videos: async () => (ledgerVideo.status === 'RUNNING' ? [ledgerVideo] : []),
    tasks: async () => (ledgerVideo.status === 'FAILED' ? [{ failures: [{ code: failed.code }] }] : []),
  } as never
  const make = () =>
    createInputFolder({
      input,
      output: join(dir, 'out'),
      openTaken: () => openTakenFiles(join(dir, 'state.json')),
      recipe: DEFAULT_RECIPE,
      clock,
      log,
      ledger,
      submit,
      ...(settling && { settling }),
      ...(deadlineAt && { deadlineAt }),
      key,
      webhooks: HOOKS,
    }).round
  // As the loop of rounds does: called without its object.
  let round = make()
  return {
    input,
    stateFile: join(dir, 'state.json'),
    submitted,
    video: ledgerVideo,
    failed,
    restart: () => {
      round = make()
    },
    look: async (ms = INPUT_SETTLED_MS) => {
      now += ms
      await round(new AbortController().signal)
    },
  }
}

function refuseOthers({ path }: Pick<SubmitRequest, 'path'>): void {
  if (!path.endsWith('.mp4')) refuseAll({ path })
}

function refuseAll({ path }: Pick<SubmitRequest, 'path'>): never {
  throw new SourceRefused(`${path} is not a video`)
}

/** Seen, refused, and refused once more when it had its time. */
async function untilRefused(look: (ms?: number) => Promise<void>): Promise<void> {
  await look()
  await look()
  await look(INPUT_REFUSED_MS)
}

describe('the input folder', () => {
  test('rejects a file that only the ingest refuses, and submits it again when it is put back', async (t) => {
    const { input, look, submitted, video, restart } = await folderUnderTest(t)
    await writeFile(join(input, 'jump.ts'), 'a clock that jumps back')
    await look()
    await look()
    assert.equal(submitted.length, 1)
    await look(INPUT_OUTCOME_MS)
    assert.deepEqual(await readdir(input), ['jump.ts'], 'it runs')
    Object.assign(video, { status: 'FAILED', failure: '"jump.ts" has a clock that jumps back' })
    restart()
    await look(INPUT_OUTCOME_MS)
    assert.deepEqual(await readdir(join(input, 'rejected')), ['jump.ts', 'jump.ts.txt'])
    assert.equal(await readFile(join(input, 'rejected', 'jump.ts.txt'), 'utf8'), `${video.failure}\n`)
    await rename(join(input, 'rejected', 'jump.ts'), join(input, 'jump.ts'))
    await look()
    await look()
    assert.equal(submitted.length, 2)
  })

  test('submits again what was changed while it was encoded, though its size and time are those of before', async (t) => {
    const { input, look, submitted, video, failed } = await folderUnderTest(t)
    await writeFile(join(input, 'film.mp4'), 'film')
    await look()
    await look()
    assert.equal(submitted.length, 1)
    failed.code = 'source_changed'
    Object.assign(video, { status: 'FAILED', failure: 'film.mp4 was changed while it was encoded; submit it again' })
    await look(INPUT_OUTCOME_MS)
    Object.assign(video, { status: 'RUNNING', failure: null })
    await look()
    await look()
    assert.deepEqual([await readdir(input), submitted.length], [['film.mp4'], 2])
  })

  test('submits a file with the key of its packages and the endpoints of its webhooks', async (t) => {
    const key = { path: '/keys/film.key', url: 'film.key' }
    const { input, submitted, look } = await folderUnderTest(t, undefined, undefined, undefined, undefined, key)
    await writeFile(join(input, 'film.mp4'), 'a film')
    await look()
    await look()
    assert.deepEqual(
      submitted.map(({ hls_key, webhooks }) => [hls_key, webhooks]),
      [[key, HOOKS]],
    )
  })

  test('submits a file with the deadline of when it was taken in', async (t) => {
    const given = [t, () => {}, silentLog, undefined, (now: number) => now + 40] as const
    const { input, look, submitted } = await folderUnderTest(...given)
    await writeFile(join(input, 'film.mp4'), 'film')
    await look()
    await look()
    assert.deepEqual(
      submitted.map(({ deadline }) => deadline),
      [2 * INPUT_SETTLED_MS + 40],
    )
  })

  test('a file that cannot be rejected delays no other', async (t) => {
    const { input, look, video } = await folderUnderTest(t)
    await mkdir(join(input, 'a'))
    for (const file of ['a/x.ts', 'b.ts']) await writeFile(join(input, file), file)
    await mkdir(join(input, 'rejected'))
    await writeFile(join(input, 'rejected', 'a'), 'a file where a folder should be')
    await look()
    await look()
    Object.assign(video, { status: 'FAILED', failure: 'no' })
    await look(INPUT_OUTCOME_MS)
    assert.deepEqual((await readdir(input)).sort(), ['a', 'rejected'])
    await rm(join(input, 'rejected', 'a'))
    await look(INPUT_OUTCOME_MS)
    assert.deepEqual(await readdir(join(input, 'a')), [])
  })

  test('leaves what belongs to a film beside it, and says once that a link to a folder is not followed', async (t) => {
    const warned: unknown[] = []
    const { input, look, submitted } = await folderUnderTest(t, refuseOthers, {
      ...silentLog,
      warn: (text, fields) => void warned.push([text.split(':')[0], fields]),
    })
    for (const file of ['film.mp4', 'film.en.srt', 'film.nfo', 'film-poster.jpg', 'alone.jpg'])
      await writeFile(join(input, file), file)
    await symlink(join(input, '..'), join(input, 'linked'))
    await untilRefused(look)
    const path = join(input, 'film.en.srt')
    const identity = await identityAt(path)
    const subtitles = [{ path, identity, language: 'en', forced: false, hearing_impaired: false }]
    assert.deepEqual(
      submitted.map((request) => [request.path, request.subtitles]),
      [[join(input, 'film.mp4'), subtitles]],
    )
    assert.deepEqual((await readdir(input)).sort(), [
      'film-poster.jpg',
      'film.en.srt',
      'film.mp4',
      'film.nfo',
      'linked',
      'rejected',
    ])
    assert.deepEqual(await readdir(join(input, 'rejected')), ['alone.jpg', 'alone.jpg.txt'])
    assert.deepEqual(warned[0], ['a link to a folder is not followed', { link: 'linked' }])
    assert.equal(warned.length, 2, 'the link, and the picture that was moved to rejected/')
  })

  test('submits a link to a file, and no link to a folder or to nothing', async (t) => {
    const { input, look, submitted } = await folderUnderTest(t)
    const film = join(input, '..', 'film.mp4')
    await writeFile(film, 'film')
    await symlink(film, join(input, 'linked.mp4'))
    await symlink(join(input, '..'), join(input, 'folder.mp4'))
    await symlink(join(input, 'nowhere'), join(input, 'dangling.mp4'))
    await look()
    await look()
    assert.deepEqual(
      submitted.map(({ path }) => path),
      [join(input, 'linked.mp4')],
    )
  })

  test('moves nothing through a link, and writes none over', async (t) => {
    const log = { ...silentLog, warn: (message: string, data?: object) => void warned.push([message, data]) }
    const warned: [string, object | undefined][] = []
    const { input, look } = await folderUnderTest(t, refuseAll, log)
    const elsewhere = join(input, '..', 'elsewhere')
    await mkdir(elsewhere)
    await symlink(elsewhere, join(input, 'rejected'))
    await writeFile(join(input, 'notes.txt'), 'not a video')
    await look(0)
    await look()
    await look(INPUT_REFUSED_MS)
    assert.deepEqual(await readdir(elsewhere), [])
    assert.equal(await readFile(join(input, 'notes.txt'), 'utf8'), 'not a video')
    assert.match(JSON.stringify(warned.at(-1)), /is a link or a file, and nothing is moved there/)

    await rm(join(input, 'rejected'))
    await mkdir(join(input, 'rejected'))
    await symlink(join(elsewhere, 'planted'), join(input, 'rejected', 'notes.txt'))
    await look()
    await look(INPUT_REFUSED_MS)
    await look(INPUT_REFUSED_MS)
    assert.deepEqual(await readdir(elsewhere), [])
    assert.deepEqual((await readdir(join(input, 'rejected'))).sort(), ['notes-2.txt', 'notes-2.txt.txt', 'notes.txt'])
  })

  test('takes in nothing to which a folder leads that became a link after it was read', async (t) => {
    // Asked after the folder is read, before a file is taken in.
    let swap = () => {}
    const settling = { isSettled: () => true, waitLonger: () => false, forget: () => {}, keepOnly: () => swap() }
    const { input, look, submitted } = await folderUnderTest(t, undefined, silentLog, settling)
    const [sub, elsewhere] = [join(input, 'sub'), join(input, '..', 'elsewhere')]
    for (const folder of [sub, elsewhere]) {
      await mkdir(folder)
      await writeFile(join(folder, 'film.mp4'), 'film')
      await utimes(join(folder, 'film.mp4'), 1, 1)
    }
    await look()
    assert.deepEqual(
      submitted.map(({ path, identity }) => [path, identity]),
      [[join(sub, 'film.mp4'), await identityAt(join(sub, 'film.mp4'))]],
    )
    await rename(join(sub, 'film.mp4'), join(sub, 'other.mp4'))
    await writeFile(join(elsewhere, 'other.mp4'), 'film')
    swap = () => {
      renameSync(sub, join(input, 'away'))
      symlinkSync(elsewhere, sub)
    }
    await look()
    assert.equal(submitted.length, 1)
  })

  test('follows a link only to what its maker could have put there', () => {
    const [root, self, other, third] = [0, 1000, 1001, 1002]
    const followed = [root, self, other].flatMap((owner) =>
      [root, self, other, third].filter((target) => mayFollow(owner, target, self)).map((target) => [owner, target]),
    )
    assert.deepEqual(followed, [
      ...[root, self, other, third].map((target) => [root, target]),
      ...[root, self, other, third].map((target) => [self, target]),
      [other, other],
    ])
  })

  test('leaves where it is what failed for another reason, or was delivered, and asks no more', async (t) => {
    for (const status of ['FAILED', 'COMPLETED']) {
      const { input, stateFile, look, submitted, video, failed } = await folderUnderTest(t)
      await writeFile(join(input, 'film.mp4'), 'film')
      await look()
      await look()
      failed.code = 'encode_failed'
      Object.assign(video, { status, failure: status === 'FAILED' ? 'chunk 3 failed permanently' : null })
      await look(INPUT_OUTCOME_MS)
      await look()
      assert.deepEqual([await readdir(input), submitted.length], [['film.mp4'], 1])
      assert.match(await readFile(stateFile, 'utf8'), /^\{"film\.mp4":"4:\d+"\}$/)
    }
  })

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

  test('moves a refused file to rejected/ with a text that says why', async (t) => {
    const { input, look } = await folderUnderTest(t, refuseAll)
    await mkdir(join(input, 'sub'))
    await writeFile(join(input, 'sub', 'bad.mp4'), 'x')
    await look()
    await look()
    assert.deepEqual(await readdir(join(input, 'sub')), ['bad.mp4'], 'it may be a copy that pauses')
    await look(INPUT_REFUSED_MS)
    assert.deepEqual((await readdir(join(input, 'rejected', 'sub'))).sort(), ['bad.mp4', 'bad.mp4.txt'])
    assert.match(await readFile(join(input, 'rejected', 'sub', 'bad.mp4.txt'), 'utf8'), /is not a video/)
    assert.deepEqual(await readdir(join(input, 'sub')), [])
  })

  test('gives a refused file that changes again all the time that it had', async (t) => {
    const { input, look } = await folderUnderTest(t, refuseAll)
    for (const text of ['a', 'ab', 'abc']) {
      await writeFile(join(input, 'slow.mp4'), text)
      await look()
      await look()
      await look(INPUT_REFUSED_MS - INPUT_SETTLED_MS - 1)
    }
    assert.deepEqual(await readdir(input), ['slow.mp4'])
  })

  test('leaves a file alone that changes while it is refused, or is still being written', async (t) => {
    let during: (path: string) => unknown = () => {}
    const { input, look, submitted } = await folderUnderTest(t, async ({ path }) => {
      await during(path)
      refuseAll({ path })
    })
    const file = join(input, 'slow.mp4')
    await writeFile(file, 'a')
    await look()
    await look()
    during = (path) => writeFile(path, 'ab')
    await look(INPUT_REFUSED_MS)
    during = (path) => {
      throw new SourceUnsettled(`${path} is still being written`)
    }
    for (let times = 0; times < 9; times++) await look(INPUT_REFUSED_MS)
    assert.deepEqual(await readdir(input), ['slow.mp4'])
    assert.equal(submitted.length, 0)
  })

  test('writes over nothing that was rejected before', async (t) => {
    const { input, look } = await folderUnderTest(t, refuseAll)
    for (const text of ['first', 'second', 'third']) {
      await writeFile(join(input, 'clip.mp4'), text)
      await untilRefused(look)
    }
    const names = ['clip.mp4', 'clip-2.mp4', 'clip-3.mp4']
    const rejected = join(input, 'rejected')
    assert.deepEqual((await readdir(rejected)).sort(), names.flatMap((name) => [name, `${name}.txt`]).sort())
    const texts = await Promise.all(names.map((name) => readFile(join(rejected, name), 'utf8')))
    assert.deepEqual(texts, ['first', 'second', 'third'])
  })

  test('submits a rejected file that was repaired and moved back, with its old mtime', async (t) => {
    let isRepaired = false
    const { input, look, submitted } = await folderUnderTest(t, (request) => isRepaired || refuseAll(request))
    const file = join(input, 'locked.mp4')
    await writeFile(file, 'x')
    const { mtime } = await stat(file)
    await untilRefused(look)
    isRepaired = true
    await rename(join(input, 'rejected', 'locked.mp4'), file)
    await utimes(file, mtime, mtime)
    await look()
    await look()
    assert.equal(submitted.length, 1)
  })

  test('forgets what is gone once it remembers very many, and nothing that lies there', async (t) => {
    const { input, look, restart, stateFile, submitted } = await folderUnderTest(t)
    await writeFile(join(input, 'oldest.mp4'), 'x')
    await look()
    await look()
    const known = Object.entries(JSON.parse(await readFile(stateFile, 'utf8')) as Record<string, string>)
    const gone = Array.from({ length: INPUT_FILES_MAX - 1 }, (_, at) => [`gone ${at}.mp4`, '1:1'])
    await writeFile(stateFile, JSON.stringify(Object.fromEntries([...known, ...gone])))
    restart()
    await writeFile(join(input, 'new.mp4'), 'y')
    for (let times = 0; times < 4; times++) await look()
    assert.deepEqual(
      submitted.map(({ name }) => name),
      ['oldest', 'new'],
    )
    const kept = JSON.parse(await readFile(stateFile, 'utf8')) as Record<string, string>
    assert.deepEqual(Object.keys(kept), ['oldest.mp4', 'new.mp4'])
  })

  test('tries again while the ledger is unavailable, and loses nothing', async (t) => {
    let away = true
    const { input, look, submitted } = await folderUnderTest(t, () => {
      if (away) throw new LedgerUnavailable('away')
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
