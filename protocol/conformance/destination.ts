/** The rules of `Destination` in `destination.ts`, as one suite that every adapter passes. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { ByteRange } from '../blobs.ts'
import { CopyMismatch, type Destination, type DestinationFile, FILE_MODE } from '../destination.ts'
import { isDiskFull, UsageError } from '../errors.ts'
import { asPeerId } from '../ids.ts'
import { sha256Of, videoNumber } from './blobs.ts'

/** One place, empty, and what others do there. */
export interface DestinationWorld {
  /** Another handle of the same place, as another process or peer has it. */
  open(): Destination
  /** A handle under which every copy finds the disk full when it is half done. */
  openFull(): Destination
  /** Handles of places that cannot be written to, with what the error says. */
  openClosed(): Promise<readonly (readonly [Destination, RegExp])[]>
  /** Others write, or replace, a file. */
  write(path: string, content: string): Promise<void>
  /** Others remove a file. */
  remove(path: string): Promise<void>
  /** What is there as others see it: path → content. Empty where the place is not there yet. */
  files(): Promise<Record<string, string>>
  /** How many unfinished files are there. */
  unfinished(): Promise<number>
  close(): Promise<void>
}

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

    describe('a track that becomes a folder', () => {
      const FOLDER = 'film/video-480p'
      const track = (...segments: string[]) => trackOf(segments.map((each) => Buffer.from(each)))
      const folderOf = (bytes: Buffer, change: Partial<DestinationFile> = {}) =>
        fileOf(bytes.toString('latin1'), { path: FOLDER, is_folder: true, ...change })
      const putFolder = (bytes: Buffer, by = destination, file = folderOf(bytes)) =>
        put(bytes.toString('latin1'), by, file)
      const shown = (bytes: Buffer, path = FOLDER) => {
        const [header, index] = [bytes.subarray(0, 16), bytes.subarray(16, 16 + bytes.readUInt32BE(16))]
        return { [`${path}/header.mp4`]: header.toString('latin1'), [`${path}/index.sidx`]: index.toString('latin1') }
      }

      it('appears with all of its files at once, and has the hash of the one file', async () => {
        const bytes = track('one', 'another')
        await putFolder(bytes)
        assert.deepEqual(await world.files(), {})
        assert.equal(await destination.place(folderOf(bytes), { replace: false, signal }), 'placed')
        for (const each of [destination, world.open()]) {
          assert.equal(await each.sha256At(FOLDER, signal), folderOf(bytes).sha256)
          assert.equal(await each.bytesAt(FOLDER), bytes.length)
        }
        await holds({
          ...shown(bytes),
          [`${FOLDER}/segment-00001.m4s`]: 'one',
          [`${FOLDER}/segment-00002.m4s`]: 'another',
        })
        await putFolder(bytes)
        assert.equal(await destination.place(folderOf(bytes), { replace: false, signal }), 'there')
        for (const [from, to] of [
          [0, bytes.length],
          [1, bytes.length - 3],
          [bytes.length - 8, bytes.length - 6],
        ] as const)
          assert.equal(await readText(destination, folderOf(bytes), { from, to }), bytes.toString('latin1', from, to))
        const back = join(scratch, 'back')
        assert.equal(await world.open().fetch(folderOf(bytes), back, signal), true)
        assert.deepEqual(await readFile(back), bytes)
        await world.write(`${FOLDER}/segment-00001.m4s`, 'two')
        assert.notEqual(await destination.sha256At(FOLDER, signal), folderOf(bytes).sha256)
        assert.equal(await destination.fetch(folderOf(bytes), back, signal), false)
      })

      it('leaves a path to others, and replaces an older one where it is asked to, also by a move', async () => {
        const [older, newer] = [track('older', 'and more'), track('newer')]
        await world.write(`${FOLDER}/notes.txt`, 'of others')
        await putFolder(newer)
        assert.equal(await destination.place(folderOf(newer), { replace: false, signal }), 'taken')
        await holds({ [`${FOLDER}/notes.txt`]: 'of others' })
        await world.remove(`${FOLDER}/notes.txt`)
        for (const bytes of [older, newer]) {
          await putFolder(bytes)
          assert.equal(await destination.place(folderOf(bytes), { replace: true, signal }), 'placed')
        }
        await holds({ ...shown(newer), [`${FOLDER}/segment-00001.m4s`]: 'newer' })
        const to = 'film-2/video-480p'
        await putFolder(older, destination, folderOf(older, { path: to }))
        await destination.place(folderOf(older, { path: to }), { replace: false, signal })
        await destination.move(FOLDER, to)
        await destination.move(FOLDER, to)
        await holds({ ...shown(newer, to), [`${to}/segment-00001.m4s`]: 'newer' })
      })

      it('is refused where its bytes are others, or are no track', async () => {
        const bytes = track('one', 'another')
        const isRefused = (error: unknown) => error instanceof CopyMismatch
        const none = 'ftyp and no boxes'
        const cases = [
          [track('one', 'An other'), folderOf(bytes)],
          [bytes.subarray(0, -1), folderOf(bytes.subarray(0, -1))],
          [Buffer.from(none), fileOf(none, { path: FOLDER, is_folder: true })],
        ] as const
        for (const [wrong, file] of cases)
          await assert.rejects(put(wrong.toString('latin1'), destination, file), isRefused)
        await holds({})
      })
    })

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

/** A range of a file; `meanwhile` happens after its first piece. */
async function readText(
  destination: Destination,
  file: DestinationFile,
  range: ByteRange,
  meanwhile: () => Promise<void> = async () => {},
): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of destination.read(file, range, new AbortController().signal)) {
    if (pieces.length === 0) await meanwhile()
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('latin1')
}

/** A track of a package as far as it is divided: two boxes, an index and these segments. ISO/IEC 14496-12. */
function trackOf(segments: readonly Buffer[]): Buffer {
  const box = (type: string, body: Buffer) => {
    const head = Buffer.from(`....${type}`, 'latin1')
    head.writeUInt32BE(8 + body.length)
    return Buffer.concat([head, body])
  }
  const index = Buffer.alloc(32 + 12 * segments.length)
  index.writeUInt16BE(segments.length, 30)
  for (const [at, { length }] of segments.entries()) index.writeUInt32BE(length, 32 + 12 * at)
  return Buffer.concat([box('ftyp', Buffer.alloc(0)), box('moov', Buffer.alloc(0)), box('sidx', index), ...segments])
}
