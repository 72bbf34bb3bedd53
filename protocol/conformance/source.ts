/** The rules of `Source` in `source.ts`, as one suite that every adapter passes. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { BlobStore } from '../blobs.ts'
import { SourceRefused, SourceUnsettled } from '../errors.ts'
import type { VideoId } from '../ids.ts'
import { readContent, type Source } from '../source.ts'
import { sha256Of, videoNumber } from './blobs.ts'

/** One source that is there, and what its owner does with it. */
export interface SourceWorld {
  /** Another handle of the same source, which is called `my film.v2`. */
  open(): Source
  /** Replaces the content as its owner would. It shows, though not always in the size. */
  write(content: string): Promise<void>
  remove(): Promise<void>
  /** What cannot be a source, with what the error says. */
  openUseless(): Promise<readonly (readonly [Source, RegExp])[]>
  readonly store: BlobStore
  /** The content of what the store found. */
  readFound(path: string): Promise<string>
  close(): Promise<void>
}

export function sourceConformance(name: string, makeWorld: (content: string) => Promise<SourceWorld>): void {
  describe(`a source: ${name}`, () => {
    const CONTENT = 'the source film'
    const { signal } = new AbortController()
    let world: SourceWorld
    let source: Source
    beforeEach(async () => {
      world = await makeWorld(CONTENT)
      source = world.open()
    })
    afterEach(() => world.close())

    const read = async (from: number, to: number, identity?: string): Promise<string> => {
      const range = { from, to, identity: identity ?? (await source.stat(signal)).identity }
      const pieces: Buffer[] = []
      // A piece is valid until the next one only.
      for await (const piece of source.read(range, signal)) pieces.push(Buffer.from(piece))
      return Buffer.concat(pieces).toString()
    }
    /** Happens when the first piece has been read. */
    const during = (act: () => Promise<void>): Source => ({
      ...source,
      async *read(range, given) {
        let pieces = 0
        for await (const piece of source.read(range, given)) {
          if (pieces++ === 0) await act()
          yield piece
        }
      },
    })
    const isUnsettled = (error: unknown): boolean =>
      error instanceof SourceUnsettled && error.retryable && error.message.includes(source.address)

    it('has a name for people, and says what ffmpeg opens', async () => {
      assert.equal(source.name, 'my film.v2')
      assert.match(await source.input(), /\S/)
    })

    it('says its size, and the same identity for as long as nothing changes', async () => {
      const facts = await source.stat(signal)
      assert.equal(facts.bytes, CONTENT.length)
      await readContent(source, signal)
      assert.deepEqual(await world.open().stat(signal), facts)
    })

    it('has another identity when its content changes, also where the size stays', async () => {
      const before = await source.stat(signal)
      await world.write('the s0urce film')
      const after = await source.stat(signal)
      assert.equal(after.bytes, before.bytes)
      assert.notEqual(after.identity, before.identity)
    })

    it('gives any range of its bytes', async () => {
      assert.equal(await read(0, CONTENT.length), CONTENT)
      assert.equal(await read(4, 10), 'source')
      assert.equal(await read(0, 1), 't')
      assert.equal(await read(CONTENT.length - 1, CONTENT.length), 'm')
      assert.equal(await read(5, 5), '')
    })

    it('gives more bytes than one piece holds, in order', async () => {
      const content = Array.from({ length: 200_000 }, (_, at) => at.toString(36)).join(' ')
      await world.write(content)
      assert.equal(await read(0, content.length), content)
      assert.equal(await read(300_000, 900_000), content.slice(300_000, 900_000))
      const { sha256, bytes } = await readContent(source, signal)
      assert.deepEqual({ sha256, bytes }, { sha256: sha256Of(content), bytes: content.length })
    })

    it('may be left in the midst of a range', async () => {
      const { identity, bytes } = await source.stat(signal)
      for await (const piece of source.read({ from: 0, to: bytes, identity }, signal)) {
        assert.ok(piece.byteLength > 0)
        break
      }
      assert.equal(await read(0, CONTENT.length), CONTENT)
    })

    it('may be empty', async () => {
      await world.write('')
      const { sha256, bytes } = await readContent(source, signal)
      assert.deepEqual({ sha256, bytes }, { sha256: sha256Of(''), bytes: 0 })
      assert.equal(await read(0, 0), '')
    })

    it('gives no bytes of another content than the one that was asked for', async () => {
      const { identity } = await source.stat(signal)
      await world.write('the s0urce film')
      await assert.rejects(read(0, 3, identity), isUnsettled)
    })

    it('gives no fewer bytes than the range has', async () => {
      await assert.rejects(read(0, CONTENT.length + 1), isUnsettled)
      await assert.rejects(read(CONTENT.length, CONTENT.length + 1), isUnsettled)
    })

    it('is hashed as a whole', async () => {
      const content = await readContent(source, signal)
      assert.deepEqual(content, { sha256: sha256Of(CONTENT), ...(await source.stat(signal)) })
    })

    for (const [how, content] of [
      ['grows', `${CONTENT} and the rest`],
      ['shrinks', 'the source'],
      ['is replaced by another of the same size', 'the s0urce film'],
    ] as const) {
      it(`that ${how} while it is hashed is refused as one that may be whole later`, async () => {
        await assert.rejects(
          readContent(
            during(() => world.write(content)),
            signal,
          ),
          isUnsettled,
        )
        assert.equal((await readContent(source, signal)).sha256, sha256Of(content))
      })
    }

    it('that is gone, before or while it is hashed, is refused', async () => {
      const { identity } = await source.stat(signal)
      await assert.rejects(readContent(during(world.remove), signal), SourceRefused)
      await assert.rejects(read(0, 1, identity), SourceRefused)
      await assert.rejects(source.stat(signal), SourceRefused)
      await assert.rejects(readContent(source, signal), SourceRefused)
    })

    it('that could not be a video is refused, with the reason', async () => {
      for (const [useless, says] of await world.openUseless())
        await assert.rejects(
          useless.stat(signal),
          (error) => error instanceof SourceRefused && !error.retryable && says.test(error.message),
        )
    })

    it('ends with the reason of a signal that aborts before or while it is read', async () => {
      const stopping = new AbortController()
      const stop = async () => stopping.abort(new Error('the node stops'))
      await world.write('a long one '.repeat(100_000))
      await assert.rejects(readContent(during(stop), stopping.signal), /the node stops/)
      await assert.rejects(readContent(source, stopping.signal), /the node stops/)
    })

    it('is held by the store under its video', async () => {
      const video: VideoId = videoNumber(1)
      const content = await readContent(source, signal)
      await source.hold(content, video, world.store, signal)
      await world.open().hold(content, video, world.store, signal)
      const found = await world.store.find(content.sha256, video)
      assert.equal(found && (await world.readFound(found)), CONTENT)
    })

    it('is not held as what it was', async () => {
      const video: VideoId = videoNumber(2)
      const content = await readContent(source, signal)
      await world.write('the s0urce film')
      await assert.rejects(source.hold(content, video, world.store, signal), isUnsettled)
      assert.equal(await world.store.find(content.sha256, video), null)
    })
  })
}
