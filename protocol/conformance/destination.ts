/** The rules of `Destination` in `destination.ts`, as one suite that every adapter passes. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { CopyMismatch, type Destination, type DestinationFile, FILE_MODE } from '../destination.ts'
import { isDiskFull, UsageError } from '../errors.ts'
import { asPeerId } from '../ids.ts'
import { sha256Of, videoNumber } from './blobs.ts'
import { trackFolderConformance } from './destination-folders.ts'
import { type DestinationWorld, readText } from './destination-world.ts'

export function destinationConformance(name: string, makeWorld: () => Promise<DestinationWorld>): void {
  describe(`a destination: ${name}`, () => {
    const [ann, bob] = [asPeerId('12D3KooWannnnnnnn'), asPeerId('12D3KooWbobbbbbbb')]
    const PATH = '480p/film.mp4'
    const { signal } = new AbortController()
    const aborted = AbortSignal.abort(new Error('the node stops'))
    let scratch = ''
    let world: DestinationWorld
    let destination: Destination
    before(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'reelmesh-destination-'))
    })
    after(() => rm(scratch, { recursive: true, force: true }))
    beforeEach(async () => {
      world = await makeWorld()
      destination = world.open()
    })
    afterEach(() => world.close())

    const fileOf = (content: string, change: Partial<DestinationFile> = {}): DestinationFile => {
      const ref = { sha256: sha256Of(content), bytes: Buffer.byteLength(content) }
      return { path: PATH, ...ref, video: videoNumber(1), peer: ann, mode: FILE_MODE, ...change }
    }
    /** A local file of this content. */
    const local = async (content: string): Promise<string> => {
      const path = join(scratch, sha256Of(content))
      await writeFile(path, content)
      return path
    }
    const put = async (content: string, by = destination, file = fileOf(content)) =>
      by.put(file, await local(content), signal)
    const place = (content: string, by = destination, file = fileOf(content), replace = false) =>
      by.place(file, { replace, signal })
    const holds = async (expected: Record<string, string>) =>
      assert.deepEqual([await world.files(), await world.unfinished()], [expected, 0])

    it('is made where it is missing, and may be prepared again', async () => {
      await destination.prepare()
      await world.open().prepare()
      await holds({})
    })

    it('that cannot be written to says so when it is prepared and when something is put there', async () => {
      for (const [closed, says] of await world.openClosed()) {
        const isRefused = (error: unknown) => error instanceof UsageError && says.test(error.message)
        await assert.rejects(closed.prepare(), isRefused)
        await assert.rejects(put('mine', closed), isRefused)
      }
    })

    it('has nothing at a path until something is placed there', async () => {
      assert.equal(await destination.bytesAt(PATH), null)
      assert.equal(await destination.sha256At(PATH, signal), null)
      assert.equal(await destination.fetch(fileOf('mine'), join(scratch, 'back'), signal), false)
      await put('mine')
      for (const each of [destination, world.open()]) {
        assert.equal(await each.bytesAt(PATH), null)
        assert.equal(await each.sha256At(PATH, signal), null)
      }
      assert.deepEqual(await world.files(), {})
    })

    it('shows what was placed whole, to every handle', async () => {
      await put('mine')
      assert.equal(await place('mine'), 'placed')
      for (const each of [destination, world.open()]) {
        assert.equal(await each.bytesAt(PATH), 4)
        assert.equal(await each.sha256At(PATH, signal), sha256Of('mine'))
      }
      await holds({ [PATH]: 'mine' })
    })

    it('holds an empty file too', async () => {
      await put('')
      assert.equal(await place(''), 'placed')
      assert.equal(await destination.bytesAt(PATH), 0)
      await holds({ [PATH]: '' })
    })

    it('holds files under names with spaces, quotes, newline, emoji and percent, however deep', async () => {
      const path = `720p/a/b/"it's" \n 100%25 🎬 + é.mp4`
      const file = fileOf('odd', { path })
      await put('odd', destination, file)
      assert.equal(await place('odd', world.open(), file), 'placed')
      await holds({ [path]: 'odd' })
    })

    it('answers that it is there where it was placed before, with and without another put', async () => {
      await put('mine')
      await place('mine')
      assert.equal(await place('mine', world.open()), 'there')
      await put('mine')
      assert.equal(await place('mine'), 'there')
      assert.equal(await place('mine', destination, fileOf('mine'), true), 'there')
      await holds({ [PATH]: 'mine' })
    })

    it('leaves a path to the file of others that has it', async () => {
      await world.write(PATH, 'of others')
      await put('mine')
      assert.equal(await place('mine'), 'taken')
      await holds({ [PATH]: 'of others' })
    })

    it('leaves a path to the file that others put there since the put', async () => {
      assert.equal(await destination.sha256At(PATH, signal), null)
      await put('mine')
      await world.write(PATH, 'of others')
      assert.equal(await place('mine'), 'taken')
      await holds({ [PATH]: 'of others' })
    })

    it('is content with the same bytes of others', async () => {
      await put('mine')
      await world.write(PATH, 'mine')
      assert.equal(await place('mine'), 'there')
      await holds({ [PATH]: 'mine' })
    })

    it('replaces what is there where it is asked to', async () => {
      await world.write(PATH, 'an older result')
      await put('mine')
      assert.equal(await place('mine', destination, fileOf('mine'), true), 'placed')
      assert.equal(await destination.sha256At(PATH, signal), sha256Of('mine'))
      await holds({ [PATH]: 'mine' })
    })

    it('gives a path to one of two peers that want it at once, and answers `taken` to the other', async () => {
      const other = world.open()
      const theirs = fileOf('theirs', { video: videoNumber(2), peer: bob })
      await Promise.all([put('mine'), put('theirs', other, theirs)])
      const got = await Promise.all([place('mine'), place('theirs', other, theirs)])
      assert.deepEqual([...got].sort(), ['placed', 'taken'])
      await holds({ [PATH]: got[0] === 'placed' ? 'mine' : 'theirs' })
    })

    it('takes the same bytes from two peers at once, neither of which damages the copy of the other', async () => {
      const other = world.open()
      const theirs = fileOf('same', { peer: bob })
      await Promise.all([put('same'), put('same', other, theirs)])
      assert.equal(await place('same'), 'placed')
      assert.equal(await place('same', other, theirs), 'there')
      await holds({ [PATH]: 'same' })
    })

    it('shows no partial file after a kill between put and place, and continues in the next process', async () => {
      await put('mine')
      assert.deepEqual(await world.files(), {})
      const next = world.open()
      await put('mine', next)
      assert.equal(await place('mine', next), 'placed')
      await holds({ [PATH]: 'mine' })
    })

    it('removes what a kill left once the bytes are there from elsewhere', async () => {
      await put('mine')
      await world.write(PATH, 'mine')
      assert.equal(await place('mine', world.open()), 'there')
      await holds({ [PATH]: 'mine' })
    })

    it('cannot place what was not put, and keeps no name for it', async () => {
      await destination.prepare()
      await assert.rejects(place('mine'))
      await assert.rejects(place('mine', destination, fileOf('mine'), true))
      await holds({})
    })

    it('refuses bytes that are not those named, whatever their number', async () => {
      for (const wrong of ['m1ne', 'mine and more', '']) {
        await assert.rejects(
          destination.put(fileOf('mine'), await local(wrong), signal),
          (error) => error instanceof CopyMismatch && error.code === 'rotten_copy' && error.message.includes(PATH),
        )
        await assert.rejects(place('mine'))
      }
      const longer = fileOf('mine', { bytes: 5 })
      await assert.rejects(destination.put(longer, await local('mine'), signal), CopyMismatch)
      await holds({})
    })

    it('leaves nothing of a copy for which there is no room, or whose source is gone, and takes it later', async () => {
      await assert.rejects(put('mine', world.openFull()), isDiskFull)
      await assert.rejects(
        destination.put(fileOf('mine'), join(scratch, 'gone'), signal),
        (error) => !isDiskFull(error) && !(error instanceof CopyMismatch),
      )
      await holds({})
      await put('mine')
      assert.equal(await place('mine'), 'placed')
    })

    it('ends with the reason of a signal that aborts, and leaves nothing', async () => {
      await world.write('other.mp4', 'other')
      const file = fileOf('mine')
      const back = join(scratch, 'aborted')
      const from = await local('mine')
      await assert.rejects(destination.put(file, from, aborted), /the node stops/)
      await assert.rejects(destination.sha256At('other.mp4', aborted), /the node stops/)
      const other = { ...fileOf('other'), path: 'other.mp4' }
      await assert.rejects(destination.fetch(other, back, aborted), /the node stops/)
      await assert.rejects(
        destination.place({ ...file, path: 'other.mp4' }, { replace: false, signal: aborted }),
        /the node stops/,
      )
      await holds({ 'other.mp4': 'other' })
    })

    it('says what is there now, however others change it', async () => {
      await world.write(PATH, 'one')
      assert.equal(await destination.sha256At(PATH, signal), sha256Of('one'))
      await world.write(PATH, 'another')
      assert.equal(await destination.sha256At(PATH, signal), sha256Of('another'))
      assert.equal(await destination.bytesAt(PATH), 7)
      await world.remove(PATH)
      assert.deepEqual([await destination.sha256At(PATH, signal), await destination.bytesAt(PATH)], [null, null])
    })

    it('fetches the bytes of a file, and no others', async () => {
      const back = join(scratch, 'back')
      await put('mine')
      await place('mine')
      assert.equal(await world.open().fetch(fileOf('mine'), back, signal), true)
      assert.equal(await readFile(back, 'utf8'), 'mine')
      await world.write(PATH, 'm1ne')
      assert.equal(await world.open().fetch(fileOf('mine'), back, signal), false)
      await holds({ [PATH]: 'm1ne' })
    })

    it('moves a placed file, over an older one too, and not one that is gone', async () => {
      const to = '480p/film-2.mp4'
      await world.write(to, 'an older result')
      await put('mine')
      await place('mine')
      assert.equal(await destination.sha256At(to, signal), sha256Of('an older result'))
      await destination.move(PATH, to)
      await destination.move(PATH, to)
      assert.equal(await place('mine', destination, fileOf('mine', { path: to })), 'there')
      await holds({ [to]: 'mine' })
    })

    it('is read by ranges as long as the bytes are those of the hash', async () => {
      const content = 'x'.repeat(300_000) + 'y'.repeat(300_000)
      await put(content)
      await place(content)
      const [head, tail] = ['x'.repeat(10), 'y'.repeat(7)]
      assert.equal(await readText(destination, fileOf(content), { from: 0, to: 10 }), head)
      assert.equal(await readText(world.open(), fileOf(content), { from: 599_993, to: 600_000 }), tail)
      assert.equal(await readText(destination, fileOf(content), { from: 0, to: 600_000 }), content)
      await assert.rejects(
        readText(destination, fileOf(content), { from: 0, to: 600_000 }, () => world.write(PATH, content)),
        CopyMismatch,
        'it is written again meanwhile',
      )
      assert.equal(await readText(destination, fileOf(content), { from: 0, to: 10 }), head, 'of the same bytes')
      await world.write(PATH, 'z'.repeat(600_000))
      await assert.rejects(readText(destination, fileOf(content), { from: 0, to: 10 }), CopyMismatch)
      await world.remove(PATH)
      await assert.rejects(readText(destination, fileOf(content), { from: 0, to: 10 }), CopyMismatch)
    })

    trackFolderConformance(() => ({ world, destination, scratch, fileOf, put, holds }))

    it('refuses every path that could lead out of it', async () => {
      const isRefused = { code: 'bad_artifact' }
      const from = await local('evil')
      for (const path of ['../evil', '480p/../../evil', '/tmp/evil', '480p//evil', './evil', '', '..']) {
        const file = fileOf('evil', { path })
        await assert.rejects(destination.put(file, from, signal), isRefused)
        await assert.rejects(destination.place(file, { replace: true, signal }), isRefused)
        await assert.rejects(destination.sha256At(path, signal), isRefused)
        await assert.rejects(destination.bytesAt(path), isRefused)
        await assert.rejects(destination.fetch(file, join(scratch, 'back'), signal), isRefused)
        await assert.rejects(destination.move(path, PATH), isRefused)
        await assert.rejects(destination.move(PATH, path), isRefused)
      }
      await holds({})
    })
  })
}
