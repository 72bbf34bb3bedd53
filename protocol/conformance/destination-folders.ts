/** The rules of `Destination` for a track whose segments are files: part of the suite in `destination.ts`. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, it } from 'node:test'
import { CopyMismatch, type DestinationFile } from '../destination.ts'
import { type DestinationStage, readText } from './destination-world.ts'

/** Adds these rules to the suite around it. `stage`: that of the test which begins. */
export function trackFolderConformance(stage: () => DestinationStage): void {
  describe('a track that becomes a folder', () => {
    const { signal } = new AbortController()
    let at: DestinationStage
    beforeEach(() => {
      at = stage()
    })
    const FOLDER = 'film/video-480p'
    const track = (...segments: string[]) => trackOf(segments.map((each) => Buffer.from(each)))
    const folderOf = (bytes: Buffer, change: Partial<DestinationFile> = {}) =>
      at.fileOf(bytes.toString('latin1'), { path: FOLDER, is_folder: true, ...change })
    const putFolder = (bytes: Buffer, by = at.destination, file = folderOf(bytes)) =>
      at.put(bytes.toString('latin1'), by, file)
    const shown = (bytes: Buffer, path = FOLDER) => {
      const [header, index] = [bytes.subarray(0, 16), bytes.subarray(16, 16 + bytes.readUInt32BE(16))]
      return { [`${path}/header.mp4`]: header.toString('latin1'), [`${path}/index.sidx`]: index.toString('latin1') }
    }

    it('appears with all of its files at once, and has the hash of the one file', async () => {
      const bytes = track('one', 'another')
      await putFolder(bytes)
      assert.deepEqual(await at.world.files(), {})
      assert.equal(await at.destination.place(folderOf(bytes), { replace: false, signal }), 'placed')
      for (const each of [at.destination, at.world.open()]) {
        assert.equal(await each.sha256At(FOLDER, signal), folderOf(bytes).sha256)
        assert.equal(await each.bytesAt(FOLDER), bytes.length)
      }
      await at.holds({
        ...shown(bytes),
        [`${FOLDER}/segment-00001.m4s`]: 'one',
        [`${FOLDER}/segment-00002.m4s`]: 'another',
      })
      await putFolder(bytes)
      assert.equal(await at.destination.place(folderOf(bytes), { replace: false, signal }), 'there')
      for (const [from, to] of [
        [0, bytes.length],
        [1, bytes.length - 3],
        [bytes.length - 8, bytes.length - 6],
      ] as const)
        assert.equal(await readText(at.destination, folderOf(bytes), { from, to }), bytes.toString('latin1', from, to))
      const back = join(at.scratch, 'back')
      assert.equal(await at.world.open().fetch(folderOf(bytes), back, signal), true)
      assert.deepEqual(await readFile(back), bytes)
      await at.world.write(`${FOLDER}/segment-00001.m4s`, 'two')
      assert.notEqual(await at.destination.sha256At(FOLDER, signal), folderOf(bytes).sha256)
      assert.equal(await at.destination.fetch(folderOf(bytes), back, signal), false)
    })

    it('leaves a path to others, and replaces an older one where it is asked to, also by a move', async () => {
      const [older, newer] = [track('older', 'and more'), track('newer')]
      await at.world.write(`${FOLDER}/notes.txt`, 'of others')
      await putFolder(newer)
      assert.equal(await at.destination.place(folderOf(newer), { replace: false, signal }), 'taken')
      await at.holds({ [`${FOLDER}/notes.txt`]: 'of others' })
      await at.world.remove(`${FOLDER}/notes.txt`)
      for (const bytes of [older, newer]) {
        await putFolder(bytes)
        assert.equal(await at.destination.place(folderOf(bytes), { replace: true, signal }), 'placed')
      }
      await at.holds({ ...shown(newer), [`${FOLDER}/segment-00001.m4s`]: 'newer' })
      const to = 'film-2/video-480p'
      await putFolder(older, at.destination, folderOf(older, { path: to }))
      await at.destination.place(folderOf(older, { path: to }), { replace: false, signal })
      await at.destination.move(FOLDER, to)
      await at.destination.move(FOLDER, to)
      await at.holds({ ...shown(newer, to), [`${to}/segment-00001.m4s`]: 'newer' })
    })

    it('is refused where its bytes are others, or are no track', async () => {
      const bytes = track('one', 'another')
      const isRefused = (error: unknown) => error instanceof CopyMismatch
      const none = 'ftyp and no boxes'
      const cases = [
        [track('one', 'An other'), folderOf(bytes)],
        [bytes.subarray(0, -1), folderOf(bytes.subarray(0, -1))],
        [Buffer.from(none), at.fileOf(none, { path: FOLDER, is_folder: true })],
      ] as const
      for (const [wrong, file] of cases)
        await assert.rejects(at.put(wrong.toString('latin1'), at.destination, file), isRefused)
      await at.holds({})
    })
  })
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
