import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RESOLUTIONS } from '../protocol/ids.ts'
import { displaySize, rungsFor } from './rungs.ts'

const names = (
  width: number,
  height: number,
  asked: readonly ('480p' | '720p' | '1080p')[] = RESOLUTIONS,
  upscale = false,
) =>
  rungsFor({ display: { width, height }, asked, upscale }).map(
    (rung) => `${rung.resolution} ${rung.width}x${rung.height}`,
  )

test('pictures are fitted into the boxes, turned for portrait', () => {
  assert.deepEqual(names(1920, 1080), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
  assert.deepEqual(names(1920, 800), ['480p 854x356', '720p 1280x534', '1080p 1920x800'])
  assert.deepEqual(names(1080, 1920), ['480p 480x854', '720p 720x1280', '1080p 1080x1920'])
  assert.deepEqual(names(3840, 2160), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
})

test('a rung is left out only where the source fits the next lower one; the lowest is always made', () => {
  assert.deepEqual(names(1280, 720), ['480p 854x480', '720p 1280x720'])
  assert.deepEqual(names(768, 432), ['480p 768x432'])
  assert.deepEqual(names(1000, 562), ['480p 854x480', '720p 1000x562'])
  assert.deepEqual(names(640, 360, ['1080p']), ['1080p 640x360'])
  assert.deepEqual(names(1280, 720, ['480p', '1080p']), ['480p 854x480', '1080p 1280x720'])
})

test('odd sizes lose a line, and nothing grows unless asked', () => {
  assert.deepEqual(names(321, 241), ['480p 320x240'])
  assert.deepEqual(names(1, 1), ['480p 2x2'])
  assert.deepEqual(names(320, 180, RESOLUTIONS, true), ['480p 854x480', '720p 1280x720', '1080p 1920x1080'])
})

test('the picture is measured upright and with square pixels', () => {
  const facts = { width: 720, height: 576, sample_aspect: [16, 11], rotation: 90 } as const
  assert.deepEqual(displaySize(facts), { width: 576, height: (720 * 16) / 11 })
})

test('every rung is even, inside its box, never larger than the source, and keeps its shape', () => {
  const side = fc.integer({ min: 16, max: 8000 })
  const ladder = fc.subarray([...RESOLUTIONS], { minLength: 1 })
  fc.assert(
    fc.property(side, side, ladder, (width, height, asked) => {
      const rungs = rungsFor({ display: { width, height }, asked, upscale: false })
      assert.equal(
        rungs[0]?.resolution,
        RESOLUTIONS.find((resolution) => asked.includes(resolution)),
      )
      for (const rung of rungs) {
        const box = { '480p': [854, 480], '720p': [1280, 720], '1080p': [1920, 1080] }[rung.resolution]
        const [long = 0, short = 0] = box
        assert.ok(rung.width % 2 === 0 && rung.height % 2 === 0)
        assert.ok(Math.max(rung.width, rung.height) <= long && Math.min(rung.width, rung.height) <= short)
        assert.ok(rung.width <= Math.max(2, width) && rung.height <= Math.max(2, height))
        // Rounding to even moves a side by less than one line, two where an odd source loses one.
        const scale = Math.min(1, Math.max(rung.width / width, rung.height / height))
        assert.ok(
          Math.abs(rung.width - width * scale) <= 2 * Math.max(1, width / height) &&
            Math.abs(rung.height - height * scale) <= 2 * Math.max(1, height / width),
        )
      }
    }),
  )
})
