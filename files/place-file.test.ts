/** Names given on a real disk, with and without hard links. */
import assert from 'node:assert/strict'
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { placeFile } from './place-file.ts'

let dir = ''
let part = ''
let film = ''

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-place-'))
  part = join(dir, '.part')
  film = join(dir, 'film.mp4')
  await writeFile(part, 'mine')
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
})

/** As on FAT. */
const noLinks: typeof link = async () => {
  throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
}

for (const [where, makeLink] of [
  ['with hard links', link],
  ['without hard links', noLinks],
] as const) {
  describe(`a name ${where}`, () => {
    it('is given to the whole file', async () => {
      assert.equal(await placeFile(part, film, makeLink), 'placed')
      assert.equal(await readFile(film, 'utf8'), 'mine')
    })

    it('is left to the file that has it', async () => {
      await writeFile(film, 'another film')
      assert.equal(await placeFile(part, film, makeLink), 'taken')
      assert.deepEqual([await readFile(film, 'utf8'), await readFile(part, 'utf8')], ['another film', 'mine'])
    })

    it('goes to one of two who want it at once', async () => {
      await writeFile(join(dir, '.other'), 'other')
      const both = [part, join(dir, '.other')].map((each) => placeFile(each, film, makeLink))
      const got = await Promise.all(both)
      assert.deepEqual([...got].sort(), ['placed', 'taken'])
      assert.equal(await readFile(film, 'utf8'), got[0] === 'placed' ? 'mine' : 'other')
    })

    it('is not kept by a file that could not get it', async () => {
      await rm(part)
      await assert.rejects(placeFile(part, film, makeLink), { code: 'ENOENT' })
      assert.deepEqual(await readdir(dir), [])
    })
  })
}
