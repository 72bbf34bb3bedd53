import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { UsageError } from '../../protocol/errors.ts'
import { checkWatchedFolders } from './watched-folders.ts'

async function place(t: TestContext): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'reelmesh-folders-')))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const input_renditions = ['480p', '720p', '1080p']

describe('the folders of a node that watches one', () => {
  const apart: readonly (readonly [string, string, string | undefined])[] = [
    ['beside each other', 'in', 'out'],
    ['nowhere said', 'in', undefined],
    ['one name the beginning of the other', 'in', 'in-done'],
    ['the watched one inside the output', 'all/in', 'all'],
    ['a name that begins with dots', 'in', '..out'],
  ]
  for (const [title, input, output] of apart)
    test(`may lie apart: ${title}`, async (t) => {
      const dir = await place(t)
      const given = {
        input: join(dir, input),
        output: output && join(dir, output),
        data_dir: join(dir, 'data'),
        input_renditions,
      }
      await checkWatchedFolders(given)
    })

  const wrong: readonly (readonly [string, string, string | undefined, RegExp, object?])[] = [
    ['the same', 'in', 'in', /results go to .*in, inside the watched folder .*give --output/],
    ['the output inside', 'in', 'in/done', /inside the watched folder/],
    ['the output among what was rejected', 'in', 'in/rejected', /inside the watched folder/],
    ['one rendition of the output', 'all/480p', 'all', /results go to .*480p, inside/],
    ['the default output', 'outputs', undefined, /results go to .*outputs, inside/],
    [
      'inside the output, where packages have the names of films',
      'all/in',
      'all',
      /packages go to .* give --output a folder beside it/,
      { input_package: ['hls'] },
    ],
    ['the data folder inside', '.', '../elsewhere', /data folder .* lies inside .*give --data-dir/],
  ]
  for (const [title, input, output, why, more] of wrong)
    test(`may not be: ${title}`, async (t) => {
      const dir = await place(t)
      const given = {
        input: join(dir, input),
        output: output && join(dir, output),
        data_dir: join(dir, 'data'),
        input_renditions,
        ...more,
      }
      await assert.rejects(checkWatchedFolders(given), (error) => {
        assert.ok(error instanceof UsageError)
        assert.match(error.message, why)
        return true
      })
    })

  test('are looked at behind their links', async (t) => {
    const dir = await place(t)
    await mkdir(join(dir, 'in'))
    await symlink(join(dir, 'in'), join(dir, 'link'))
    const given = {
      input: join(dir, 'in'),
      output: join(dir, 'link', 'not yet', 'there'),
      data_dir: join(dir, 'data'),
      input_renditions,
    }
    await assert.rejects(checkWatchedFolders(given), /inside the watched folder/)
  })

  test('are not asked about where none is watched', async () => {
    await checkWatchedFolders({ data_dir: '/data', input_renditions })
  })
})
