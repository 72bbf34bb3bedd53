import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SourceRefused } from '../protocol/errors.ts'
import { checkSource, kindOf } from './source-file.ts'

test('only a regular, readable, non-empty file may be read', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'source-file-'))
  t.after(() => rm(dir, { recursive: true }))
  const fifo = join(dir, 'pipe.mp4')
  execFileSync('mkfifo', [fifo])
  await writeFile(join(dir, 'empty.mp4'), '')
  await writeFile(join(dir, 'two\nlines.mp4'), 'xx')
  const cases: readonly (readonly [string, RegExp])[] = [
    [join(dir, 'gone.mp4'), /"[^"]*gone\.mp4": there is no such file\.$/],
    [join(dir, 'empty.mp4', 'under.mp4'), /there is no such file/],
    [dir, /is a folder/],
    [fifo, /not a regular file/],
    ['/dev/zero', /not a regular file/],
    [join(dir, 'empty.mp4'), /is empty/],
  ]
  for (const [path, sentence] of cases) {
    await assert.rejects(
      checkSource(path),
      (error) => error instanceof SourceRefused && sentence.test(error.message),
      path,
    )
  }
  assert.equal(await checkSource(join(dir, 'two\nlines.mp4')), 2)
})

test('the first bytes name what a file really is', () => {
  const kind = (text: string) => kindOf(Buffer.from(text, 'latin1')) ?? ''
  for (const list of [
    '#EXTM3U\n#EXT-X',
    '\xef\xbb\xbf#EXTM3U',
    '  ffconcat version 1.0',
    '<?xml version="1.0"?>\n<MPD xmlns',
    'v=0\r\no=-',
    "file '/etc/passwd'",
  ]) {
    assert.match(kind(list), /names other files/, list)
  }
  for (const still of ['BM', 'RIFF\0\0\0\0WEBPVP8 ', 'RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0', '\0\0\0 ftypavif'])
    assert.match(kind(still), /picture/)
  assert.match(kind('RIFF\0\0\0\0WEBPVP8X\n\0\0\0\x02'), /animated WebP/)
  // Of these there may be several in a file: ffprobe shows how many.
  for (const several of ['\x89PNG\r\n', '\xff\xd8\xff\xe0', 'GIF89a']) assert.equal(kind(several), '')
  assert.match(kindOf(Buffer.alloc(512)) ?? '', /only zeros/)
  for (const video of ['\0\0\0 ftypisom', '\x1a\x45\xdf\xa3', 'RIFF\0\0\0\0AVI LIST', 'G@\0\x10', 'FLV\x01'])
    assert.equal(kind(video), '')
})
