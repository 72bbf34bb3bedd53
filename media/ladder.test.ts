import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import type { Rendition } from '../protocol/rendition.ts'
import { displaySize, renditionsFor } from './ladder.ts'

const { renditions: DEFAULT } = DEFAULT_RECIPE
const names = (width: number, height: number, asked: readonly Rendition[] = DEFAULT, upscale = false) =>
  renditionsFor({ display: { width, height }, asked, upscale }).map(
    (rendition) => `${rendition.id} ${rendition.width}x${rendition.height}`,
  )

test('pictures are fitted into the boxes, turned for portrait', () => {
  assert.deepEqual(names(1920, 1080), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
  assert.deepEqual(names(1920, 800), ['480p 854x356', '720p 1280x534', '1080p 1920x800'])
  assert.deepEqual(names(1080, 1920), ['480p 480x854', '720p 720x1280', '1080p 1080x1920'])
  assert.deepEqual(names(3840, 2160), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
})

test('a rendition is left out only where the source fits the next smaller box; the smallest is always made', () => {
  assert.deepEqual(names(1280, 720), ['480p 854x480', '720p 1280x720'])
  assert.deepEqual(names(768, 432), ['480p 768x432'])
  assert.deepEqual(names(1000, 562), ['480p 854x480', '720p 1000x562'])
  assert.deepEqual(names(640, 360, ladderOf([1080])), ['1080p 640x360'])
  assert.deepEqual(names(1280, 720, ladderOf([480, 1080])), ['480p 854x480', '1080p 1280x720'])
})

test('odd sizes lose a line, and nothing grows unless asked', () => {
  assert.deepEqual(names(321, 241), ['480p 320x240'])
  assert.deepEqual(names(1, 1), ['480p 2x2'])
  assert.deepEqual(names(320, 180, DEFAULT, true), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
})

test('any height is a rendition, and a picture in a box of an odd side is even', () => {
  assert.deepEqual(names(1920, 1080, ladderOf([2160, 333])), ['333p 592x332', '2160p 1920x1080'])
  assert.deepEqual(names(640, 360, ladderOf([333]), true), ['333p 592x332'])
})

const [HD, UHD] = ladderOf([1080, 2160]) as [Rendition, Rendition]
const twice = ({ id, ...rest }: Rendition): Rendition[] => [
  { ...rest, id: `${id}-hevc`, codec: 'hevc' },
  { ...rest, id },
]

test('two codecs in one box are made or left out together', () => {
  const asked = [...twice(UHD), ...twice(HD)]
  assert.deepEqual(names(1920, 1080, asked), ['1080p 1920x1080', '1080p-hevc 1920x1080'])
  assert.deepEqual(names(640, 360, asked), ['1080p 640x360', '1080p-hevc 640x360'])
  assert.equal(names(2560, 1440, asked).length, 4)
  const [first] = renditionsFor({ display: { width: 1920, height: 1080 }, asked, upscale: false })
  assert.deepEqual(first, { id: '1080p', width: 1920, height: 1080, ...DEFAULT_ENCODING })
})

test('of boxes of other shapes it is that of the fewest pixels which is always made', () => {
  const square: Rendition = { ...HD, id: 'square', box: { width: 600, height: 600 } }
  const wide: Rendition = { ...HD, id: 'wide', box: { width: 1600, height: 300 } }
  assert.deepEqual(names(500, 500, [wide, square]), ['square 500x500'])
  assert.deepEqual(names(1500, 200, [wide, square]), ['square 600x80', 'wide 1500x200'])
})

test('the picture is measured upright and with square pixels', () => {
  const facts = { width: 720, height: 576, sample_aspect: [16, 11], rotation: 90 } as const
  assert.deepEqual(displaySize(facts), { width: 576, height: (720 * 16) / 11 })
})

test('every rendition is even, inside its box, never larger than the source, and keeps its shape', () => {
  const side = fc.integer({ min: 16, max: 8000 })
  const heights = fc.uniqueArray(fc.oneof(fc.constantFrom(480, 720, 1080), fc.integer({ min: 100, max: 4320 })), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(side, side, heights, (width, height, lines) => {
      const asked = ladderOf(lines)
      const made = renditionsFor({ display: { width, height }, asked, upscale: false })
      assert.equal(made[0]?.id, asked[0]?.id)
      for (const rendition of made) {
        const { box } = asked.find(({ id }) => id === rendition.id)!
        const [long, short] = [Math.max(box.width, box.height), Math.min(box.width, box.height)]
        assert.ok(rendition.width % 2 === 0 && rendition.height % 2 === 0)
        assert.ok(Math.max(rendition.width, rendition.height) <= long)
        assert.ok(Math.min(rendition.width, rendition.height) <= short)
        assert.ok(rendition.width <= Math.max(2, width) && rendition.height <= Math.max(2, height))
        // Rounding to even moves a side by less than one line, two where an odd source loses one.
        const scale = Math.min(1, Math.max(rendition.width / width, rendition.height / height))
        assert.ok(
          Math.abs(rendition.width - width * scale) <= 2 * Math.max(1, width / height) &&
            Math.abs(rendition.height - height * scale) <= 2 * Math.max(1, height / width),
        )
      }
    }),
  )
})
