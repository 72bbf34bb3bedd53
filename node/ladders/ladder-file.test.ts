/** A ladder that is wrong is one sentence with its file, the line and what is allowed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { whyRefused } from '../../media/codecs/codecs.ts'
import { UsageError } from '../../protocol/errors.ts'
import { textOf } from '../../protocol/ladder.ts'
import { builtInLadders } from '../../protocol/ladders.ts'
import { readLadderFile } from './ladder-file.ts'

let dir = ''
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-ladder-'))
})
after(() => rm(dir, { recursive: true, force: true }))

async function written(text: string | Buffer, name = 'my.yaml'): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, text)
  return path
}

async function whyNot(path: string): Promise<string> {
  try {
    await readLadderFile(path)
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    assert.doesNotMatch(error.message, /\n/)
    return error.message.replace(`${dir}/`, '')
  }
  return 'is right'
}

const GOOD = `# Mine.
keyframe_s: 2
renditions:
  - id: 720p
    box: 1280x720
    codec: h264
    crf: 22
    preset: fast
  - id: 720p-hevc
    box: 1280x720
    codec: hevc
    kbps: 1500
    maxrate_kbps: 2000
    bufsize_kb: 2000
    preset: fast
audio:
  - codec: aac
    channels: 2
    kbps: 128
`

describe('a ladder file', () => {
  test('is YAML or JSON', async () => {
    const ladder = await readLadderFile(await written(GOOD))
    assert.deepEqual(
      ladder.renditions.map(({ id }) => id),
      ['720p', '720p-hevc'],
    )
    assert.equal(ladder.keyframe_s, 2)
    const json = JSON.stringify(textOf(ladder), null, 2)
    assert.deepEqual(await readLadderFile(await written(json, 'my.json')), ladder)
  })

  test('of each built-in ladder is that ladder, and its codecs can do it', async () => {
    for (const [name, ladder] of Object.entries(builtInLadders())) {
      assert.deepEqual(await readLadderFile(await written(stringify(textOf(ladder)))), ladder, name)
      assert.deepEqual(ladder.renditions.map(whyRefused).filter(Boolean), [], name)
    }
  })

  const changes: readonly (readonly [string, string, string])[] = [
    [
      'crf: 22',
      'grain: 5',
      'line 7: 720p has no key "grain": it has id, box, codec, crf, kbps, maxrate_kbps, bufsize_kb, preset, profile, bit_depth',
    ],
    [
      'preset: fast\n  - id: 720p-hevc',
      'presett: fast\n  - id: 720p-hevc',
      'line 8: 720p has no key "presett": it has id, box, codec, crf, kbps, maxrate_kbps, bufsize_kb, preset, profile, bit_depth',
    ],
    [
      'keyframe_s',
      'keyframes',
      'line 2: the ladder has no key "keyframes": it has description, keyframe_s, renditions, audio',
    ],
    [
      '    channels: 2',
      '    volume: 11',
      'line 18: audio 1 has no key "volume": it has codec, channels, kbps, languages',
    ],
    ['id: 720p-hevc', 'id: 720p', 'line 9: id of 720p is that of another rendition: ids are unique'],
    [
      'id: 720p-hevc',
      'id: audio',
      'line 9: id of audio must be 1 to 32 of a-z, 0-9, "." and "-", and neither a task kind nor "all"',
    ],
    ['box: 1280x720', 'box: 1279x720', 'line 5: box of 720p must have even sides, as the pictures of 4:2:0 have'],
    ['box: 1280x720', 'box: 8x8', 'line 5: box of 720p must have sides from 16 to 16384'],
    ['box: 1280x720', 'box: wide', 'line 5: box of 720p must be WIDTHxHEIGHT, such as 1280x720'],
    ['box: 1280x720', 'box: [1, 2]', 'line 5: box of 720p must be a text'],
    [
      'kbps: 1500',
      'kbps: 2',
      'line 12: The rendition 720p-hevc asks for 2 kb/s, which is less than hevc of 1280x720 can have: use at least 14.',
    ],
    ['kbps: 1500', 'kbps: -1', 'line 12: kbps of 720p-hevc must be more than 0'],
    ['kbps: 1500', 'kbps: lots', 'line 12: kbps of 720p-hevc must be a number'],
    ['    maxrate_kbps: 2000\n', '', 'line 13: bufsize_kb of 720p-hevc needs maxrate_kbps beside it'],
    ['    crf: 22\n', '', 'line 4: 720p needs crf or kbps'],
    ['    preset: fast\n', '', 'line 4: 720p needs preset'],
    [
      'codec: hevc',
      'codec: mpeg2',
      'line 11: The rendition 720p-hevc asks for the codec "mpeg2", which this version does not know: use ',
    ],
    ['crf: 22', 'crf: 60', 'line 7: The rendition 720p asks for crf 60, which libx264 does not have: use 0 to 51.'],
    [
      'preset: fast',
      'preset: 8',
      'line 8: The rendition 720p asks for the preset "8", which libx264 does not have: use ',
    ],
    [
      'preset: fast',
      'profile: best\n    preset: fast',
      'line 8: The rendition 720p asks for the profile "best", which h264 does not have with 8 bits: use main or high.',
    ],
    ['preset: fast', 'bit_depth: 12\n    preset: fast', 'line 8: bit_depth of 720p must be 8 or 10'],
    ['keyframe_s: 2', 'keyframe_s: 30', 'line 2: keyframe_s must be at most 10'],
    ['keyframe_s: 2', 'renditions: []\nkeyframe_s: 2', 'is not YAML: line 4: Map keys must be unique'],
    [GOOD, 'renditions: []', 'line 1: renditions must have at least 1'],
    [GOOD, 'renditions: 5', 'line 1: renditions must be a list'],
    [GOOD, '- 720p', 'line 1: the ladder must be a mapping of names to values'],
    [GOOD, 'a: [', 'is not YAML: line 1: '],
    [GOOD, '', 'is empty: a ladder has a list of renditions'],
    ['channels: 2', 'channels: 3', 'line 18: channels of audio 1 must be 1, 2, 6 or 8'],
    ['kbps: 128', 'kbps: 9000', 'line 17: audio 1: kbps must be 32 to 512 for 2 channels'],
  ]
  for (const [from, to, says] of changes)
    test(`with ${JSON.stringify(to.slice(0, 40))} says: ${says}`, async () => {
      assert.ok(GOOD.includes(from))
      const why = await whyNot(await written(GOOD.replace(from, to)))
      assert.ok(why.replace(/^my\.yaml,? /, '').startsWith(says), why)
    })

  test('that is none of text is refused: too large, other bytes, a folder, a pipe, nothing', async () => {
    assert.match(await whyNot(await written(`# ${'x'.repeat(70_000)}`)), /is larger than 64 KiB, and no ladder is$/)
    assert.match(await whyNot(await written(Buffer.from([0xff, 0xfe, 0]))), /is no ladder: it is not text in UTF-8$/)
    assert.match(await whyNot(dir), /^the ladder .* cannot be read: it is no file$/)
    await promisify(execFile)('mkfifo', [join(dir, 'pipe')])
    assert.match(await whyNot(join(dir, 'pipe')), /it is no file$/)
    assert.match(await whyNot(join(dir, 'none.yaml')), /^the ladder none\.yaml cannot be read: ENOENT$/)
  })

  test('of aliases that would be very many values is refused', async () => {
    const names = 'abcdefghij'.split('')
    const lines = names.map(
      (name, at) => `${name}: &${name} [${at === 0 ? '1,1' : Array(9).fill(`*${names[at - 1]}`)}]`,
    )
    assert.match(await whyNot(await written(lines.join('\n'))), /^my\.yaml is not YAML: Excessive alias count/)
  })
})
